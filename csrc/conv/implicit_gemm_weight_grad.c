/* The weight gradient of a convolution as an implicit matrix product over the output pixels of all images.
 *
 * It is computed transposed: rows are taps, whose pixels are packed in runs as for the forward pass, and columns are
 * filters. Every element is one chain over image, row and column of the output pixels. Where there are few elements and
 * many pixels, the pixels fall into at most MAX_CHUNKS chunks, whose sums are added in order; how many follows from the
 * sizes alone.
 */
#include "conv/conv_weight_grad.h"

#include "runtime/interruption.h"
#include "gemm/pack.h"
#include "gemm/microkernel.h"

enum {
    KC = 128,            /* output pixels of a block */
    TAPS = 16 * GEMM_MR, /* taps and filters of the part of the gradient that a task computes */
    FILTERS = (1 << 20) / (TAPS * 8) / GEMM_NR * GEMM_NR,
    MAX_CHUNKS = 16,
    FEW_TILES = 16,     /* the most register tiles of a gradient that falls into chunks */
    CHUNK_PIXELS = 512, /* the least number of pixels of a chunk */
};

typedef struct {
    const conv_weight_grad *problem;
    ptrdiff_t tap_parts, filter_parts, chunks;
    real *partial; /* [chunk][group][tap][padded filters], where there are several chunks */
} schedule;

/* Packs filters f … f+filters-1 of a group and pixels j … j+count-1 as dst[pixel - j][GEMM_NR]. */
static void pack_dout(const conv_weight_grad *c, ptrdiff_t group, ptrdiff_t f, ptrdiff_t filters, ptrdiff_t j,
                      ptrdiff_t count, real *dst) {
    const ptrdiff_t plane = c->view.rows * c->view.cols;
    for (ptrdiff_t done = 0, run; done < count; done += run) {
        const ptrdiff_t image = (j + done) / plane, pixel = (j + done) % plane;
        run = fnn_min(count - done, plane - pixel);
        const real *src = c->dout + (image * c->all_filters + group * c->f + f) * plane + pixel;
        FN(pack_cols)(dst + done * GEMM_NR, GEMM_NR, run, filters, src, 1, plane);
    }
}

/* Computes sums[tap - i][filter - f] over pixels j … j_end-1, for taps i … i_end-1 and filters f … f_end-1 of a group.
 * The rows of the sums are `ld` elements apart. */
static void sum_pixels(const conv_weight_grad *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t f,
                       ptrdiff_t f_end, ptrdiff_t j, ptrdiff_t j_end, real *sums, ptrdiff_t ld, real *packed) {
    real *panel = packed + TAPS * KC;
    const ptrdiff_t tiles = (i_end - i + GEMM_MR - 1) / GEMM_MR;
    const ptrdiff_t blocks = (j_end - j + KC - 1) / KC;
    if (blocks == 0)
        for (ptrdiff_t t = 0; t < i_end - i; t++) zero_run(sums + t * ld, ld);
    for (ptrdiff_t block = 0; block < blocks && !fnn_is_left(); block++) {
        const ptrdiff_t at = j + split_begin(j_end - j, blocks, block);
        const ptrdiff_t kc = j + split_begin(j_end - j, blocks, block + 1) - at;
        FN(im2col_pack)(&c->view, c->x + group * c->x_group_stride, i, i_end - i, at, kc, packed, KC);
        for (ptrdiff_t g = f; g < f_end; g += GEMM_NR) {
            const ptrdiff_t filters = fnn_min(GEMM_NR, f_end - g);
            pack_dout(c, group, g, filters, at, kc, panel);
            for (ptrdiff_t tile = 0; tile < tiles; tile++) {
                const ptrdiff_t top = split_begin(i_end - i, tiles, tile);
                const ptrdiff_t rows = split_begin(i_end - i, tiles, tile + 1) - top;
                const microkernel_args t = {
                    .k = kc,
                    .a = packed + top * KC,
                    .a_row = KC,
                    .a_col = 1,
                    .b = panel,
                    .ldb = GEMM_NR,
                    .c = sums + top * ld + g - f,
                    .ldc = ld,
                    .resume = block > 0,
                    .tail = VL,
                    .b_padded = true,
                };
                FN(microkernel_get)((int)rows, (int)((filters + VL - 1) / VL), false)(&t);
            }
        }
    }
}

