/* Between rows, one image a row, and images innermost. */
#include "simd/convert.h"
#include "nchw16n/nchw16n.h"
#include "gemm/pack.h"
#include "simd/transpose.h"

enum { PIECE = 64, CHUNK = 512 }; /* elements of an image: least of a task; converted at a time */

typedef struct {
    const fnn_op *op;
    ptrdiff_t n, d; /* images; elements of one */
    nchw16n_cut cut;
} run;

static run make_run(const fnn_op *op, ptrdiff_t n, ptrdiff_t d, ptrdiff_t groups) {
    run r = {op, n, d, nchw16n_cut_rows(groups, fnn_max(1, d / PIECE))};
    r.cut.rows = d;
    return r;
}

/* What task `task` works on: elements begin … end-1 of the images first … first+count-1 of a group. */
typedef struct {
    ptrdiff_t group, begin, end, first, count;
} share;

static share share_of(const run *r, int task) {
    const ptrdiff_t group = nchw16n_group(&r->cut, task), first = group * N16;
    return (share){group, nchw16n_begin(&r->cut, task), nchw16n_end(&r->cut, task), first, fnn_min(N16, r->n - first)};
}

static void to_nchw16n(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const share s = share_of(r, task);
    real *out = OUT(1) + (s.group * r->d + s.begin) * N16;
    FN(pack_cols)(out, N16, s.end - s.begin, s.count, IN(0) + s.first * r->d + s.begin, 1, r->d);
}

/* x[n,d], out[g,d,16] */
void FN(rows_to_nchw16n)(const fnn_op *op) {
    run r = make_run(op, op->n[0], op->n[1], op->n[2]);
    nchw16n_run(nchw16n_tasks(&r.cut), to_nchw16n, &r, (double)r.n * (double)r.d);
}

static void to_rows(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const share s = share_of(r, task);
    const real *x = IN(0) + s.group * r->d * N16;
    real *out = OUT(1) + s.first * r->d;
    for (ptrdiff_t j = s.begin; j < s.end; j += VL) {
        const ptrdiff_t part = fnn_min(VL, s.end - j);
        for (ptrdiff_t i = 0; i < s.count; i += VL) {
            vreal v[VBYTES / sizeof(real)];
#pragma GCC unroll 16
            for (ptrdiff_t l = 0; l < VL; l++) v[l] = l < part ? vload(x + (j + l) * N16 + i) : vset(0);
            transpose(v);
            for (ptrdiff_t l = 0; l < VL && i + l < s.count; l++) {
                if (part == VL)
                    vstore(out + (i + l) * r->d + j, v[l]);
                else
                    vstore_part(out + (i + l) * r->d + j, v[l], part);
            }
        }
    }
}

/* x[g,d,16], out[n,d] */
void FN(nchw16n_to_rows)(const fnn_op *op) {
    run r = make_run(op, op->n[2], op->n[1], op->n[0]);
    nchw16n_run(nchw16n_tasks(&r.cut), to_rows, &r, (double)r.n * (double)r.d);
}

static void gather(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const share s = share_of(r, task);
    const int type = op->type[0];
    const char *source = op->p[0];
    const int64_t *index = op->p[1];
    real *chunk = fnn_scratch();
    for (ptrdiff_t j = s.begin; j < s.end; j += CHUNK) {
        const ptrdiff_t part = fnn_min(CHUNK, s.end - j);
        for (ptrdiff_t i = 0; i < s.count; i++) {
            const ptrdiff_t row = index == NULL ? s.first + i : index[s.first + i];
            convert(type, source + (row * r->d + j) * size_of(type), chunk + i * CHUNK, part, (real)op->s[0]);
        }
        FN(pack_cols)(OUT(2) + (s.group * r->d + j) * N16, N16, part, s.count, chunk, 1, CHUNK);
    }
}

/* source[r,d], index[n], out[g,d,16]; scale. Without an index the rows come one after the other, all of out's lanes. */
void FN(gather_nchw16n)(const fnn_op *op) {
    const ptrdiff_t n = op->n[2] >= 0 ? op->n[2] : fnn_min(op->n[0], op->n[3] * N16);
    run r = make_run(op, n, op->n[1], op->n[3]);
    nchw16n_run(nchw16n_tasks(&r.cut), gather, &r, (double)r.n * (double)r.d);
}
