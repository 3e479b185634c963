/* The fully connected layer: out = x w + b and its gradients, alone and with what comes right before or behind. */
#include "elementwise/activation.h"
#include "dense/dense_nchw16n.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm.h"
#include "dense/weight_grad_rank_k.h"
#include "gemm/pack.h"
#include "dense/weight_grad_fused.h"
#include "dense/optimizer_update.h"

/* --- forward and input gradient, with an activation --- */

typedef struct {
    int kind;
    real alpha;
    const real *out; /* of the activation whose derivative is taken, laid out like C */
} activation_context;

static void activate_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                          ptrdiff_t cols) {
    const activation_context *c = g->context;
    (void)i, (void)j;
    activate_block(c->kind, c->alpha, tile, ld, rows, cols);
}

static void activate_grad_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                               ptrdiff_t cols) {
    const activation_context *c = g->context;
    activate_grad_block(c->kind, c->alpha, tile, ld, c->out + i * g->ldc + j, g->ldc, rows, cols);
}

/* x[n,d], w[d,m+], b[m], out[n,m]; n[3], n[4]: from row to row and from panel to panel of w */
static gemm forward(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], d = op->n[1], m = op->n[2];
    return (gemm){
        .m = n,
        .n = m,
        .k = d,
        .a = IN(0),
        .a_row = d,
        .a_col = 1,
        .a_rows = ROWS(op),
        .b = IN(1),
        .b_row = op->n[3],
        .b_col = 1,
        .b_panel = op->n[4],
        .bias = IN(2),
        .c = OUT(3),
        .ldc = m,
    };
}

/* dout[n,m], w[d,m+] → into dx[n,d]; n[3], n[4]: from row to row and from panel to panel of w */
static gemm backward_input(const fnn_op *op, real *dx) {
    const ptrdiff_t n = op->n[0], m = op->n[1], d = op->n[2];
    return (gemm){
        .m = n,
        .n = d,
        .k = m,
        .a = IN(0),
        .a_row = m,
        .a_col = 1,
        .b = IN(1),
        .b_row = 1,
        .b_col = op->n[3],
        .b_run = op->n[4],
        .c = dx,
        .ldc = d,
    };
}

static void run_forward(const gemm *g) {
    if (!FN(dots_run)(g)) FN(gemm_run)(g);
}

void FN(affine_forward)(const fnn_op *op) {
    const gemm g = forward(op);
    run_forward(&g);
}

void FN(affine_activation_forward)(const fnn_op *op) {
    gemm g = forward(op);
    activation_context context = {.kind = (int)op->s[0], .alpha = (real)op->s[1]};
    g.epilogue = activate_tile;
    g.context = &context;
    run_forward(&g);
}

void FN(affine_backward_input)(const fnn_op *op) {
    gemm g = backward_input(op, OUT(2));
    FN(gemm_run)(&g);
}

void FN(affine_activation_backward_input)(const fnn_op *op) {
    gemm g = backward_input(op, OUT(3));
    activation_context context = {.kind = (int)op->s[0], .alpha = (real)op->s[1], .out = IN(2)};
    g.epilogue = activate_grad_tile;
    g.context = &context;
    FN(gemm_run)(&g);
}

/* --- weight gradient: a product of xᵀ and dout that is stored, added or spent on an update at once --- */

static void spend_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                       ptrdiff_t cols) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        outer_prefetch(g->context, fnn_min(i + rows + r, g->m - 1), j, cols); /* the tile below is likely the next */
        outer_spend(g->context, i + r, j, tile + r * ld, cols);
    }
}

/* The tile is the gradient's transpose: all m outputs of `cols` inputs. */
static void spend_transposed_tile(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                                  ptrdiff_t cols) {
    FNN_ALIGNED real turned[(TILE_MAX_VECTORS * TILE_ROWS + 1) * VL];
    (void)i;
    FN(pack_rows)(turned, rows, cols, tile, ld, 1, NULL, NULL);
    outer_spend_rows(g->context, j, rows, turned, cols);
}

/* x[n,d], dout[n,m] at p[0], p[1]; the sink takes the gradient (d, m). Always one chain over the samples, so the three
 * ways give the same bits. */
static void weight_gradient(const fnn_op *op, const outer_sink *sink) {
    const ptrdiff_t n = op->n[0], d = op->n[1], m = op->n[2];
    if (n <= OUTER_MAX_SAMPLES) {
        FN(outer_run)(n, d, m, IN(0), ROWS(op), IN(1), sink);
        return;
    }
    if (m <= TILE_ROWS && (sink->panel == 0 || m <= TILE_COLS)) {
        /* few outputs: vectors run over the inputs */
        gemm g = {
            .m = m,
            .n = d,
            .k = n,
            .a = IN(1),
            .a_row = 1,
            .a_col = m,
            .b = IN(0),
            .b_row = d,
            .b_col = 1,
            .b_steps = ROWS(op),
            .whole_columns = true,
            .epilogue = spend_transposed_tile,
            .context = sink,
        };
        FN(gemm_run)(&g);
        return;
    }
    if (FN(sweep_run)(n, d, m, IN(0), ROWS(op), IN(1), sink)) return;
    const bool stored = !sink->updates && sink->ld == m;
    gemm g = {
        .m = d,
        .n = m,
        .k = n,
        .a = IN(0),
        .a_row = 1,
        .a_col = d,
        .a_steps = ROWS(op),
        .b = IN(1),
        .b_row = m,
        .b_col = 1,
        .c = stored ? sink->w : NULL,
        .ldc = m,
        .accumulate = stored && sink->accumulate,
        .whole_panels = sink->panel != 0,
        .epilogue = stored ? NULL : spend_tile,
        .context = sink,
    };
    FN(gemm_run)(&g);
}

