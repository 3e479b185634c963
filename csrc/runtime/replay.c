/* The loop that replays a compiled step. */
#include "runtime/replay.h"

#include "runtime/input_prefetch.h"

#include <math.h>
#include <string.h>

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

enum { SOURCE = 0, GATHER_OUT = 2 };       /* arrays of what reads inputs by an index, and of a gather */
enum { GATHER_COUNT = 2, ROWS_COUNT = 0 }; /* the dimension n of a gather, and of what reads rows in place */

/* The inputs that steps of this program read by an index. */
static fnn_input_prefetch inputs_of(const fnn_program *program) {
    const fnn_patch *index = &program->patches[program->gather];
    const fnn_op *gather = &program->ops[index->op];
    fnn_input_prefetch ahead = {
        .source = gather->p[SOURCE],
        .rows = gather->n[index->arg == FNN_ROW_INDEX ? ROWS_COUNT : GATHER_COUNT],
        .row_bytes = program->row_bytes,
        .gather = gather,
        .brought = program->brought,
    };
    if (program->swap_count > 0) memset(ahead.brought, 0, (size_t)ahead.rows); /* the last steps run may be others */
    return ahead;
}

/* Where the rows of the next step go. */
static void *other_out(const fnn_program *program, const fnn_op *gather) {
    for (const fnn_swap *swap = program->swaps; swap < program->swaps + program->swap_count; swap++)
        if (&program->ops[swap->op] == gather && swap->arg == GATHER_OUT) return swap->other;
    return NULL;
}

static void swap_inputs(const fnn_program *program) {
    for (fnn_swap *swap = program->swaps; swap < program->swaps + program->swap_count; swap++) {
        char *now = program->ops[swap->op].p[swap->arg];
        program->ops[swap->op].p[swap->arg] = swap->other;
        swap->other = now;
    }
}

static ptrdiff_t run_steps(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count,
                           double seconds, const double *watch, fnn_input_prefetch *ahead) {
    double end = fnn_seconds() + seconds;
    for (ptrdiff_t done = 0; done < count; done++) {
        ptrdiff_t step = first + done;
        for (int i = 0; i < program->patch_count; i++) {
            const fnn_patch *patch = &program->patches[i];
            program->ops[patch->op].p[patch->arg] = streams[patch->stream] + step * patch->stride;
        }
        if (ahead != NULL) {
            const fnn_patch *index = &program->patches[program->gather];
            const char *next = streams[index->stream] + (step + 1) * index->stride;
            ahead->out = other_out(program, ahead->gather);
            fnn_input_prefetch_begin_step(ahead, done + 1 < count ? (const int64_t *)next : NULL);
        }
        if (step % SAMPLE_EVERY == SAMPLE_EVERY - 1 || *program->samples == 0) {
            run_timed(program);
        } else {
            for (int i = 0; i < program->op_count; i++) program->ops[i].run(&program->ops[i]);
        }
        if (watch != NULL && !isfinite(watch[step])) return done + 1;
        if (fnn_seconds() >= end) return done + 1;
        if (ahead != NULL) swap_inputs(program);
    }
    return count;
}

ptrdiff_t fnn_replay(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count, double seconds,
                     const double *watch) {
    if (program->gather < 0 || count < 2) return run_steps(program, streams, first, count, seconds, watch, NULL);
    fnn_input_prefetch ahead = inputs_of(program);
    fnn_input_prefetch_join(&ahead, 0, fnn_get_num_threads());
    const ptrdiff_t done = run_steps(program, streams, first, count, seconds, watch, &ahead);
    fnn_input_prefetch_join(NULL, 0, 1);
    return done;
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
