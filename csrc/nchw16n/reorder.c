/* Reorders between plain rows, one for each image, and the layout NCHW16n. */
#include "simd/convert.h"
#include "nchw16n/nchw16n.h"
#include "gemm/pack.h"
#include "simd/transpose.h"

enum {
    LEAST_ELEMENTS = 64, /* the fewest elements of an image that a task takes */
    CONVERTED = 512,     /* elements of an image that are converted at a time */
};

typedef struct {
    const fnn_op *op;
    ptrdiff_t images, elements;  /* images; elements of an image */
    nchw16n_partition partition; /* the elements take the place of rows */
} reorder;

static reorder reorder_of(const fnn_op *op, ptrdiff_t images, ptrdiff_t elements, ptrdiff_t blocks) {
    reorder r = {op, images, elements, nchw16n_partition_rows(blocks, fnn_max(1, elements / LEAST_ELEMENTS))};
    r.partition.rows = elements;
    return r;
}

/* What a task works on: elements begin … end-1 of images first … first+count-1, which are one block. */
typedef struct {
    ptrdiff_t block, begin, end, first, count;
} block_slice;

static block_slice slice_of(const reorder *r, int task) {
    const ptrdiff_t block = nchw16n_task_block(&r->partition, task), first = block * IMAGE_BLOCK;
    return (block_slice){block, nchw16n_row_begin(&r->partition, task), nchw16n_row_end(&r->partition, task), first,
                         fnn_min(IMAGE_BLOCK, r->images - first)};
}

static void to_nchw16n_task(void *context, int task) {
    const reorder *r = context;
    const fnn_op *op = r->op;
    const block_slice s = slice_of(r, task);
    real *out = OUT(1) + (s.block * r->elements + s.begin) * IMAGE_BLOCK;
    FN(pack_cols)(out, IMAGE_BLOCK, s.end - s.begin, s.count, IN(0) + s.first * r->elements + s.begin, 1, r->elements);
}

/* x[n,d], out[g,d,16] */
void FN(rows_to_nchw16n)(const fnn_op *op) {
    reorder r = reorder_of(op, op->n[0], op->n[1], op->n[2]);
    nchw16n_parallel(nchw16n_task_count(&r.partition), to_nchw16n_task, &r, (double)r.images * (double)r.elements);
}

static void to_rows_task(void *context, int task) {
    const reorder *r = context;
    const fnn_op *op = r->op;
    const block_slice s = slice_of(r, task);
    const real *x = IN(0) + s.block * r->elements * IMAGE_BLOCK;
    real *out = OUT(1) + s.first * r->elements;
    for (ptrdiff_t j = s.begin; j < s.end; j += VL) {
        const ptrdiff_t count = fnn_min(VL, s.end - j);
        for (ptrdiff_t i = 0; i < s.count; i += VL) {
            vreal v[VBYTES / sizeof(real)];
#pragma GCC unroll 16
            for (ptrdiff_t l = 0; l < VL; l++) v[l] = l < count ? vload(x + (j + l) * IMAGE_BLOCK + i) : vset(0);
            transpose(v);
            for (ptrdiff_t l = 0; l < VL && i + l < s.count; l++) {
                if (count == VL)
                    vstore(out + (i + l) * r->elements + j, v[l]);
                else
                    vstore_part(out + (i + l) * r->elements + j, v[l], count);
            }
        }
    }
}

/* x[g,d,16], out[n,d] */
void FN(nchw16n_to_rows)(const fnn_op *op) {
    reorder r = reorder_of(op, op->n[2], op->n[1], op->n[0]);
    nchw16n_parallel(nchw16n_task_count(&r.partition), to_rows_task, &r, (double)r.images * (double)r.elements);
}

static void gather_task(void *context, int task) {
    const reorder *r = context;
    const fnn_op *op = r->op;
    const block_slice s = slice_of(r, task);
    const int type = op->type[0];
    const char *source = op->p[0];
    const int64_t *index = op->p[1];
    real *converted = fnn_scratch(); /* [image][CONVERTED] */
    for (ptrdiff_t j = s.begin; j < s.end; j += CONVERTED) {
        const ptrdiff_t count = fnn_min(CONVERTED, s.end - j);
        for (ptrdiff_t i = 0; i < s.count; i++) {
            const ptrdiff_t row = fnn_row(index, s.first + i);
            convert(type, source + (row * r->elements + j) * type_bytes(type), converted + i * CONVERTED, count,
                    (real)op->s[0]);
        }
        FN(pack_cols)(OUT(2) + (s.block * r->elements + j) * IMAGE_BLOCK, IMAGE_BLOCK, count, s.count, converted, 1,
                      CONVERTED);
    }
}

/* source[r,d], index[n], out[g,d,16]; scale. Without an index the rows are taken in their order, as many as out has
 * lanes. */
void FN(gather_nchw16n)(const fnn_op *op) {
    const ptrdiff_t images = op->n[2] >= 0 ? op->n[2] : fnn_min(op->n[0], op->n[3] * IMAGE_BLOCK);
    reorder r = reorder_of(op, images, op->n[1], op->n[3]);
    nchw16n_parallel(nchw16n_task_count(&r.partition), gather_task, &r, (double)r.images * (double)r.elements);
}
