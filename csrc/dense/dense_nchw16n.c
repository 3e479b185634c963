/* The input gradient of a dense layer of few images, written in the layout NCHW16n. Its transpose is a product whose
 * left factor is w as it lies, so the weights are read once and never packed. Where w is updated in the same pass, it
 * comes from memory once a step.
 *
 * Every element is one chain over the outputs from zero, as in gemm_run; every gradient one over the images.
 */
#include "dense/dense_nchw16n.h"

#include "gemm/pack.h"
#include "runtime/prefetch.h"
#include "dense/weight_grad_fused.h"

enum {
    BLOCK = 4096,                 /* outputs whose gradients the workspace holds */
    TASK_ROWS = 96,               /* inputs of a task, at least */
    UPDATE_TASKS = 16,            /* of a pass that updates w, at most, unless there are more threads */
    FEW_IMAGES = 4 * IMAGE_BLOCK, /* that a pass which updates w takes */
};

typedef struct {
    ptrdiff_t n, m, d, ld, panel;
    const real *w;
    real *dx;
    ptrdiff_t first, end, image, images;
    const real *turned; /* dout, transposed: outputs first … end-1 of images image … image+images-1 */
    const real *x, *dout;
    const weight_grad_sink *sink; /* NULL, or: update w */
    real *columns;                /* then dout again, as the fused weight gradient reads it */
    fnn_partition partition;
} product;

/* Rows of the tile to or from the lanes of dx. */
FNN_INLINE void exchange(const product *v, real *tile, ptrdiff_t row, ptrdiff_t rows, const bool store) {
    const ptrdiff_t lanes = GEMM_NR < IMAGE_BLOCK ? GEMM_NR : IMAGE_BLOCK;
    for (ptrdiff_t j = 0; j < v->images; j += lanes) {
        const ptrdiff_t image = v->image + j;
        real *to = v->dx + (image / IMAGE_BLOCK * v->d + row) * IMAGE_BLOCK + image % IMAGE_BLOCK;
        for (ptrdiff_t i = 0; i < rows; i++) {
            if (store)
                memcpy(to + i * IMAGE_BLOCK, tile + i * GEMM_NR + j, (size_t)lanes * sizeof(real));
            else
                memcpy(tile + i * GEMM_NR + j, to + i * IMAGE_BLOCK, (size_t)lanes * sizeof(real));
        }
    }
}

/* Adds to the chains of `rows` inputs the share of outputs first … end-1. */
static void input_tile(const product *v, real *tile, ptrdiff_t row, ptrdiff_t rows) {
    const ptrdiff_t step = v->panel == 0 ? v->end - v->first : GEMM_NR;
    for (ptrdiff_t p = v->first; p < v->end; p += step) {
        const microkernel_args t = {
            .k = fnn_min(step, v->end - p),
            .a = v->w + row * v->ld + (v->panel == 0 ? p : p / GEMM_NR * v->panel),
            .a_row = v->ld,
            .a_col = 1,
            .b = v->turned + (p - v->first) * GEMM_NR,
            .ldb = GEMM_NR,
            .c = tile,
            .ldc = GEMM_NR,
            .resume = p > 0,
            .tail = VL,
            .b_padded = true,
        };
        FN(microkernel_get)((int)rows, GEMM_NR_VECTORS, false)(&t);
    }
}

