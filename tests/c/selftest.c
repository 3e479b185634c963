/* A test of csrc without Python, for systems on which there is none: the thread pool, kernels, replay, and reads from
 * files, on every instruction set that the processor has. tests/c/selftest.py builds and runs it.
 *
 * It prints what failed and ends with status 1, or prints a line of what was tried. Inputs are small integers, on which
 * every order of summation gives the same float, so that results are compared with plain loops bit by bit.
 */
#define _POSIX_C_SOURCE 200809L /* fileno */
#include "fastnn.h"
#include "runtime/file_rows.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures, checks;

static void check(bool holds, const char *what, const char *where) {
    checks++;
    if (holds) return;
    failures++;
    printf("FAILED: %s (%s)\n", what, where);
}

/* --- the thread pool --- */

enum { TASKS = 1000 };
static atomic_int times_run[TASKS];
static atomic_int without_scratch, nested;

static void count_nested(void *context, int task) {
    (void)context, (void)task;
    atomic_fetch_add(&nested, 1);
}

static void count_task(void *context, int task) {
    (void)context;
    char *scratch = fnn_scratch();
    if (scratch == NULL || (uintptr_t)scratch % 64 != 0) atomic_fetch_add(&without_scratch, 1);
    if (scratch != NULL) scratch[task] = (char)task;
    atomic_fetch_add(&times_run[task], 1);
    if (task == 0) fnn_parallel(10, count_nested, NULL);
}

static void test_pool(void) {
    for (int threads = 1; threads <= 4; threads++) {
        check(fnn_set_num_threads(threads) == 0, "the number of threads can be set", "pool");
        check(fnn_get_num_threads() == threads, "the number of threads is what was set", "pool");
        for (int round = 0; round < 200; round++) {
            const int tasks = round % 2 == 0 ? TASKS : 3;
            memset(times_run, 0, sizeof times_run);
            atomic_store(&nested, 0);
            fnn_parallel(tasks, count_task, NULL);
            bool once = true;
            for (int t = 0; t < TASKS; t++) once = once && atomic_load(&times_run[t]) == (t < tasks);
            check(once, "every task runs once", "pool");
            check(atomic_load(&nested) == 10, "a nested call runs all its tasks", "pool");
        }
    }
    check(atomic_load(&without_scratch) == 0, "every thread has an aligned workspace", "pool");
    const double before = fnn_seconds();
    double after = before;
    while (after < before + 0.01) after = fnn_seconds();
    check(after >= before + 0.01, "the clock goes forward", "pool");
}

/* --- arrays of either type --- */

static bool is_double; /* the type of all arrays below */

static size_t item(void) { return is_double ? sizeof(double) : sizeof(float); }
static void set(void *array, ptrdiff_t i, double value) {
    if (is_double)
        ((double *)array)[i] = value;
    else
        ((float *)array)[i] = (float)value;
}
static double get(const void *array, ptrdiff_t i) {
    return is_double ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

static void *array_of(ptrdiff_t count) {
    void *array = calloc((size_t)count, item());
    if (array == NULL) abort();
    return array;
}

/* Integers from -3 to 3, from a generator that needs no library. */
static uint32_t state = 1;
static void *integers(ptrdiff_t count) {
    void *array = array_of(count);
    for (ptrdiff_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        set(array, i, (double)((state >> 16) % 7) - 3);
    }
    return array;
}

static fnn_kernel kernel_named(const fnn_isa *isa, const char *name) {
    const size_t length = strlen(name);
    for (const fnn_entry *row = is_double ? isa->f64 : isa->f32; row->signature != NULL; row++)
        if (strncmp(row->signature, name, length) == 0 && row->signature[length] == '(') return row->run;
    printf("FAILED: there is no kernel %s in %s\n", name, isa->name);
    exit(1);
}

/* --- kernels --- */

static void test_affine(const fnn_isa *isa, ptrdiff_t n, ptrdiff_t d, ptrdiff_t m) {
    void *x = integers(n * d), *w = integers(d * m), *b = integers(m), *out = array_of(n * m);
    fnn_op op = {.run = kernel_named(isa, "affine_forward"), .p = {x, w, b, out}, .n = {n, d, m, m, 0}};
    op.s[0] = RELU;
    op.run(&op);
    bool equal = true;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < m; j++) {
            double sum = get(b, j);
            for (ptrdiff_t k = 0; k < d; k++) sum += get(x, i * d + k) * get(w, k * m + j);
            equal = equal && get(out, i * m + j) == (sum > 0 ? sum : 0);
        }
    check(equal, "affine_forward is the plain sum, where that is positive", isa->name);
    free(x), free(w), free(b), free(out);
}

