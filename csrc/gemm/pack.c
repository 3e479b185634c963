/* Packing copies where the source runs along the panel and transposes in registers where it runs across. */
#include "gemm/pack.h"

#include "runtime/prefetch.h"
#include "simd/transpose.h"

/* dst[p * stride + i] = src[i * row + p] for i < count <= VL; every store writes a whole vector, and later
 * stores overwrite what earlier ones wrote beyond their part. */
static void transpose_strip(real *dst, ptrdiff_t stride, ptrdiff_t k, ptrdiff_t count, const real *src, ptrdiff_t row,
                            const int64_t *index) {
    const real *from[VBYTES / sizeof(real)];
    for (ptrdiff_t i = 0; i < VL; i++) from[i] = src + (i < count ? fnn_row(index, i) * row : 0);
    for (ptrdiff_t p = 0; p < k; p += VL) {
        const ptrdiff_t part = fnn_min(VL, k - p);
        vreal v[VBYTES / sizeof(real)];
#pragma GCC unroll 16
        for (ptrdiff_t i = 0; i < VL; i++)
            v[i] = i >= count ? vset(0) : part == VL ? vload(from[i] + p) : vload_part(from[i] + p, part);
        transpose(v);
        for (ptrdiff_t i = 0; i < part; i++) vstore(dst + (p + i) * stride, v[i]);
    }
}

void FN(pack_rows)(real *dst, ptrdiff_t height, ptrdiff_t k, const real *src, ptrdiff_t row, ptrdiff_t col,
                   const int64_t *rows, const int64_t *steps) {
    /* from the last strip to the first: what a strip writes beyond its part belongs to strips that are still to come */
    for (ptrdiff_t i = (height - 1) / VL * VL; i >= 0; i -= VL) {
        ptrdiff_t count = fnn_min(VL, height - i);
        if (row == 1 && rows == NULL) {
            for (ptrdiff_t p = 0; p < k; p++)
                vstore(dst + p * height + i, vload_part(src + fnn_row(steps, p) * col + i, count));
        } else if (rows == NULL) {
            transpose_strip(dst + i, height, k, count, src + i * row, row, NULL);
        } else {
            transpose_strip(dst + i, height, k, count, src, row, rows + i);
        }
    }
}

void FN(pack_cols)(real *dst, ptrdiff_t width, ptrdiff_t k, ptrdiff_t cols, const real *src, ptrdiff_t row,
                   ptrdiff_t col) {
    enum { LINE = FNN_CACHE_LINE / sizeof(real) }; /* every line of a row is read once */
    for (ptrdiff_t j = 0; col == 1 && j < width; j += LINE) {
        if (cols - j >= LINE) {
            for (ptrdiff_t p = 0; p < k; p++)
#pragma GCC unroll 4
                for (ptrdiff_t i = j; i < j + LINE; i += VL) vstore(dst + p * width + i, vload(src + p * row + i));
        } else {
            for (ptrdiff_t p = 0; p < k; p++)
                for (ptrdiff_t i = j; i < fnn_min(width, j + LINE); i += VL)
                    vstore(dst + p * width + i, vload_part(src + p * row + i, fnn_max(0, fnn_min(VL, cols - i))));
        }
    }
    for (ptrdiff_t j = 0; col != 1 && j < width; j += VL)
        transpose_strip(dst + j, width, k, fnn_max(0, fnn_min(VL, cols - j)), src + j * col, col, NULL);
}
