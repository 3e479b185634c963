/* Images seen through an affine transform and a smooth displacement, with bilinear interpolation and zeros outside. */
#include "simd/convert.h"
#include "runtime/kernel.h"
#include "simd/simd_gather.h"

enum { TASK_PIXELS = 4096, BEFORE = 1, MARGIN = 3 /* zeros around a plane: one before, two behind */ };

/* The four pixels around a point, in one word as wide as `real`. The lowest part has the pixel of the point's row and
 * column, the next that of the next column, and the upper two parts have those of the next row. */
#if REAL_IS_DOUBLE
typedef uint64_t quad;
#else
typedef uint32_t quad;
#endif
enum { PART_BITS = 2 * sizeof(quad), PART_MASK = (1 << PART_BITS) - 1 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
} run;

/* One channel of one image. If it fits, the workspace has a copy with a margin: bytes as quads, so that one load finds
 * four pixels, other types as numbers. */
typedef struct {
    const real *padded;
    const quad *quads;
    const char *source;
    int type;
    ptrdiff_t h, w;
} plane;

/* The pixel in that row and column of the plane with its margin. */
static real pixel(const plane *p, ptrdiff_t row, ptrdiff_t col) {
    real value = 0;
    row -= BEFORE;
    col -= BEFORE;
    if (row >= 0 && row < p->h && col >= 0 && col < p->w)
        convert(p->type, p->source + (row * p->w + col) * type_bytes(p->type), &value, 1, 1);
    return value;
}

static void pad(plane *p, real *to) {
    const ptrdiff_t width = p->w + MARGIN, row_bytes = p->w * type_bytes(p->type);
    memset(to, 0, (size_t)width * sizeof(real));
    for (ptrdiff_t i = 0; i < p->h; i++) {
        real *row = to + (i + BEFORE) * width;
        row[0] = row[width - 2] = row[width - 1] = 0;
        convert(p->type, p->source + i * row_bytes, row + BEFORE, p->w, 1);
    }
    memset(to + (p->h + BEFORE) * width, 0, 2 * (size_t)width * sizeof(real));
    p->padded = to;
}

/* Joins all rows in one loop, which suits vectors better than many short ones. Quads that wrap at the end of a row are
 * never read. */
static void join(const uint8_t *restrict bytes, ptrdiff_t width, ptrdiff_t count, quad *restrict to) {
    for (ptrdiff_t j = 0; j < count; j++)
        to[j] = bytes[j] | (quad)bytes[j + 1] << PART_BITS | (quad)bytes[j + width] << 2 * PART_BITS |
                (quad)bytes[j + width + 1] << 3 * PART_BITS;
}

/* `bytes` has room for the plane with its margin and one byte more. */
static void pad_quads(plane *p, quad *to, uint8_t *bytes) {
    const ptrdiff_t width = p->w + MARGIN, rows = p->h + MARGIN;
    memset(bytes, 0, (size_t)(rows * width + 1));
    for (ptrdiff_t i = 0; i < p->h; i++)
        memcpy(bytes + (i + BEFORE) * width + BEFORE, p->source + i * p->w, (size_t)p->w);
    join(bytes, width, (rows - 1) * width, to);
    p->quads = to;
}

/* Copies the plane with its margin into the workspace, if there is room. */
static void with_margin(plane *p, char *room, ptrdiff_t free_bytes) {
    const ptrdiff_t size = (p->h + MARGIN) * (p->w + MARGIN) + 1;
    if (size > free_bytes / (ptrdiff_t)(sizeof(quad) + 1)) return;
    if (p->type == FNN_U8) {
        pad_quads(p, (quad *)room, (uint8_t *)room + size * (ptrdiff_t)sizeof(quad));
    } else {
        pad(p, (real *)room);
    }
}

/* Loads the four pixels around the point of each lane. */
FNN_INLINE void around(const plane *p, vint row, vint col, vreal corner[4]) {
    const ptrdiff_t width = p->w + MARGIN;
    const vint at = row * ((vint){0} + (rint_t)width) + col;
    if (p->quads != NULL) {
        const vint four = (vint)vgather((const real *)p->quads, at);
        for (int k = 0; k < 4; k++) corner[k] = __builtin_convertvector(four >> k * PART_BITS & PART_MASK, vreal);
        return;
    }
    if (p->padded != NULL) {
        corner[0] = vgather(p->padded, at);
        corner[1] = vgather(p->padded + 1, at);
        corner[2] = vgather(p->padded + width, at);
        corner[3] = vgather(p->padded + width + 1, at);
        return;
    }
    for (int k = 0; k < 4; k++)
        for (ptrdiff_t i = 0; i < VL; i++) corner[k][i] = pixel(p, row[i] + k / 2, col[i] + k % 2);
}

