/* The weights' gradient by Winograd's minimal filtering (winograd/transforms.h), the transpose of the forward
 * algorithm: dw = Gᵀ [Σ (A dy Aᵀ) ⊙ (Bᵀ d B)] G, summed over tiles and images before the outer transform.
 *
 * Tiles are taken a chunk at a time. First their inputs and the gradients of their outputs are transformed, tile by
 * tile; then each pair of points adds its matrix product over the chunk's tiles and images to its sums. The chunks
 * follow from the shape, so that a sum is the same whoever runs it; that its chains are short keeps it exact. Of few
 * channels winograd/weight_grad_small_c.c makes the sums.
 */
#include "winograd/weight_grad.h"

#include "gemm/pack.h"
#include "gemm/microkernel.h"

enum {
    CHUNK = FNN_WINOGRAD_CHUNK_BLOCKS, /* tiles of a chunk; work[] is as large as fastnn/kernels/convolution.py says */
    PIECES = 4,                        /* of a tile's channels and filters: tasks of the transforms */
    HALVES = 2,                        /* of a pair's filters: tasks of the products */
};

typedef winograd_gradient_work work;

/* A dy Aᵀ of `count` filters' planes of p × q outputs; zero outside. */
FNN_INLINE void read_slopes(const work *wk, const real *plane, ptrdiff_t count, const winograd_place *at, real *slopes,
                            ptrdiff_t ld, const int points_h, const int points_w, const int m_h, const int m_w) {
    const ptrdiff_t rows = fnn_min(m_h, wk->p - at->row), cols = fnn_min(m_w, wk->q - at->col);
    for (ptrdiff_t f = 0; f < count; f++, plane += wk->p * wk->q * N16, slopes += ld) {
        for (ptrdiff_t l = 0; l < N16; l += VL) {
            vreal columns[POINTS][WINOGRAD_MAX_OUTPUTS];
#pragma GCC unroll 5
            for (int j = 0; j < m_w; j++) {
                vreal d[WINOGRAD_MAX_OUTPUTS];
#pragma GCC unroll 5
                for (int i = 0; i < m_h; i++)
                    d[i] =
                        i < rows && j < cols ? vload(plane + ((at->row + i) * wk->q + at->col + j) * N16 + l) : vset(0);
                winograd_values(d, 1, m_h, &columns[0][j], WINOGRAD_MAX_OUTPUTS, points_h);
            }
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) {
                vreal v[POINTS];
                winograd_values(columns[i], 1, m_w, v, 1, points_w);
#pragma GCC unroll 6
                for (int j = 0; j < points_w; j++) vstore(slopes + (i * POINTS + j) * wk->apart_slopes + l, v[j]);
            }
        }
    }
}

/* One of a tile's PIECES. */
FNN_INLINE void transform(const work *wk, ptrdiff_t tile, ptrdiff_t piece, const int points_h, const int points_w,
                          const int m_h, const int m_w) {
    const winograd_place at = winograd_place_of(&wk->rows, &wk->cols, wk->kind, wk->first + tile);
    const ptrdiff_t ld = wk->count * N16;
    const ptrdiff_t c = wk->k * piece / PIECES, c_end = wk->k * (piece + 1) / PIECES;
    winograd_read(wk->x + (at.group * wk->c + wk->part * wk->k + c) * wk->h * wk->w * N16, c_end - c, wk->h, wk->w,
                  at.row - wk->pad_h, at.col - wk->pad_w, wk->values + c * ld + tile * N16, ld, wk->apart_values,
                  points_h, points_w);
    const ptrdiff_t f = wk->filters * piece / PIECES, f_end = wk->filters * (piece + 1) / PIECES;
    read_slopes(wk, wk->dout + (at.group * wk->f + wk->part * wk->filters + f) * wk->p * wk->q * N16, f_end - f, &at,
                wk->slopes + f * ld + tile * N16, ld, points_h, points_w, m_h, m_w);
}

FNN_INLINE void transform_kind(const work *wk, ptrdiff_t tile, ptrdiff_t piece, const int m) {
    switch (wk->kind) {
        case 0: transform(wk, tile, piece, POINTS, POINTS, m, m); break;
        case 1: transform(wk, tile, piece, POINTS, POINTS - 1, m, m - 1); break;
        case 2: transform(wk, tile, piece, POINTS - 1, POINTS, m - 1, m); break;
        case 3: transform(wk, tile, piece, POINTS - 1, POINTS - 1, m - 1, m - 1); break;
    }
}

static void transform_task(void *context, int task) {
    const work *wk = context;
    if (wk->rows.outputs == 4)
        transform_kind(wk, task / PIECES, task % PIECES, 4);
    else
        transform_kind(wk, task / PIECES, task % PIECES, 2);
}

/* sums[pair] += slopes[pair] valuesᵀ[pair] of one half of the filters */
static void multiply_task(void *context, int task) {
    const work *wk = context;
    const int points_w = winograd_long_cols(wk->kind) ? POINTS : POINTS - 1;
    const ptrdiff_t of_all = task / HALVES, half = task % HALVES;
    const ptrdiff_t pair = of_all / points_w * POINTS + of_all % points_w, length = wk->count * N16;
    const ptrdiff_t f = wk->filters * half / HALVES, f_end = wk->filters * (half + 1) / HALVES;
    const real *values = wk->values + pair * wk->apart_values, *slopes = wk->slopes + pair * wk->apart_slopes;
    real *sums = wk->sums + pair * wk->filters * wk->k, *panel = fnn_scratch();
    for (ptrdiff_t c = 0; c < wk->k; c += TILE_COLS) {
        const ptrdiff_t cols = fnn_min(TILE_COLS, wk->k - c), vectors = (cols + VL - 1) / VL;
        FN(pack_cols)(panel, TILE_COLS, length, cols, values + c * length, 1, length);
        for (ptrdiff_t i = f; i < f_end; i += TILE_ROWS) {
            const tile_task t = {
                .k = length,
                .a = slopes + i * length,
                .a_row = length,
                .a_col = 1,
                .b = panel,
                .ldb = TILE_COLS,
                .c = sums + i * wk->k + c,
                .ldc = wk->k,
                .add = wk->begun[pair],
                .tail = cols - (vectors - 1) * VL,
                .b_padded = true,
            };
            FN(tile_get)((int)fnn_min(TILE_ROWS, f_end - i), (int)vectors, false)(&t);
        }
    }
}

