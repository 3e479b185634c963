/* The fully connected layer: out = x w + b and its gradients, alone and with what comes right before or behind. */
#include "dense/dense_nchw16n.h"
#include "dense/weight_grad_fused.h"
#include "dense/weight_grad_rank_k.h"
#include "dense/zero_inputs.h"
#include "elementwise/activation.h"
#include "gemm/gemm.h"
#include "gemm/gemm_dot.h"
#include "gemm/pack.h"

/* --- forward and input gradient, with an activation --- */

typedef struct {
    int kind;
    real alpha;
    const real *saved; /* what the activation saved for its derivative, laid out like C */
} activation_context;

static void activate_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                          ptrdiff_t cols) {
    const activation_context *c = g->context;
    (void)i, (void)j;
    FN(activate_block)(c->kind, c->alpha, tile, ld, rows, cols);
}

static void activate_grad_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                               ptrdiff_t cols) {
    const activation_context *c = g->context;
    FN(activate_grad_block)(c->kind, c->alpha, tile, ld, c->saved + i * g->ldc + j, g->ldc, rows, cols);
}

/* x[n,d], w[d,m+], b[m]?, out[n,m]; kind, alpha, precision; n[3], n[4]: from row to row and from panel to panel of w */
void FN(affine_forward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], d = op->n[1], m = op->n[2];
    const activation_context context = {.kind = (int)op->s[0], .alpha = (real)op->s[1]};
    const gemm g = {
        .m = n,
        .n = m,
        .k = d,
        .a = IN(0),
        .a_row = d,
        .a_col = 1,
        .a_row_index = ROW_INDEX(op),
        .b = IN(1),
        .b_row = op->n[3],
        .b_col = 1,
        .b_panel_stride = op->n[4],
        .bias = IN(2),
        .c = OUT(3),
        .ldc = m,
        .precision = (int)op->s[2],
        .epilogue = context.kind == IDENTITY ? NULL : activate_tile,
        .context = &context,
    };
    if (FN(gemm_dot_serves)(&g)) {
        FN(gemm_dot_run)(&g);
    } else if (!FN(gemm_without_zeros)(&g)) {
        FN(gemm_run)(&g);
    }
}

/* dout[n,m], w[d,m+], dx[n,d], saved[n,d]?; kind, alpha, precision; n[3], n[4]: from row to row and from panel to panel
 * of w */
void FN(affine_backward_input)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], m = op->n[1], d = op->n[2];
    const activation_context context = {.kind = (int)op->s[0], .alpha = (real)op->s[1], .saved = IN(3)};
    const gemm g = {
        .m = n,
        .n = d,
        .k = m,
        .a = IN(0),
        .a_row = m,
        .a_col = 1,
        .b = IN(1),
        .b_row = 1,
        .b_col = op->n[3],
        .bt_panel_stride = op->n[4],
        .c = OUT(2),
        .ldc = d,
        .precision = (int)op->s[2],
        .epilogue = context.saved == NULL ? NULL : activate_grad_tile,
        .context = &context,
    };
    FN(gemm_run)(&g);
}

/* --- weight gradient: the product of xᵀ and dout, stored, added, or applied at once as an update --- */

static void apply_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                       ptrdiff_t cols) {
    const weight_grad_sink *sink = g->context;
    for (ptrdiff_t r = 0; r < rows; r++) /* the tile below is likely the next */
        sink_prefetch(sink, fnn_min(i + rows + r, g->m - 1), j, cols);
    FN(sink_apply_rows)(sink, sink_offset(sink, i, j), tile, ld, rows, cols);
}

/* The tile is the gradient's transpose: all m outputs of `cols` inputs. */
static void apply_transposed_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                                  ptrdiff_t cols) {
    FNN_ALIGNED real turned[(GEMM_MAX_NR_VECTORS * GEMM_MR + 1) * VL];
    (void)i;
    FN(pack_rows)(turned, rows, cols, tile, ld, 1, NULL, NULL);
    FN(sink_apply_rows)(g->context, sink_offset(g->context, j, 0), turned, rows, cols, rows);
}

/* x[n,d], dout[n,m] at p[0], p[1]; the sink takes the gradient (d, m). Each element is one chain over the samples in
 * all of the ways below, so they give the same bits. */
