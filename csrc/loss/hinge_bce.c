/* Losses that are sums over single scores: multi-class hinge, and binary cross-entropy of independent outputs. */
#include "loss/lanes.h"
#include "loss/loss.h"

/* --- multi-class hinge --- */

FNN_INLINE void hinge_row(const fnn_op *op, ptrdiff_t i, loss_sum *sum) {
    const ptrdiff_t cols = op->n[1], label = ((const int64_t *)op->p[1])[i];
    const real *x = IN(0) + i * cols, weight = loss_weight(op, i), slope = (real)op->s[0] * weight;
    real *dx = op->p[2] == NULL ? NULL : OUT(2) + i * cols;
    const bool known = is_class(label, cols);
    const vreal at_label = vset(known ? x[label] : (real)NAN), delta = vset((real)op->s[1]), zero = vset(0);
    vreal total = zero;
    ptrdiff_t above = 0;
    bool beaten = false;
    for (ptrdiff_t j = 0; j < cols; j += VL) {
        const ptrdiff_t left = fnn_min(VL, cols - j);
        /* lanes without a score get one that is below every margin */
        const vreal scores = vload_part_or(x + j, left, vset((real)-INFINITY));
        row_values margin = {vmax(zero, (scores - at_label) + delta)};
        margin.all = vfirst(margin.all, left);
        if (label >= j && label < j + VL) margin.row[label - j] = 0;
        const unsigned ties = vequal_bits(scores, at_label);
        beaten |= vless_bits(at_label, scores) != 0 || (ties != 0 && j + __builtin_ctz(ties) < label);
        total += margin.all;
        above += __builtin_popcount(vless_bits(zero, margin.all));
        if (dx != NULL) vstore_tail(dx + j, vselect(margin.all > zero, vset(slope), zero), left);
    }
    row_partials lanes;
    rows_clear(&lanes, 1);
    lanes.lanes[0] = total;
    row_values loss = {vlanes(LANES_SUM, lanes.lanes)};
    sum->loss += (double)weight * (double)loss.row[0];
    sum->correct += known && !beaten && loss.row[0] == loss.row[0];
    if (dx != NULL && known) dx[label] = -(real)above * slope;
}

static void hinge_group(const fnn_op *op, ptrdiff_t first, int rows, loss_sum *sum) {
    for (int i = 0; i < rows; i++) hinge_row(op, first + i, sum);
}

/* --- binary cross-entropy --- */

FNN_INLINE void binary_row(const fnn_op *op, ptrdiff_t i, loss_sum *sum) {
    const ptrdiff_t cols = op->n[1];
    const real *x = IN(0) + i * cols, *t = IN(1) + i * cols, weight = loss_weight(op, i);
    const vreal scale = vset((real)op->s[0] * weight), half = vset((real)0.5);
    real *dx = op->p[2] == NULL ? NULL : OUT(2) + i * cols;
    vreal total = vset(0);
    bool right = true;
    for (ptrdiff_t j = 0; j < cols; j += VL) {
        const ptrdiff_t left = fnn_min(VL, cols - j);
        const vreal scores = vload_tail(x + j, left), targets = vload_tail(t + j, left);
        vreal slope;
        total += vfirst(binary_loss(scores, targets, &slope), left);
        right &= vless_bits(vset(0), scores) == vless_bits(half, targets);
        if (dx != NULL) vstore_tail(dx + j, slope * scale, left);
    }
    row_partials lanes;
    rows_clear(&lanes, 1);
    lanes.lanes[0] = total;
    row_values loss = {vlanes(LANES_SUM, lanes.lanes)};
    sum->loss += (double)weight * (double)loss.row[0];
    sum->correct += right && loss.row[0] == loss.row[0];
}

static void binary_group(const fnn_op *op, ptrdiff_t first, int rows, loss_sum *sum) {
    for (int i = 0; i < rows; i++) binary_row(op, first + i, sum);
}

void FN(multiclass_hinge)(const fnn_op *op) { loss_for_rows(op, hinge_group); }
void FN(binary_cross_entropy)(const fnn_op *op) { loss_for_rows(op, binary_group); }
