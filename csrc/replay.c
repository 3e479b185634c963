/* The loop that replays a compiled step. */
#include "replay.h"

#include <math.h>

enum { SAMPLE_EVERY = 64 }; /* steps between two whose operations are timed one by one */

static void run_timed(const fnn_program *program) {
    double before = fnn_seconds();
    for (int i = 0; i < program->op_count; i++) {
        program->ops[i].run(&program->ops[i]);
        double after = fnn_seconds();
        program->op_seconds[i] += after - before;
        before = after;
    }
    (*program->samples)++;
}

ptrdiff_t fnn_replay(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count, double seconds,
                     const double *watch) {
    double end = fnn_seconds() + seconds;
    for (ptrdiff_t done = 0; done < count; done++) {
        ptrdiff_t step = first + done;
        for (int i = 0; i < program->patch_count; i++) {
            const fnn_patch *patch = &program->patches[i];
            program->ops[patch->op].p[patch->arg] = streams[patch->stream] + step * patch->stride;
        }
        if (step % SAMPLE_EVERY == SAMPLE_EVERY - 1 || *program->samples == 0) {
            run_timed(program);
        } else {
            for (int i = 0; i < program->op_count; i++) program->ops[i].run(&program->ops[i]);
        }
        if (watch != NULL && !isfinite(watch[step])) return done + 1;
        if (fnn_seconds() >= end) return done + 1;
    }
    return count;
}

ptrdiff_t fnn_replay_parts(fnn_part *parts, ptrdiff_t count, double seconds) {
    double now = fnn_seconds();
    const double end = now + seconds;
    ptrdiff_t total = 0;
    for (fnn_part *part = parts; part < parts + count; part++) {
        const double began = now;
        const ptrdiff_t done = fnn_replay(part->program, part->streams, 0, part->count, end - now, part->watch);
        now = fnn_seconds();
        part->seconds = now - began;
        total += done;
        const int failed = part->watch != NULL && done > 0 && !isfinite(part->watch[done - 1]);
        if (done < part->count || failed || now >= end) break;
    }
    return total;
}
