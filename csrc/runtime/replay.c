/* The loop that replays a compiled step. */
#include "runtime/replay.h"

#include "runtime/input_prefetch.h"
#include "runtime/interruption.h"
#include "runtime/subnormals.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { SAMPLE_EVERY = 64 }; /* of so many steps, one has its operations timed one by one */

static void run_op(const fnn_op *op) {
    const fnn_float_mode before = fnn_flush_subnormals(op->flushes);
    op->run(op);
    fnn_restore_float_mode(before, op->flushes);
}

int fnn_run(const fnn_op *op, fnn_ask ask) {
    fnn_interruption interruption = {.left = 0};
    if (ask != NULL) fnn_interruption_begin(&interruption, ask);
    run_op(op);
    if (ask != NULL) fnn_interruption_join(NULL);
    return atomic_load_explicit(&interruption.left, memory_order_relaxed);
}

static void copy_kept(const fnn_program *program, bool back) {
    for (int i = 0; i < program->kept_count; i++) {
        const fnn_kept *kept = &program->kept[i];
        void *const array = program->ops[kept->op].p[kept->arg];
        memcpy(back ? array : kept->copy, back ? kept->copy : array, kept->bytes);
    }
}

/* Runs the operations of a step, and times them one by one if wanted. Returns whether the step was left, which it may
 * be before anything is updated, if there is someone to ask. */
static bool run_operations(const fnn_program *program, bool timed, fnn_ask ask) {
    double *const seconds = program->op_seconds, *const of_step = seconds + program->op_count;
    fnn_interruption interruption;
    if (ask != NULL) {
        copy_kept(program, false);
        fnn_interruption_begin(&interruption, ask);
    }
    bool left = false;
    double before = timed ? fnn_seconds() : 0;
    for (int i = 0; i < program->op_count && !left; i++) {
        if (ask != NULL && i == program->first_update) fnn_interruption_join(NULL);
        run_op(&program->ops[i]);
        if (timed) {
            const double after = fnn_seconds();
            of_step[i] = after - before;
            before = after;
        }
        left = ask != NULL && fnn_is_left();
    }
    if (ask != NULL) fnn_interruption_join(NULL);
    if (left) {
        copy_kept(program, true);
    } else if (timed) {
        for (int i = 0; i < program->op_count; i++) seconds[i] += of_step[i];
        (*program->samples)++;
    }
    return left;
}

/* Positions of arrays: the data set, and the output of a gather. */
enum { SOURCE = 0, GATHER_OUT = 2 };
/* Positions of the number of rows: in a gather, and in an operation that reads them in place. */
enum { GATHER_COUNT = 2, ROWS_COUNT = 0 };

/* The inputs that the steps of this program read by an index. */
static fnn_input_prefetch inputs_of(const fnn_program *program) {
    const fnn_stream_argument *index = &program->stream_arguments[program->gather];
    const fnn_op *gather = &program->ops[index->op];
    fnn_input_prefetch prefetch = {
        .source = gather->p[SOURCE],
        .rows = gather->n[index->arg == FNN_ROW_INDEX ? ROWS_COUNT : GATHER_COUNT],
        .row_bytes = program->row_bytes,
        .gather = gather,
        .ready = program->ready,
    };
    if (program->double_buffer_count > 0) memset(prefetch.ready, 0, (size_t)prefetch.rows); /* left by other steps */
    return prefetch;
}

/* Where the rows of the next step are gathered. */
static void *back_of_out(const fnn_program *program, const fnn_op *gather) {
    for (int i = 0; i < program->double_buffer_count; i++) {
        const fnn_double_buffer *buffer = &program->double_buffers[i];
        if (&program->ops[buffer->op] == gather && buffer->arg == GATHER_OUT) return buffer->back;
    }
    return NULL;
}

static void swap_buffers(const fnn_program *program) {
    for (int i = 0; i < program->double_buffer_count; i++) {
        fnn_double_buffer *buffer = &program->double_buffers[i];
        char *front = program->ops[buffer->op].p[buffer->arg];
        program->ops[buffer->op].p[buffer->arg] = buffer->back;
        buffer->back = front;
    }
}

static ptrdiff_t run_steps(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count,
                           double seconds, const double *watch, fnn_ask ask, fnn_input_prefetch *prefetch) {
    const double end = count > 1 ? fnn_seconds() + seconds : 0; /* a single step need not ask for the time */
    for (ptrdiff_t done = 0; done < count; done++) {
        ptrdiff_t step = first + done;
        for (int i = 0; i < program->stream_argument_count; i++) {
            const fnn_stream_argument *a = &program->stream_arguments[i];
            program->ops[a->op].p[a->arg] = streams[a->stream] + step * a->stride;
        }
        if (prefetch != NULL) {
            const fnn_stream_argument *index = &program->stream_arguments[program->gather];
            const char *next = streams[index->stream] + (step + 1) * index->stride;
            prefetch->out = back_of_out(program, prefetch->gather);
            fnn_input_prefetch_begin_step(prefetch, done + 1 < count ? (const int64_t *)next : NULL);
        }
        const bool timed = step % SAMPLE_EVERY == SAMPLE_EVERY - 1 || *program->samples == 0;
        if (run_operations(program, timed, done == 0 ? ask : NULL)) return done;
        if (watch != NULL && !isfinite(watch[step])) return done + 1;
        if (count > 1 && fnn_seconds() >= end) return done + 1;
        if (prefetch != NULL) swap_buffers(program);
    }
    return count;
}

ptrdiff_t fnn_replay(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count, double seconds,
                     const double *watch, fnn_ask ask) {
    if (program->gather < 0 || count < 2) return run_steps(program, streams, first, count, seconds, watch, ask, NULL);
    fnn_input_prefetch prefetch = inputs_of(program);
    fnn_input_prefetch_join(&prefetch, 0, fnn_get_num_threads());
    const ptrdiff_t done = run_steps(program, streams, first, count, seconds, watch, ask, &prefetch);
    fnn_input_prefetch_join(NULL, 0, 1);
    return done;
}

ptrdiff_t fnn_replay_parts(fnn_part *parts, ptrdiff_t count, double seconds, fnn_ask ask) {
    double now = fnn_seconds();
    const double end = now + seconds;
    ptrdiff_t total = 0;
    for (fnn_part *part = parts; part < parts + count; part++) {
        const double began = now;
        const ptrdiff_t done = fnn_replay(part->program, part->streams, 0, part->count, end - now, part->watch,
                                          part == parts ? ask : NULL);
        now = fnn_seconds();
        part->seconds = now - began;
        total += done;
        const int failed = part->watch != NULL && done > 0 && !isfinite(part->watch[done - 1]);
        if (done < part->count || failed || now >= end) break;
    }
    return total;
}