/* --- bias gradient: column sums of dout, one after the other over the samples --- */

enum { BIAS_COLUMNS = 8 * VBYTES / sizeof(real) };

typedef struct {
    const real *dout;
    ptrdiff_t n, m;
    const outer_sink *sink;
} column_sums;

static void sum_columns(void *context, int task) {
    const column_sums *c = context;
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
    outer_spend(c->sink, 0, j, sum, cols);
}

static void bias_gradient(const fnn_op *op, const outer_sink *sink) {
    column_sums c = {IN(1), op->n[0], op->n[2], sink};
    const int tasks = (int)((c.m + BIAS_COLUMNS - 1) / BIAS_COLUMNS);
    if (c.n * c.m < 1 << 15) {
        for (int task = 0; task < tasks; task++) sum_columns(&c, task);
    } else {
        fnn_parallel(tasks, sum_columns, &c);
    }
}

/* x, dout, dw, db, beta */
void FN(affine_backward_weight)(const fnn_op *op) {
    outer_sink weights = {.w = OUT(2), .ld = op->n[2], .accumulate = op->s[0] != 0};
    outer_sink biases = {.w = OUT(3), .accumulate = op->s[0] != 0};
    weight_gradient(op, &weights);
    if (biases.w != NULL) bias_gradient(op, &biases);
}

/* Of one step: w and b spent on by their gradients; before that, where dx is wanted, w's share of it (groups of 16). */
static void updating(const fnn_op *op, const ptrdiff_t *spacing, real *dx, outer_sink weights, outer_sink biases) {
    weights.updates = biases.updates = true;
    weights.ld = spacing[0];
    weights.panel = spacing[1];
    if (dx == NULL)
        weight_gradient(op, &weights);
    else if (!FN(affine_nchw16n_backward)(op->n[0], op->n[2], op->n[1], op->n[3], IN(0), IN(1), &weights, dx)) {
        FN(affine_nchw16n_input)(op->n[0], op->n[2], op->n[1], op->n[3], IN(1), &weights, dx);
        weight_gradient(op, &weights);
    }
    if (biases.w != NULL) bias_gradient(op, &biases);
}

static double rate_of(const fnn_op *op, int array) { return *(const double *)op->p[array]; }

/* x, dout, w, b, rate; decay, decay_b */
static void sgd(const fnn_op *op, const ptrdiff_t *spacing, real *dx) {
    const double rate = rate_of(op, 4), *s = op->s;
    updating(op, spacing, dx, (outer_sink){.w = OUT(2), .update = sgd_constants(rate, s[0]), .decays = s[0] != 0},
             (outer_sink){.w = OUT(3), .update = sgd_constants(rate, s[1]), .decays = s[1] != 0});
}

/* x, dout, w, vw, b, vb, rate; momentum, decay, decay_b */
static void momentum(const fnn_op *op, const ptrdiff_t *spacing, real *dx) {
    const double rate = rate_of(op, 6), *s = op->s;
    updating(
        op, spacing, dx,
        (outer_sink){.w = OUT(2), .v = OUT(3), .update = momentum_constants(rate, s[0], s[1]), .decays = s[1] != 0},
        (outer_sink){.w = OUT(4), .v = OUT(5), .update = momentum_constants(rate, s[0], s[2]), .decays = s[2] != 0});
}

/* x, dout, w, mw, vw, b, mb, vb, rate, t; beta1, beta2, eps, decay, decay_b */
static void adam(const fnn_op *op, const ptrdiff_t *spacing, real *dx) {
    const double rate = rate_of(op, 8), *s = op->s;
    const int64_t t = *(const int64_t *)op->p[9];
    update with_decay = adam_constants(rate, t, s[0], s[1], s[2], s[3]), of_bias = with_decay;
    of_bias.decay = (real)s[4];
    updating(op, spacing, dx,
             (outer_sink){.w = OUT(2), .m = OUT(3), .v = OUT(4), .update = with_decay, .decays = s[3] != 0},
             (outer_sink){.w = OUT(5), .m = OUT(6), .v = OUT(7), .update = of_bias, .decays = s[4] != 0});
}

/* as above */
static void adamw(const fnn_op *op, const ptrdiff_t *spacing, real *dx) {
    const double rate = rate_of(op, 8), *s = op->s;
    const int64_t t = *(const int64_t *)op->p[9];
    updating(
        op, spacing, dx,
        (outer_sink){.w = OUT(2), .m = OUT(3), .v = OUT(4), .update = adamw_constants(rate, t, s[0], s[1], s[2], s[3])},
        (outer_sink){
            .w = OUT(5), .m = OUT(6), .v = OUT(7), .update = adamw_constants(rate, t, s[0], s[1], s[2], s[4])});
}

/* … as above; the second kind also dx[g,d,16], the last array, from w before its update */
#define UPDATING(rule, arrays)                                                              \
    void FN(affine_backward_weight_##rule)(const fnn_op *op) { rule(op, op->n + 3, NULL); } \
    void FN(affine_backward_nchw16n_##rule)(const fnn_op *op) { rule(op, op->n + 4, OUT(arrays)); }

UPDATING(sgd, 5)
UPDATING(momentum, 7)
UPDATING(adam, 10)
UPDATING(adamw, 10)