static void test_conv(const fnn_isa *isa, ptrdiff_t n, ptrdiff_t c, ptrdiff_t h, ptrdiff_t f, ptrdiff_t taps) {
    const ptrdiff_t p = h - taps + 1;
    void *x = integers(n * c * h * h), *w = integers(f * c * taps * taps), *out = array_of(n * f * p * p);
    fnn_op op = {.run = kernel_named(isa, "conv_forward"),
                 .p = {x, w, NULL, out},
                 .n = {n, c, h, h, f, c, taps, taps, p, p},
                 .s = {1, 1, 0, 0, 1, 1}};
    op.run(&op);
    bool equal = true;
    for (ptrdiff_t at = 0; at < n * f * p * p; at++) {
        const ptrdiff_t col = at % p, row = at / p % p, filter = at / (p * p) % f, image = at / (p * p * f);
        double sum = 0;
        for (ptrdiff_t k = 0; k < c * taps * taps; k++) {
            const ptrdiff_t channel = k / (taps * taps), y = row + k / taps % taps, z = col + k % taps;
            sum += get(x, ((image * c + channel) * h + y) * h + z) * get(w, filter * c * taps * taps + k);
        }
        equal = equal && get(out, at) == sum;
    }
    check(equal, "conv_forward is the plain sum", isa->name);
    free(x), free(w), free(out);
}

static void test_softmax_loss(const fnn_isa *isa, ptrdiff_t n, ptrdiff_t c) {
    void *x = integers(n * c), *dx = array_of(n * c);
    int64_t *labels = malloc((size_t)n * sizeof *labels), correct = -1;
    double loss = -1, expected = 0, worst = 0;
    if (labels == NULL) abort();
    for (ptrdiff_t i = 0; i < n; i++) labels[i] = (3 * i + 1) % c;
    fnn_op op = {
        .run = kernel_named(isa, "softmax_cross_entropy"), .p = {x, labels, dx, &loss, &correct, NULL}, .n = {n, c, 1}};
    op.s[0] = 1 / (double)n;
    op.run(&op);
    for (ptrdiff_t i = 0; i < n; i++) {
        double total = 0;
        for (ptrdiff_t j = 0; j < c; j++) total += exp(get(x, i * c + j));
        expected += (log(total) - get(x, i * c + labels[i])) / (double)n;
        for (ptrdiff_t j = 0; j < c; j++) {
            const double slope = (exp(get(x, i * c + j)) / total - (j == labels[i])) / (double)n;
            worst = fmax(worst, fabs(get(dx, i * c + j) - slope));
        }
    }
    const double bound = is_double ? 1e-14 : 1e-6;
    check(fabs(loss - expected) < 10 * bound * expected, "the loss is that of the definition", isa->name);
    check(worst < bound, "its gradient is that of the definition", isa->name);
    check(correct >= 0 && correct <= n, "the right ones are counted", isa->name);
    free(x), free(dx), free(labels);
}

/* --- replay: steps of gradient descent on a sum of squares, w ← w - rate w --- */