/* Computes row i of the output. `control` has v displacements in x for this row, then v in y; NULL: there are none. */
static void warp_row(const plane *p, const real *transform, ptrdiff_t i, const real *control, ptrdiff_t v,
                     const real *basis_x, ptrdiff_t q, real *out) {
    const vreal first_x = vfma(vset(transform[1]), vset((real)i), vset(transform[2]));
    const vreal first_y = vfma(vset(transform[4]), vset((real)i), vset(transform[5]));
    const vreal low = vset(-1), right = vset((real)p->w), bottom = vset((real)p->h), one = vset(1);
    vreal lane;
    for (ptrdiff_t l = 0; l < VL; l++) lane[l] = (real)l;
    for (ptrdiff_t j = 0; j < q; j += VL) {
        const ptrdiff_t left = fnn_min(VL, q - j);
        const vreal column = vset((real)j) + lane;
        vreal x = vfma(vset(transform[0]), column, first_x), y = vfma(vset(transform[3]), column, first_y);
        for (ptrdiff_t t = 0; control != NULL && t < v; t++) {
            const vreal b = vload_part(basis_x + t * q + j, left);
            x = vfma(vset(control[t]), b, x);
            y = vfma(vset(control[v + t]), b, y);
        }
        /* counted from the margin; a NaN lies outside */
        x = vmin(vmax(x, low), right) + one;
        y = vmin(vmax(y, low), bottom) + one;
        const vint col = __builtin_convertvector(x, vint), row = __builtin_convertvector(y, vint);
        const vreal fx = x - __builtin_convertvector(col, vreal), fy = y - __builtin_convertvector(row, vreal);
        vreal c[4];
        around(p, row, col, c);
        const vreal above = vfma(fx, c[1] - c[0], c[0]), below = vfma(fx, c[3] - c[2], c[2]);
        vstore_part(out + j, vfma(fy, below - above, above), left);
    }
}

/* The displacements of one axis in one row: the u lines of control points, weighted by the row's `basis`. */
static void control_row(const real *points, const real *basis, ptrdiff_t stride, ptrdiff_t u, ptrdiff_t v, real *to) {
    for (ptrdiff_t t = 0; t < v; t += VL) {
        const ptrdiff_t left = fnn_min(VL, v - t);
        vreal sum = {0};
        for (ptrdiff_t k = 0; k < u; k++)
            sum = vfma(vset(basis[k * stride]), vload_part(points + k * v + t, left), sum);
        vstore_part(to + t, sum, left);
    }
}

/* source, index, transform, control, basis_y, basis_x, out; r c h w n u v p q */
static void warp_image(const fnn_op *op, ptrdiff_t image) {
    const ptrdiff_t channels = op->n[1], h = op->n[2], w = op->n[3], u = op->n[5], v = op->n[6];
    const ptrdiff_t rows = op->n[7], cols = op->n[8], plane_bytes = h * w * type_bytes(op->type[0]);
    const int64_t *index = op->p[1];
    const char *source = (const char *)op->p[0] + (index == NULL ? image : index[image]) * channels * plane_bytes;
    const bool moves = op->p[3] != NULL;
    real *control = fnn_scratch();
    const ptrdiff_t control_bytes = (moves ? 2 * v : 0) * (ptrdiff_t)sizeof(real);
    for (ptrdiff_t c = 0; c < channels; c++) {
        plane p = {NULL, NULL, source + c * plane_bytes, op->type[0], h, w};
        with_margin(&p, (char *)control + control_bytes, FNN_SCRATCH_BYTES - control_bytes);
        for (ptrdiff_t i = 0; i < rows; i++) {
            for (int axis = 0; moves && axis < 2; axis++)
                control_row(IN(3) + (2 * image + axis) * u * v, IN(4) + i, rows, u, v, control + axis * v);
            real *out = OUT(6) + ((image * channels + c) * rows + i) * cols;
            warp_row(&p, IN(2) + 6 * image, i, moves ? control : NULL, v, IN(5), cols, out);
        }
    }
}

static void warp_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i++) warp_image(r->op, i);
}

void FN(warp_images)(const fnn_op *op) {
    run r = {op, fnn_partition_work(op->n[4], 1, fnn_max(1, TASK_PIXELS / fnn_max(1, op->n[1] * op->n[7] * op->n[8])))};
    fnn_parallel(r.partition.tasks, warp_task, &r);
}