static void weight_gradient(const fnn_op *op, const weight_grad_sink *sink, int precision) {
    const ptrdiff_t n = op->n[0], d = op->n[1], m = op->n[2];
    const bool stored = !sink->updates && sink->ld == m;
    const gemm g = {
        .m = d,
        .n = m,
        .k = n,
        .a = IN(0),
        .a_row = 1,
        .a_col = d,
        .a_k_index = ROW_INDEX(op),
        .b = IN(1),
        .b_row = m,
        .b_col = 1,
        .precision = precision,
        .c = stored ? sink->w : NULL,
        .ldc = m,
        .accumulate = stored && sink->accumulate,
        .whole_panels = sink->panel != 0,
        .epilogue = stored ? NULL : apply_tile,
        .context = sink,
    };
    if (FN(gemm_rounded)(&g) != NULL) {
        FN(gemm_run)(&g);
        return;
    }
    if (n <= RANK_K_MAX_SAMPLES) {
        FN(weight_grad_rank_k)(n, d, m, IN(0), ROW_INDEX(op), IN(1), sink);
        return;
    }
    if (m <= GEMM_MR && (sink->panel == 0 || m <= GEMM_NR)) {
        /* few outputs: vectors run over the inputs */
        const gemm turned = {
            .m = m,
            .n = d,
            .k = n,
            .a = IN(1),
            .a_row = 1,
            .a_col = m,
            .b = IN(0),
            .b_row = d,
            .b_col = 1,
            .b_k_index = ROW_INDEX(op),
            .whole_columns = true,
            .epilogue = apply_transposed_tile,
            .context = sink,
        };
        FN(gemm_run)(&turned);
        return;
    }
    if (FN(weight_grad_fused_serves)(n, sink)) {
        FN(weight_grad_fused)(n, d, m, IN(0), ROW_INDEX(op), IN(1), sink);
        return;
    }
    FN(gemm_run)(&g);
}

/* --- bias gradient: column sums of dout, one after the other over the samples --- */

enum { BIAS_COLUMNS = 8 * VBYTES / sizeof(real) };

typedef struct {
    const real *dout;
    ptrdiff_t n, m;
    const weight_grad_sink *sink;
} bias_sums;

static void sum_columns(void *context, int task) {
    const bias_sums *c = context;
    FNN_ALIGNED real sum[BIAS_COLUMNS];
    const ptrdiff_t j = task * (ptrdiff_t)BIAS_COLUMNS, cols = fnn_min(BIAS_COLUMNS, c->m - j);
    for (ptrdiff_t v = 0; v < cols; v += VL) {
        const ptrdiff_t count = fnn_min(VL, cols - v);
        vreal total = vset(0);
        const real *p = c->dout + j + v;
        if (count == VL) {
            for (ptrdiff_t i = 0; i < c->n; i++) total += vload(p + i * c->m);
        } else {
            for (ptrdiff_t i = 0; i < c->n; i++) total += vload_part(p + i * c->m, count);
        }
        vstore(sum + v, total);
    }
    sink_apply(c->sink, 0, j, sum, cols);
}

static void bias_gradient(const fnn_op *op, const weight_grad_sink *sink) {
    bias_sums c = {IN(1), op->n[0], op->n[2], sink};
    const int tasks = (int)((c.m + BIAS_COLUMNS - 1) / BIAS_COLUMNS);
    if (c.n * c.m < 1 << 15) {
        for (int task = 0; task < tasks; task++) sum_columns(&c, task);
    } else {
        fnn_parallel(tasks, sum_columns, &c);
    }
}

/* x, dout, dw, db; beta, precision */
void FN(affine_backward_weight)(const fnn_op *op) {
    weight_grad_sink weights = {.w = OUT(2), .ld = op->n[2], .accumulate = op->s[0] != 0};
    weight_grad_sink biases = {.w = OUT(3), .accumulate = op->s[0] != 0};
    weight_gradient(op, &weights, (int)op->s[1]);
    if (biases.w != NULL) bias_gradient(op, &biases);
}

/* x, dout, w, mw, vw, b, mb, vb, rate, t, …; rule, decay, decay_b, c0, c1, c2. w and b after the step of the update
 * rule; spacing: from row to row and from panel to panel of w. Where dx (groups, d, 16) is wanted it comes from w
 * before its update. */
static void backward_update(const fnn_op *op, const ptrdiff_t *spacing, real *dx, int precision) {
    const double rate = *(const double *)op->p[8], *s = op->s;
    const int64_t t = *(const int64_t *)op->p[9];
    const enum update_rule rule = (enum update_rule)s[0];
    const weight_grad_sink weights = {
        .w = OUT(2),
        .m = OUT(3),
        .v = OUT(4),
        .ld = spacing[0],
        .panel = spacing[1],
        .updates = true,
        .update = update_constants(rule, rate, t, s[1], s + 3),
    };
    const weight_grad_sink biases = {
        .w = OUT(5),
        .m = OUT(6),
        .v = OUT(7),
        .updates = true,
        .update = update_constants(rule, rate, t, s[2], s + 3),
    };
    const ptrdiff_t n = op->n[0], d = op->n[1], m = op->n[2];
    if (dx != NULL && FN(affine_nchw16n_backward_serves)(n, m, &weights)) {
        FN(affine_nchw16n_backward)(n, m, d, op->n[3], IN(0), IN(1), &weights, dx);
    } else {
        if (dx != NULL) FN(affine_nchw16n_input)(n, m, d, op->n[3], IN(1), &weights, dx);
        weight_gradient(op, &weights, precision);
    }
    if (biases.w != NULL) bias_gradient(op, &biases);
}

void FN(affine_backward_weight_update)(const fnn_op *op) { backward_update(op, op->n + 3, NULL, (int)op->s[6]); }

/* … t, dx[g,d,16] */
void FN(affine_backward_update_nchw16n)(const fnn_op *op) {
    backward_update(op, op->n + 4, OUT(10), PRECISION_FLOAT32);
}