static void test_replay(const fnn_isa *isa) {
    enum { COUNT = 100, STEPS = 7 };
    void *w = integers(COUNT), *byhand = array_of(COUNT);
    memcpy(byhand, w, COUNT * item());
    double rates[STEPS];
    int64_t steps[STEPS];
    for (int i = 0; i < STEPS; i++) {
        rates[i] = 1.0 / (2 << i);
        steps[i] = i + 1;
    }
    fnn_op op = {.run = kernel_named(isa, "update"), .p = {w, NULL, NULL, w, rates, steps}, .n = {COUNT, 1}};
    op.s[0] = UPDATE_SGD;
    const fnn_stream_argument arguments[] = {{0, 4, 0, sizeof(double)}, {0, 5, 1, sizeof(int64_t)}};
    double seconds[2] = {0};
    int64_t samples = 0;
    const fnn_program program = {.ops = &op,
                                 .op_count = 1,
                                 .stream_arguments = arguments,
                                 .stream_argument_count = 2,
                                 .op_seconds = seconds,
                                 .samples = &samples,
                                 .gather = -1};
    char *streams[] = {(char *)rates, (char *)steps};
    const ptrdiff_t done =
        fnn_replay(&program, streams, 0, 3, 60, NULL, NULL) + fnn_replay(&program, streams, 3, 4, 60, NULL, NULL);
    check(done == STEPS, "all steps are replayed", isa->name);
    for (int i = 0; i < STEPS; i++)
        for (ptrdiff_t k = 0; k < COUNT; k++) set(byhand, k, get(byhand, k) - rates[i] * get(byhand, k));
    check(memcmp(w, byhand, COUNT * item()) == 0, "replayed steps are the steps by hand", isa->name);
    check(samples > 0, "some steps are timed", isa->name);
    free(w), free(byhand);
}

/* --- rows of a file --- */

static void test_file_rows(void) {
    enum { ROWS = 5000, WIDTH = 13, WANTED = 3000, START = 7 };
    FILE *file = tmpfile();
    if (file == NULL) {
        check(false, "a temporary file can be made", "file");
        return;
    }
    for (int i = 0; i < START; i++) fputc('?', file);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < WIDTH; j++) fputc((i * 31 + j) % 251, file);
    fflush(file);
    static int64_t index[WANTED];
    static unsigned char out[WANTED][WIDTH];
    for (int i = 0; i < WANTED; i++) index[i] = (int64_t)i * 7919 % ROWS;
#if defined(_WIN32)
    const int number = _fileno(file);
#else
    const int number = fileno(file);
#endif
    check(fnn_read_rows(number, index, WANTED, WIDTH, START, (char *)out) == WANTED, "all rows are read", "file");
    bool equal = true;
    for (int i = 0; i < WANTED; i++)
        for (int j = 0; j < WIDTH; j++) equal = equal && out[i][j] == (index[i] * 31 + j) % 251;
    check(equal, "rows are those of their index", "file");
    index[2000] = ROWS; /* behind the end */
    check(fnn_read_rows(number, index, WANTED, WIDTH, START, (char *)out) == 2000, "reading stops at the end", "file");
    fclose(file);
}

int main(void) {
    test_pool();
    test_file_rows();
    for (const fnn_isa *const *isa = fnn_isas(); *isa != NULL; isa++)
        for (int type = 0; type < 2; type++) {
            is_double = type == 1;
            for (int threads = 1; threads <= 3; threads++) {
                fnn_set_num_threads(threads);
                test_affine(*isa, 1, 784, 200);
                test_affine(*isa, 37, 65, 19);
                test_affine(*isa, 300, 128, 70);
                test_conv(*isa, 2, 3, 12, 5, 3);
                test_conv(*isa, 3, 1, 28, 8, 5);
                test_softmax_loss(*isa, 70, 10);
                test_replay(*isa);
            }
            printf("%s %s: done\n", (*isa)->name, is_double ? "float64" : "float32");
        }
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