/* dw = beta dw + Gᵀ sums G, and db, of one filter of the group */
FNN_INLINE void finish(const work *wk, ptrdiff_t filter, const int size) {
    const ptrdiff_t apart = wk->filters * wk->k, taps = size * size;
    real *dw = wk->dw + (wk->part * wk->filters + filter) * wk->k * taps;
    for (ptrdiff_t c = 0; c < wk->k; c += VL) {
        const ptrdiff_t count = fnn_min(VL, wk->k - c);
        vreal lines[WINOGRAD_MAX_OUTPUTS][POINTS];
        for (int j = 0; j < POINTS; j++) {
            vreal v[POINTS];
            for (int i = 0; i < POINTS; i++)
                v[i] = wk->begun[i * POINTS + j]
                           ? vload_part(wk->sums + (i * POINTS + j) * apart + filter * wk->k + c, count)
                           : vset(0);
            winograd_weigh(v, 1);
            winograd_output(v, 1, &lines[0][j], POINTS, POINTS, size);
        }
        for (int a = 0; a < size; a++) {
            vreal out[WINOGRAD_MAX_OUTPUTS];
            winograd_weigh(lines[a], 1);
            winograd_output(lines[a], 1, out, 1, POINTS, size);
            for (int b = 0; b < size; b++)
                for (ptrdiff_t i = 0; i < count; i++) {
                    real *to = dw + (c + i) * taps + a * size + b;
                    *to = wk->beta != 0 ? *to + out[b][i] : out[b][i];
                }
        }
    }
}

static void finish_task(void *context, int task) {
    const work *wk = context;
    const ptrdiff_t filter = wk->part * wk->filters + task, plane = wk->p * wk->q * N16;
    if (wk->size == 3)
        finish(wk, task, 3);
    else
        finish(wk, task, 5);
    if (wk->db == NULL) return;
    vreal sums[4] = {vset(0), vset(0), vset(0), vset(0)};
    for (ptrdiff_t g = 0; g < wk->groups; g++) {
        const real *dout = wk->dout + (g * wk->f + filter) * plane;
        for (ptrdiff_t i = 0; i < plane; i += VL) sums[i / VL % 4] += vload(dout + i);
    }
    const vreal sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    real total = 0;
    for (ptrdiff_t i = 0; i < VL; i++) total += sum[i];
    wk->db[filter] = wk->beta != 0 ? wk->db[filter] + total : total;
}

static void sum_chunks(work *wk) {
    memset(wk->begun, 0, sizeof wk->begun);
    for (wk->kind = 0; wk->kind < WINOGRAD_KINDS; wk->kind++) {
        const ptrdiff_t tiles = wk->groups * winograd_kind_tiles(&wk->rows, &wk->cols, wk->kind);
        const ptrdiff_t chunks = (tiles + CHUNK - 1) / CHUNK;
        const int points_h = POINTS - !winograd_long_rows(wk->kind), points_w = POINTS - !winograd_long_cols(wk->kind);
        for (ptrdiff_t chunk = 0; chunk < chunks; chunk++) {
            wk->first = tiles * chunk / chunks;
            wk->count = tiles * (chunk + 1) / chunks - wk->first;
            /* an odd number of lines from pair to pair, so that pairs do not meet in the same lines of a cache */
            wk->apart_values = wk->k * wk->count * N16 + N16;
            wk->apart_slopes = wk->filters * wk->count * N16 + N16;
            fnn_parallel((int)(wk->count * PIECES), transform_task, wk);
            fnn_parallel(points_h * points_w * HALVES, multiply_task, wk);
            for (int i = 0; i < points_h; i++)
                for (int j = 0; j < points_w; j++) wk->begun[i * POINTS + j] = true;
        }
    }
}

static void run_part(work *wk) {
    if (!FN(winograd_few_sums)(wk)) sum_chunks(wk);
    fnn_parallel((int)wk->filters, finish_task, wk);
}

void FN(winograd_backward_weight_nchw16n)(const fnn_op *op) {
    /* x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s]~, db[f]?~, work[*]!, pad_h, pad_w, beta */
    const ptrdiff_t *n = op->n;
    work wk = {
        .x = IN(0),
        .dout = IN(1),
        .dw = OUT(2),
        .db = op->p[3],
        .groups = n[0],
        .c = n[1],
        .h = n[2],
        .w = n[3],
        .f = n[4],
        .p = n[5],
        .q = n[6],
        .k = n[7],
        .size = n[8],
        .rows = winograd_cut(n[5], n[8]),
        .cols = winograd_cut(n[6], n[8]),
        .pad_h = (ptrdiff_t)op->s[0],
        .pad_w = (ptrdiff_t)op->s[1],
        .beta = (real)op->s[2],
    };
    const ptrdiff_t parts = wk.c / wk.k;
    wk.filters = wk.f / parts;
    wk.sums = OUT(4);
    wk.values = wk.sums + PAIRS * wk.filters * wk.k;
    wk.slopes = wk.values + PAIRS * (wk.k * CHUNK + 1) * N16;
    for (wk.part = 0; wk.part < parts; wk.part++) run_part(&wk);
}
