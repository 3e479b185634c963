/* The input gradient of a dense layer of few images, straight to images innermost: its transpose is a product whose
 * left factor is w as it lies, so the weights are read once and never packed.
 *
 * Every element is one chain over the outputs from zero, as in gemm_run.
 */
#include "n16.h"
#include "pack.h"
#include "tile.h"

enum { BLOCK = 8192, TASK_ROWS = 96 }; /* outputs whose gradients the workspace holds; inputs of a task, at least */

typedef struct {
    ptrdiff_t n, m, d, ld, panel;
    const real *w;
    real *dx;
    const real *packed; /* dout, transposed: outputs first … end-1 of images image … image+images-1 */
    ptrdiff_t first, end, image, images;
    fnn_cut cut;
} product;

/* Rows of the tile to or from the lanes of dx. */
FNN_INLINE void exchange(const product *v, real *tile, ptrdiff_t row, ptrdiff_t rows, const bool store) {
    const ptrdiff_t lanes = TILE_COLS < N16 ? TILE_COLS : N16;
    for (ptrdiff_t j = 0; j < v->images; j += lanes) {
        const ptrdiff_t image = v->image + j;
        real *to = v->dx + (image / N16 * v->d + row) * N16 + image % N16;
        for (ptrdiff_t i = 0; i < rows; i++) {
            if (store)
                memcpy(to + i * N16, tile + i * TILE_COLS + j, (size_t)lanes * sizeof(real));
            else
                memcpy(tile + i * TILE_COLS + j, to + i * N16, (size_t)lanes * sizeof(real));
        }
    }
}

static void run_task(void *context, int task) {
    const product *v = context;
    real tile[TILE_ROWS * TILE_COLS];
    const ptrdiff_t end = fnn_cut_end(&v->cut, task), step = v->panel == 0 ? v->end - v->first : TILE_COLS;
    for (ptrdiff_t row = fnn_cut_begin(&v->cut, task); row < end; row += TILE_ROWS) {
        const ptrdiff_t rows = fnn_min(TILE_ROWS, end - row);
        const tile_fn run = FN(tile_get)((int)rows, TILE_VECTORS, false);
        if (v->first > 0) exchange(v, tile, row, rows, false);
        for (ptrdiff_t p = v->first; p < v->end; p += step) {
            const real *a = v->w + row * v->ld + (v->panel == 0 ? p : p / TILE_COLS * v->panel);
            const tile_task t = {
                .k = fnn_min(step, v->end - p),
                .a = a,
                .a_row = v->ld,
                .a_col = 1,
                .b = v->packed + (p - v->first) * TILE_COLS,
                .ldb = TILE_COLS,
                .c = tile,
                .ldc = TILE_COLS,
                .resume = p > 0,
                .tail = VL,
                .b_padded = true,
            };
            /* the same columns of the next rows lie right behind; into the second cache, for panels fall on the same
             * lines of the first */
            for (ptrdiff_t i = 0; v->panel != 0 && i < rows * v->ld; i += 64 / (ptrdiff_t)sizeof(real))
                __builtin_prefetch(a + rows * v->ld + i, 0, 2);
            run(&t);
        }
        exchange(v, tile, row, rows, true);
    }
}

/* dout[n,m], w[d,m+], dx[g,d,16]; n[4], n[5]: from row to row and from panel to panel of w */
void FN(affine_backward_input_n16)(const fnn_op *op) {
    product v = {
        .n = op->n[0],
        .m = op->n[1],
        .d = op->n[2],
        .ld = op->n[4],
        .panel = op->n[5],
        .w = IN(1),
        .dx = OUT(2),
        .packed = fnn_scratch(),
        .cut = fnn_cut_work(op->n[2], TILE_ROWS, TASK_ROWS),
    };
    const ptrdiff_t lanes = op->n[3] * N16;
    if (v.m == 0) memset(v.dx, 0, (size_t)(lanes * v.d) * sizeof(real));
    for (v.image = 0; v.image < lanes; v.image += TILE_COLS) {
        v.images = fnn_min(TILE_COLS, lanes - v.image);
        for (v.first = 0; v.first < v.m; v.first = v.end) {
            v.end = fnn_min(v.m, v.first + BLOCK);
            const ptrdiff_t cols = fnn_max(0, fnn_min(v.images, v.n - v.image));
            FN(pack_cols)(fnn_scratch(), TILE_COLS, v.end - v.first, cols, IN(0) + v.image * v.m + v.first, 1, v.m);
            n16_run(v.cut.tasks, run_task, &v, (double)v.d * (double)v.m * TILE_COLS);
        }
    }
}
