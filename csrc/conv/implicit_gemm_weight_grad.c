/* The weight gradient of a convolution: windows × filters, a product over all windows of all images.
 *
 * Its transpose is what is computed: rows are taps, so that windows are packed in runs as for the forward pass, and
 * columns are filters. Every element is one chain over image, row and column of the windows. Where there are few
 * elements and many windows these fall into CHUNKS parts, whose sums are added in order: a rule of the sizes alone.
 */
#include "conv/conv_weight_grad.h"
#include "gemm/pack.h"
#include "gemm/microkernel.h"

enum {
    KC = 128,              /* windows of a block */
    TAPS = 16 * TILE_ROWS, /* rows and columns of the gradient's part that a task makes */
    FILTERS = (1 << 20) / (TAPS * 8) / TILE_COLS * TILE_COLS,
    CHUNKS = 16,
    FEW_TILES = 16,
    CHUNK_WINDOWS = 512, /* at least */
};

typedef struct {
    const conv_gradient *of;
    ptrdiff_t tap_parts, filter_parts, chunks;
    real *partial; /* of each chunk, where there are several: k × f, groups after each other */
} product;

/* dst[(window - j) TILE_COLS + filter - f] */
static void pack_dout(const conv_gradient *c, ptrdiff_t group, ptrdiff_t f, ptrdiff_t filters, ptrdiff_t j,
                      ptrdiff_t count, real *dst) {
    const ptrdiff_t plane = c->view.rows * c->view.cols;
    for (ptrdiff_t done = 0, run; done < count; done += run) {
        const ptrdiff_t image = (j + done) / plane, pixel = (j + done) % plane;
        run = fnn_min(count - done, plane - pixel);
        const real *src = c->dout + (image * c->filters + group * c->f + f) * plane + pixel;
        FN(pack_cols)(dst + done * TILE_COLS, TILE_COLS, run, filters, src, 1, plane);
    }
}

/* Sums over windows j … j_end-1 for taps i … i_end-1 and filters f … f_end-1: into sums, `ld` from tap to tap. */
static void sum_windows(const conv_gradient *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t f,
                        ptrdiff_t f_end, ptrdiff_t j, ptrdiff_t j_end, real *sums, ptrdiff_t ld, real *packed) {
    real *panel = packed + TAPS * KC;
    const ptrdiff_t tiles = (i_end - i + TILE_ROWS - 1) / TILE_ROWS;
    const ptrdiff_t sweeps = (j_end - j + KC - 1) / KC;
    if (sweeps == 0)
        for (ptrdiff_t t = 0; t < i_end - i; t++) zero_run(sums + t * ld, ld);
    for (ptrdiff_t sweep = 0; sweep < sweeps; sweep++) {
        const ptrdiff_t at = j + share(j_end - j, sweeps, sweep), kc = j + share(j_end - j, sweeps, sweep + 1) - at;
        FN(conv_pack)(&c->view, c->x + group * c->x_group, i, i_end - i, at, kc, packed, KC);
        for (ptrdiff_t g = f; g < f_end; g += TILE_COLS) {
            const ptrdiff_t filters = fnn_min(TILE_COLS, f_end - g);
            pack_dout(c, group, g, filters, at, kc, panel);
            for (ptrdiff_t tile = 0; tile < tiles; tile++) {
                const ptrdiff_t top = share(i_end - i, tiles, tile), rows = share(i_end - i, tiles, tile + 1) - top;
                const tile_task t = {
                    .k = kc,
                    .a = packed + top * KC,
                    .a_row = KC,
                    .a_col = 1,
                    .b = panel,
                    .ldb = TILE_COLS,
                    .c = sums + top * ld + g - f,
                    .ldc = ld,
                    .resume = sweep > 0,
                    .tail = VL,
                    .b_padded = true,
                };
                FN(tile_get)((int)rows, (int)((filters + VL - 1) / VL), false)(&t);
            }
        }
    }
}

static ptrdiff_t padded(ptrdiff_t filters) { return (filters + VL - 1) / VL * VL; }

static void spend(const conv_gradient *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t f, ptrdiff_t f_end,
                  const real *sums, ptrdiff_t ld) {
    for (ptrdiff_t g = f; g < f_end; g++) {
        real *dw = c->dw + (group * c->f + g) * c->k;
        for (ptrdiff_t t = i; t < i_end; t++) {
            const real sum = sums[(t - i) * ld + g - f];
            dw[t] = c->accumulate ? sum + dw[t] : sum;
        }
    }
}