static ptrdiff_t padded(ptrdiff_t filters) { return (filters + VL - 1) / VL * VL; }

/* Writes dw of taps i … i_end-1 and filters f … f_end-1 of a group from sums[tap - i][filter - f]. */
static void store_weight_grad(const conv_weight_grad *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t f,
                              ptrdiff_t f_end, const real *sums, ptrdiff_t ld) {
    for (ptrdiff_t g = f; g < f_end; g++) {
        real *dw = c->dw + (group * c->f + g) * c->k;
        for (ptrdiff_t t = i; t < i_end; t++) {
            const real sum = sums[(t - i) * ld + g - f];
            dw[t] = c->accumulate ? sum + dw[t] : sum;
        }
    }
}

static void run_task(void *context, int task) {
    const schedule *s = context;
    const conv_weight_grad *c = s->problem;
    ptrdiff_t rest = task;
    const ptrdiff_t chunk = rest % s->chunks, filter_part = (rest /= s->chunks) % s->filter_parts,
                    tap_part = (rest /= s->filter_parts) % s->tap_parts, group = rest / s->tap_parts;
    const ptrdiff_t i = split_begin(c->k, s->tap_parts, tap_part),
                    i_end = split_begin(c->k, s->tap_parts, tap_part + 1);
    const ptrdiff_t panels = (c->f + GEMM_NR - 1) / GEMM_NR;
    const ptrdiff_t f = split_begin(panels, s->filter_parts, filter_part) * GEMM_NR;
    const ptrdiff_t f_end = fnn_min(c->f, split_begin(panels, s->filter_parts, filter_part + 1) * GEMM_NR);
    const ptrdiff_t j = split_begin(c->pixels, s->chunks, chunk), j_end = split_begin(c->pixels, s->chunks, chunk + 1);
    real *scratch = fnn_scratch();
    if (s->chunks > 1) {
        real *sums = s->partial + (chunk * c->groups + group) * c->k * padded(c->f);
        sum_pixels(c, group, i, i_end, f, f_end, j, j_end, sums, padded(c->f), scratch);
    } else {
        real *sums = scratch + TAPS * KC + KC * GEMM_NR + VL * GEMM_MR;
        sum_pixels(c, group, i, i_end, f, f_end, j, j_end, sums, padded(f_end - f), scratch);
        store_weight_grad(c, group, i, i_end, f, f_end, sums, padded(f_end - f));
    }
}

void FN(conv_implicit_gemm_weight_grad)(const conv_weight_grad *c) {
    const ptrdiff_t panels = (c->f + GEMM_NR - 1) / GEMM_NR, tiles = (c->k + GEMM_MR - 1) / GEMM_MR;
    schedule s = {
        .problem = c,
        .tap_parts = (c->k + TAPS - 1) / TAPS,
        .filter_parts = (c->f + FILTERS - 1) / FILTERS,
        .chunks = 1,
        /* the chunks leave their sums in the calling thread's workspace, behind what its own tasks use */
        .partial = (real *)fnn_scratch() + TAPS * KC + KC * GEMM_NR + VL * GEMM_MR,
    };
    if (panels * tiles * c->groups <= FEW_TILES) s.chunks = fnn_max(1, fnn_min(MAX_CHUNKS, c->pixels / CHUNK_PIXELS));
    fnn_parallel((int)(c->groups * s.tap_parts * s.filter_parts * s.chunks), run_task, &s);
    if (s.chunks == 1) return;
    const ptrdiff_t ld = padded(c->f), size = c->groups * c->k * ld;
    for (ptrdiff_t chunk = 1; chunk < s.chunks; chunk++)
        for (ptrdiff_t v = 0; v < size; v += VL)
            vstore(s.partial + v, vload(s.partial + v) + vload(s.partial + chunk * size + v));
    for (ptrdiff_t group = 0; group < c->groups; group++)
        store_weight_grad(c, group, 0, c->k, 0, c->f, s.partial + group * c->k * ld, ld);
}
