/* Cross-entropy whose samples count the less, the surer they are right: -(1 - q)^γ log q, with q the softmax at the
 * label (Lin et al., "Focal loss for dense object detection", 2017). A label that is no class makes the loss NaN.
 */
#include "loss/loss.h"

/* x^γ for x of at least 0; 1 for γ = 0. */
FNN_INLINE vreal power_of(vreal x, real gamma) {
    return gamma == 0 ? vselect(x == x, vset(1), x) : vexp(vset(gamma) * vlog(x));
}

static void focal_group(const fnn_op *op, ptrdiff_t first, int rows, loss_sum *sum) {
    const ptrdiff_t cols = op->n[1];
    const int64_t *labels = (const int64_t *)op->p[1] + first;
    const real *x = IN(0) + first * cols, gamma = (real)op->s[1];
    real *dx = op->p[2] == NULL ? NULL : OUT(2) + first * cols;
    row_ranges ranges;
    row_values at_label = {vset(0)}, weight = {vset(1)};
    unsigned right = 0;
    group_ranges(x, rows, cols, 1, &ranges);
    for (int i = 0; i < rows; i++) {
        const bool known = is_class(labels[i], cols);
        at_label.row[i] = known ? x[i * cols + labels[i]] : (real)NAN;
        right |= (unsigned)(known && is_first_max(x + i * cols, cols, labels[i], ranges.max.row[i])) << i;
        weight.row[i] = loss_weight(op, first + i);
    }
    const vreal zero = vset(0), one = vset(1), sums = group_exp(x, dx, rows, cols, 1, &ranges);
    const vreal log_q = (at_label.all - ranges.max.all) - vlog(sums);
    const row_values missed = {-vexpm1_nonpositive(log_q)};
    const vreal q = vexp_nonpositive(log_q), power = power_of(missed.all, gamma);
    const row_values loss = {-(power * log_q)}, inverse = {one / sums};
    for (int i = 0; i < rows; i++) sum->loss += (double)weight.row[i] * (double)loss.row[i];
    sum->correct += __builtin_popcount(right & vequal_bits(loss.all, loss.all) & ((1u << rows) - 1));
    if (dx == NULL) return;
    const vreal ratio = vselect(missed.all == zero, -one, log_q / missed.all); /* -1 is the limit */
    const row_values factor = {power * (one - vset(gamma) * vselect(q == zero, zero, q * ratio)) * weight.all *
                               vset((real)op->s[0])};
    for (int i = 0; i < rows; i++) {
        real *row = dx + i * cols;
        row_scale(row, cols, vset(inverse.row[i] * factor.row[i]));
        if (is_class(labels[i], cols)) row[labels[i]] = -missed.row[i] * factor.row[i];
    }
}

void FN(focal_cross_entropy)(const fnn_op *op) { loss_for_rows(op, focal_group); }
