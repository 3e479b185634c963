/* The kernel table of one instruction set and type. Its rows are generated from fastnn/kernels/signatures.py. */
#include "runtime/kernel.h"

/* Measurements of the machine, for explain and the benchmarks; they are not part of the kernel table. */
#define PROBES(_)                                        \
    _(probe_fma, "probe_fma(like[1], rates[n]:f64~)", 0) \
    _(probe_memory, "probe_memory(x[*]~, update)", 0)

/* Trainings of many networks at once, which fastnn/kernels/populations.py describes, and what they draw. */
#define POPULATIONS(_)                               \
    _(population_steps, FNN_POPULATION_SIGNATURE, 1) \
    _(random_words, "random_words(words[k,n]:i64!, seeds[k]:i64, first, step, purpose)", 0)

#define DECLARE(name, signature, flushes) void FN(name)(const fnn_op *op);
FNN_KERNELS(DECLARE)
PROBES(DECLARE)
POPULATIONS(DECLARE)

#define ROW(name, signature, flushes) {signature, FN(name), flushes},
const fnn_entry FN(fnn_table)[] = {FNN_KERNELS(ROW){NULL, NULL, 0}};
const fnn_entry FN(fnn_probes)[] = {PROBES(ROW){NULL, NULL, 0}};
const fnn_entry FN(fnn_populations)[] = {POPULATIONS(ROW){NULL, NULL, 0}};