static void weight_task(void *context, int task) {
    const product *of = context;
    const conv_gradient *c = of->of;
    ptrdiff_t rest = task;
    const ptrdiff_t chunk = rest % of->chunks, filter_part = (rest /= of->chunks) % of->filter_parts,
                    tap_part = (rest /= of->filter_parts) % of->tap_parts, group = rest / of->tap_parts;
    const ptrdiff_t i = share(c->k, of->tap_parts, tap_part), i_end = share(c->k, of->tap_parts, tap_part + 1);
    const ptrdiff_t panels = (c->f + TILE_COLS - 1) / TILE_COLS;
    const ptrdiff_t f = share(panels, of->filter_parts, filter_part) * TILE_COLS;
    const ptrdiff_t f_end = fnn_min(c->f, share(panels, of->filter_parts, filter_part + 1) * TILE_COLS);
    const ptrdiff_t j = share(c->windows, of->chunks, chunk), j_end = share(c->windows, of->chunks, chunk + 1);
    real *scratch = fnn_scratch();
    if (of->chunks > 1) {
        real *sums = of->partial + (chunk * c->groups + group) * c->k * padded(c->f);
        sum_windows(c, group, i, i_end, f, f_end, j, j_end, sums, padded(c->f), scratch);
    } else {
        real *sums = scratch + TAPS * KC + KC * TILE_COLS + VL * TILE_ROWS;
        sum_windows(c, group, i, i_end, f, f_end, j, j_end, sums, padded(f_end - f), scratch);
        spend(c, group, i, i_end, f, f_end, sums, padded(f_end - f));
    }
}

static void run_product(const conv_gradient *c) {
    const ptrdiff_t panels = (c->f + TILE_COLS - 1) / TILE_COLS, tiles = (c->k + TILE_ROWS - 1) / TILE_ROWS;
    product of = {
        .of = c,
        .tap_parts = (c->k + TAPS - 1) / TAPS,
        .filter_parts = (c->f + FILTERS - 1) / FILTERS,
        .chunks = 1,
        /* chunks leave their sums in the caller's workspace, behind what its own tasks use */
        .partial = (real *)fnn_scratch() + TAPS * KC + KC * TILE_COLS + VL * TILE_ROWS,
    };
    if (panels * tiles * c->groups <= FEW_TILES) of.chunks = fnn_max(1, fnn_min(CHUNKS, c->windows / CHUNK_WINDOWS));
    fnn_parallel((int)(c->groups * of.tap_parts * of.filter_parts * of.chunks), weight_task, &of);
    if (of.chunks == 1) return;
    const ptrdiff_t ld = padded(c->f), size = c->groups * c->k * ld;
    for (ptrdiff_t chunk = 1; chunk < of.chunks; chunk++)
        for (ptrdiff_t v = 0; v < size; v += VL)
            vstore(of.partial + v, vload(of.partial + v) + vload(of.partial + chunk * size + v));
    for (ptrdiff_t group = 0; group < c->groups; group++)
        spend(c, group, 0, c->k, 0, c->f, of.partial + group * c->k * ld, ld);
}

/* --- bias gradient --- */

static void bias_task(void *context, int filter) {
    const conv_gradient *c = context;
    const ptrdiff_t plane = c->view.rows * c->view.cols, images = plane == 0 ? 0 : c->windows / plane;
    vreal total[4] = {vset(0), vset(0), vset(0), vset(0)};
    for (ptrdiff_t image = 0; image < images; image++) {
        const real *p = c->dout + (image * c->filters + filter) * plane;
        ptrdiff_t v = 0;
        for (; v + 4 * VL <= plane; v += 4 * VL)
            for (int t = 0; t < 4; t++) total[t] += vload(p + v + t * VL);
        for (; v < plane; v += VL) total[0] += vload_part(p + v, fnn_min(VL, plane - v));
    }
    const vreal lanes = (total[0] + total[1]) + (total[2] + total[3]);
    real sum = 0;
    for (ptrdiff_t lane = 0; lane < VL; lane++) sum += lanes[lane];
    c->db[filter] = c->accumulate ? sum + c->db[filter] : sum;
}

enum { STRIDE_H, STRIDE_W, PAD_H, PAD_W, DILATION_H, DILATION_W, ALGORITHM, BETA };

/* x[n,c,h,w], dout[n,f,p,q], dw[f,k,r,s], db[f] */
void FN(conv_backward_weight)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], ch = op->n[1], h = op->n[2], w = op->n[3], f = op->n[4], p = op->n[5], q = op->n[6],
                    k = op->n[7], r = op->n[8], s = op->n[9], groups = k == 0 ? 1 : fnn_max(1, ch / k);
    const conv_gradient c = {
        .view = {.h = h,
                 .w = w,
                 .channel = h * w,
                 .image = ch * h * w,
                 .rows = p,
                 .cols = q,
                 .step_h = (ptrdiff_t)op->s[STRIDE_H],
                 .step_w = (ptrdiff_t)op->s[STRIDE_W],
                 .r = r,
                 .s = s,
                 .row0 = -(ptrdiff_t)op->s[PAD_H],
                 .col0 = -(ptrdiff_t)op->s[PAD_W],
                 .tap_h = (ptrdiff_t)op->s[DILATION_H],
                 .tap_w = (ptrdiff_t)op->s[DILATION_W]},
        .x = IN(0),
        .dout = IN(1),
        .windows = n * p * q,
        .groups = groups,
        .x_group = k * h * w,
        .f = f / groups,
        .k = k * r * s,
        .filters = f,
        .dw = OUT(2),
        .db = OUT(3),
        .accumulate = op->s[BETA] != 0,
    };
    if (c.f == 0) return;
    if (c.k > 0 && FN(conv_weight_direct_serves)(&c)) {
        FN(conv_weight_direct)(&c);
        return;
    }
    if (c.k > 0) run_product(&c);
    if (c.db != NULL) fnn_parallel((int)f, bias_task, (void *)&c);
}
