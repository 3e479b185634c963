/* The kernel table of one instruction set and type. Its rows are generated from fastnn/kernels/signatures.py. */
#include "runtime/kernel.h"

/* Measurements of the machine, for explain and the benchmarks; they are not part of the kernel table. */
#define PROBES(_)                                     \
    _(probe_fma, "probe_fma(like[1], rates[n]:f64~)") \
    _(probe_memory, "probe_memory(x[*]~, update)")

/* Trainings of many networks at once, which fastnn/kernels/populations.py describes, and what they draw. */
#define POPULATIONS(_)                            \
    _(population_steps, FNN_POPULATION_SIGNATURE) \
    _(random_words, "random_words(words[n]:i64!, first, seed_low, seed_high, step, purpose)")

#define DECLARE(name, signature) void FN(name)(const fnn_op *op);
FNN_KERNELS(DECLARE)
PROBES(DECLARE)
POPULATIONS(DECLARE)

#define ROW(name, signature) {signature, FN(name)},
const fnn_entry FN(fnn_table)[] = {FNN_KERNELS(ROW){NULL, NULL}};
const fnn_entry FN(fnn_probes)[] = {PROBES(ROW){NULL, NULL}};
const fnn_entry FN(fnn_populations)[] = {POPULATIONS(ROW){NULL, NULL}};
