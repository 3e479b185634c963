/* Functions of the user's own, which kernels call on runs of elements: compiled elsewhere, known here by number.
 *
 * Activations, losses, update rules and layers from number FNN_CUSTOM on are theirs. A function computes each element
 * by itself, so it does not matter how runs are cut; its outputs lie apart from its inputs, but for w, m and v of an
 * update, which change in place. It is called on any thread, without Python's lock.
 */
#ifndef FASTNN_RUNTIME_CUSTOM_H
#define FASTNN_RUNTIME_CUSTOM_H

#include <stdint.h>

#include "fastnn_generated.h"

/* The places of the functions of one number, for each type. */
enum { FNN_CUSTOM_FORWARD, FNN_CUSTOM_BACKWARD, FNN_CUSTOM_PLACES };

typedef void (*fnn_custom_function)(void);
/* x → out */
typedef void (*fnn_custom_forward)(const void *x, void *out, int64_t count);
/* dout, saved → dx */
typedef void (*fnn_custom_backward)(const void *dout, const void *saved, void *dx, int64_t count);
/* x, the learned numbers w, w2 and w3 (NULL beyond those that the function has) → out; `along`: each element has
 * numbers of its own, else the first ones are those of all */
typedef void (*fnn_custom_learned_forward)(const void *x, const void *w, const void *w2, const void *w3, void *out,
                                           int64_t count, int64_t along);
/* dout and the same → dx, and what each element adds to the gradients of its numbers */
typedef void (*fnn_custom_learned_backward)(const void *dout, const void *x, const void *w, const void *w2,
                                            const void *w3, void *dx, void *dw, void *dw2, void *dw3, int64_t count,
                                            int64_t along);
/* x, targets → the loss of each element and its derivative */
typedef void (*fnn_custom_loss)(const void *x, const void *targets, void *losses, void *slopes, int64_t count);
/* The loss of a row and its derivatives; in the second place, instead of a loss of elements in the first. */
typedef void (*fnn_custom_row_loss)(const void *x, const void *targets, double *loss, void *slopes, int64_t cols);
/* w, m, v (NULL where the rule does not keep them), dw; the rate, the decay, the step and the rule's coefficients */
typedef void (*fnn_custom_update)(void *w, void *m, void *v, const void *dw, int64_t count, const double *numbers);

/* Sets a function; before anything calls it. */
void fnn_set_custom(int number, int is_double, int place, fnn_custom_function function);

fnn_custom_function fnn_get_custom(int number, int is_double, int place);

#endif