/* The same of a whole tile of rows in panels; the chains stay in registers from panel to panel. */
static void input_tile_of_panels(const product *v, real *tile, ptrdiff_t row) {
    vreal acc[GEMM_MR][GEMM_NR_VECTORS];
#pragma GCC unroll 12
    for (int i = 0; i < GEMM_MR; i++)
#pragma GCC unroll 2
        for (int j = 0; j < GEMM_NR_VECTORS; j++)
            acc[i][j] = v->first > 0 ? vload(tile + i * GEMM_NR + j * VL) : vset(0);
    const real *b = v->turned;
    for (ptrdiff_t p = v->first; p < v->end; p += GEMM_NR) {
        const real *a = v->w + p / GEMM_NR * v->panel + row * GEMM_NR;
        /* of the next panel, or the next rows of the first; not into the first cache, on whose same lines panels fall
         */
        fnn_prefetch_range(p + GEMM_NR < v->end ? a + v->panel
                                                : v->w + v->first / GEMM_NR * v->panel + (row + GEMM_MR) * GEMM_NR,
                           GEMM_MR * GEMM_NR * sizeof(real));
        for (ptrdiff_t k = fnn_min(GEMM_NR, v->end - p); k > 0; k--, a++, b += GEMM_NR) {
            vreal bv[GEMM_NR_VECTORS];
#pragma GCC unroll 2
            for (int j = 0; j < GEMM_NR_VECTORS; j++) bv[j] = vload(b + j * VL);
#pragma GCC unroll 12
            for (int i = 0; i < GEMM_MR; i++) {
                const vreal av = vset(a[i * GEMM_NR]);
#pragma GCC unroll 2
                for (int j = 0; j < GEMM_NR_VECTORS; j++) acc[i][j] = vfma(av, bv[j], acc[i][j]);
            }
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < GEMM_MR; i++)
#pragma GCC unroll 2
        for (int j = 0; j < GEMM_NR_VECTORS; j++) vstore(tile + i * GEMM_NR + j * VL, acc[i][j]);
}

static void input_rows(const product *v, ptrdiff_t row, ptrdiff_t rows) {
    FNN_ALIGNED real tile[GEMM_MR * GEMM_NR];
    if (v->first > 0) exchange(v, tile, row, rows, false);
    if (rows == GEMM_MR && v->panel != 0)
        input_tile_of_panels(v, tile, row);
    else
        input_tile(v, tile, row, rows);
    exchange(v, tile, row, rows, true);
}

static void run_task(void *context, int task) {
    const product *v = context;
    real x[FUSED_STRIP * FEW_IMAGES + VL];
    const fused_block updates = {v->sink, v->n, v->first, v->end, NULL, v->columns};
    pending_tile pending = {.cols = 0};
    const ptrdiff_t end = fnn_task_end(&v->partition, task);
    for (ptrdiff_t row = fnn_task_begin(&v->partition, task); row < end; row += FUSED_STRIP) {
        const ptrdiff_t rows = fnn_min(FUSED_STRIP, end - row);
        for (ptrdiff_t i = 0; i < rows; i += GEMM_MR) {
            const ptrdiff_t count = fnn_min(GEMM_MR, rows - i);
            input_rows(v, row + i, count);
            if (v->sink != NULL) FN(pack_rows)(x + i * v->n, count, v->n, v->x + row + i, 1, v->d, NULL, NULL);
        }
        if (v->sink != NULL) FN(weight_grad_fused_rows)(&updates, x, 0, row, rows, &pending);
    }
    FN(weight_grad_fused_finish)(&updates, &pending);
}

static void run(product *v, ptrdiff_t groups, const weight_grad_sink *sink) {
    const ptrdiff_t lanes = groups * IMAGE_BLOCK;
    if (v->m == 0) memset(v->dx, 0, (size_t)(lanes * v->d) * sizeof(real));
    for (v->image = 0; v->image < lanes; v->image += GEMM_NR) {
        v->images = fnn_min(GEMM_NR, lanes - v->image);
        if (v->image + GEMM_NR >= lanes) v->sink = sink; /* dx needs w no more after this pass */
        for (v->first = 0; v->first < v->m; v->first = v->end) {
            v->end = fnn_min(v->m, v->first + BLOCK);
            const ptrdiff_t cols = fnn_max(0, fnn_min(v->images, v->n - v->image));
            FN(pack_cols)(fnn_scratch(), GEMM_NR, v->end - v->first, cols, v->dout + v->image * v->m + v->first, 1,
                          v->m);
            if (v->sink != NULL) FN(weight_grad_fused_pack)(v->columns, v->n, v->m, v->dout, v->first, v->end);
            nchw16n_parallel(v->partition.tasks, run_task, v, (double)v->d * (double)v->m * GEMM_NR);
        }
    }
}

/* What both ways begin with; a task has `least` inputs or more. */
static product product_of(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, const real *dout, const weight_grad_sink *sink,
                          real *dx, ptrdiff_t least) {
    return (product){
        .n = n,
        .m = m,
        .d = d,
        .ld = sink->ld,
        .panel = sink->panel,
        .w = sink->w,
        .dout = dout,
        .dx = dx,
        .turned = fnn_scratch(),
        .partition = fnn_partition_work(d, GEMM_MR, least),
    };
}

void FN(affine_nchw16n_input)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, ptrdiff_t groups, const real *dout,
                              const weight_grad_sink *sink, real *dx) {
    product v = product_of(n, m, d, dout, sink, dx, TASK_ROWS);
    run(&v, groups, NULL);
}

bool FN(affine_nchw16n_backward_serves)(ptrdiff_t n, ptrdiff_t m, const weight_grad_sink *sink) {
    return sink->panel != 0 && n > 0 && n <= FEW_IMAGES && m > 0;
}

void FN(affine_nchw16n_backward)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, ptrdiff_t groups, const real *x,
                                 const real *dout, const weight_grad_sink *sink, real *dx) {
    product v =
        product_of(n, m, d, dout, sink, dx, fnn_max(TASK_ROWS, d / fnn_max(UPDATE_TASKS, fnn_get_num_threads())));
    v.x = x;
    v.columns = (real *)fnn_scratch() + BLOCK * GEMM_NR;
    run(&v, groups, sink);
}

/* dout[n,m], w[d,m+], dx[g,d,16]; n[4], n[5]: from row to row and from panel to panel of w */
void FN(affine_backward_input_nchw16n)(const fnn_op *op) {
    const weight_grad_sink sink = {.w = (real *)IN(1), .ld = op->n[4], .panel = op->n[5]};
    FN(affine_nchw16n_input)(op->n[0], op->n[1], op->n[2], op->n[3], IN(0), &sink, OUT(2));
}
