/* Convolution and its input gradient as products (conv/conv_problem.h), one of two ways: here as matrix products whose
 * right side, the windows, is never stored whole; with few rows, directly (conv/direct.c).
 *
 * The register tile's rows are filters, its columns windows beside each other, so that results go where they belong in
 * runs. Either way every element is one chain over channel, filter row, filter column, begun at zero; the bias comes
 * last. The input gradient is the same product: a pixel's windows are those of dout under the taps that can meet it,
 * which with a stride differ from pixel to pixel in its period: one product a phase.
 */
#include "elementwise/activation.h"
#include "conv/conv_problem.h"
#include "simd/simd_shuffle.h"
#include "gemm/microkernel.h"

enum {
    KC = 512,                             /* taps of a block: a panel of their windows stays in the second cache */
    NC = 6 * TILE_COLS,                   /* windows of a block */
    MC = (1 << 20) / (NC * sizeof(real)), /* rows whose results are kept until their chains are done */
    WIDEST = TILE_MAX_VECTORS * VL,
    PACKED = KC * ((NC + WIDEST - 1) / WIDEST * WIDEST), /* elements of the workspace for windows */
    SERIAL_WORK = 1 << 15, /* multiply-adds below which waking a thread costs more than it brings */
};

typedef struct {
    const conv_product *of;
    ptrdiff_t blocks, parts; /* of the windows and of the rows */
    ptrdiff_t width;         /* windows of a panel: more than a full tile's where there are few rows */
} product;

void FN(conv_pack_weights)(const conv_product *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t p,
                           ptrdiff_t count, real *dst) {
    const real *weight = c->weight + group * c->w_group;
    if (c->a_row != 0) {
        for (ptrdiff_t q = p; q < p + count; q++, dst += rows)
            for (ptrdiff_t t = 0; t < rows; t++) dst[t] = weight[(i + t) * c->a_row + q];
        return;
    }
    const ptrdiff_t taps = c->view.r * c->view.s;
    ptrdiff_t f = p / taps, a = p / c->view.s % c->view.r, b = p % c->view.s;
    for (ptrdiff_t q = 0; q < count; q++, dst += rows) {
        const real *src = weight + f * c->filter + i * c->taps + (c->a0 + a * c->a_step) * c->s + c->b0 + b * c->b_step;
        for (ptrdiff_t t = 0; t < rows; t++) dst[t] = src[t * c->taps];
        if (++b < c->view.s) continue;
        b = 0;
        if (++a < c->view.r) continue;
        a = 0;
        f++;
    }
}

/* out[step i] = from[i]; what lies between may be read and written as it is, by whoever writes on both sides of it. */
static void put_apart(real *out, ptrdiff_t step, const real *from, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; step == 2 && i + VL < count; i += VL) {
        real *p = out + 2 * i;
        const vreal x = vload(from + i), between = VSHUFFLE(vload(p), vload(p + VL), ODD_LANES);
        vstore(p, VSHUFFLE(x, between, LOW_PAIRS));
        vstore(p + VL, VSHUFFLE(x, between, HIGH_PAIRS));
    }
    for (; i < count; i++) out[i * step] = from[i];
}

void FN(conv_finish)(const conv_product *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t cols,
                     real *local, ptrdiff_t ld) {
    if (c->bias != NULL)
        for (ptrdiff_t t = 0; t < rows; t++) {
            const vreal b = vset(c->bias[group * c->m + i + t]);
            real *p = local + t * ld;
            for (ptrdiff_t v = 0; v < cols; v += VL) vstore(p + v, vload(p + v) + b);
        }
    if (c->at == NULL) activate_block(c->kind, c->alpha, local, ld, rows, cols);
    const ptrdiff_t plane = c->view.rows * c->view.cols;
    /* windows lie in out as they are numbered */
    const bool whole = c->out_step_h == 1 && c->out_step_w == 1 && c->out_w == c->view.cols;
    for (ptrdiff_t done = 0; done < cols;) {
        conv_run run = conv_run_at(&c->view, j + done, fnn_min(NC, cols - done));
        if (whole) run.count = fnn_min(cols - done, plane - (j + done) % plane);
        const ptrdiff_t at = run.image * c->out_image + (group * c->m + i) * c->out_plane +
                             (run.y * c->out_step_h + c->out_row0) * c->out_w + run.x * c->out_step_w + c->out_col0;
        for (ptrdiff_t t = 0; t < rows; t++) {
            real *from = local + t * ld + done, *out = c->out + at + t * c->out_plane;
            const real *output = c->at == NULL ? NULL : c->at + at + t * c->out_plane;
            real strided[NC];
            if (output != NULL && c->out_step_w != 1) {
                for (ptrdiff_t v = 0; v < run.count; v++) strided[v] = output[v * c->out_step_w];
                output = strided;
            }
            if (output != NULL) activate_grad_block(c->kind, c->alpha, from, 0, output, 0, 1, run.count);
            if (c->out_step_w == 1)
                copy_run(out, from, run.count);
            else
                put_apart(out, c->out_step_w, from, run.count);
        }
        done += run.count;
    }
}

/* Rows i … i_end-1 (at most MC) of windows j … j_end-1 (at most NC). */
static void block(const product *of, ptrdiff_t group, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end) {
    const conv_product *c = of->of;
    real *packed = fnn_scratch();
    real *local = packed + PACKED, *turned = local + MC * NC;
    const real *x = c->x + group * c->x_group, *weight = c->weight + group * c->w_group;
    const ptrdiff_t tiles = (i_end - i + TILE_ROWS - 1) / TILE_ROWS, sweeps = (c->k + KC - 1) / KC;
    if (c->k == 0)
        for (ptrdiff_t t = 0; t < i_end - i; t++) zero_run(local + t * NC, j_end - j);
    for (ptrdiff_t sweep = 0; sweep < sweeps; sweep++) {
        const ptrdiff_t p = share(c->k, sweeps, sweep), kc = share(c->k, sweeps, sweep + 1) - p;
        for (ptrdiff_t jr = j; jr < j_end; jr += of->width)
            FN(conv_pack)(&c->view, x, p, kc, jr, fnn_min(of->width, j_end - jr), packed + (jr - j) * kc, of->width);
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
            const ptrdiff_t top = i + share(i_end - i, tiles, tile), rows = i + share(i_end - i, tiles, tile + 1) - top;
            tile_task t = {.k = kc, .ldb = of->width, .ldc = NC, .resume = sweep > 0, .b_padded = true};
            if (c->a_row != 0) {
                t.a = weight + top * c->a_row + p;
                t.a_row = c->a_row;
                t.a_col = 1;
            } else {
                FN(conv_pack_weights)(c, group, top, rows, p, kc, turned);
                t.a = turned;
                t.a_row = 1;
                t.a_col = rows;
            }
            for (ptrdiff_t jr = j; jr < j_end; jr += of->width) {
                const ptrdiff_t cols = fnn_min(of->width, j_end - jr);
                const int vectors = (int)((cols + VL - 1) / VL);
                t.b = packed + (jr - j) * kc;
                t.c = local + (top - i) * NC + jr - j;
                t.tail = VL; /* the results' rows have room for whole vectors */
                FN(tile_get)((int)rows, vectors, t.a_row == 1)(&t);
            }
        }
    }
    FN(conv_finish)(c, group, i, i_end - i, j, j_end - j, local, NC);
}

static void run_task(void *context, int task) {
    const product *of = context;
    const conv_product *c = of->of;
    const ptrdiff_t group = task / (of->blocks * of->parts), part = task / of->blocks % of->parts,
                    at = task % of->blocks;
    const ptrdiff_t vectors = (c->windows + VL - 1) / VL;
    const ptrdiff_t j = share(vectors, of->blocks, at) * VL;
    const ptrdiff_t j_end = fnn_min(c->windows, share(vectors, of->blocks, at + 1) * VL);
    const ptrdiff_t i_end = share(c->m, of->parts, part + 1);
    for (ptrdiff_t i = share(c->m, of->parts, part); i < i_end; i += MC)
        block(of, group, i, fnn_min(i_end, i + MC), j, j_end);
}

static ptrdiff_t common_divisor(ptrdiff_t a, ptrdiff_t b) { return b == 0 ? a : common_divisor(b, a % b); }

/* Cuts the windows into blocks, and where these are few the rows into parts, which pack the same windows each. */
static void run_product(const conv_product *c) {
    if (c->windows == 0 || c->m == 0) return;
    const ptrdiff_t threads = fnn_get_num_threads(), tiles = (c->m + TILE_ROWS - 1) / TILE_ROWS;
    product of = {
        .of = c,
        .blocks = (c->windows + NC - 1) / NC,
        .parts = 1,
        .width = tile_vectors((c->m + tiles - 1) / tiles) * VL,
    };
    const bool serial = (double)c->windows * (double)c->m * (double)c->groups * (double)(c->k + 1) < SERIAL_WORK;
    if (!serial && threads > 1 && of.blocks * c->groups < 2 * threads)
        of.parts = fnn_min(tiles, threads / common_divisor(threads, of.blocks * c->groups));
    const int tasks = (int)(c->groups * of.parts * of.blocks);
    if (serial || threads == 1) {
        for (int task = 0; task < tasks; task++) run_task(&of, task);
    } else {
        fnn_parallel(tasks, run_task, &of);
    }
}

/* Of the same images: all directly, or each for itself. */
static void run_products(const conv_product *c, int count) {
    int direct = 0;
    while (direct < count && FN(conv_direct_serves)(&c[direct])) direct++;
    if (count > 0 && direct == count)
        FN(conv_direct)(c, count);
    else
        for (int i = 0; i < count; i++) run_product(&c[i]);
}

enum { STRIDE_H, STRIDE_W, PAD_H, PAD_W, DILATION_H, DILATION_W, ALGORITHM, KIND, ALPHA };

static ptrdiff_t whole(const fnn_op *op, int scalar) { return (ptrdiff_t)op->s[scalar]; }

/* x[n,c,h,w], weight[f,k,r,s], b[f], out[n,f,p,q] */
void FN(conv_forward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], ch = op->n[1], h = op->n[2], w = op->n[3], f = op->n[4], k = op->n[5], r = op->n[6],
                    s = op->n[7], p = op->n[8], q = op->n[9], groups = k == 0 ? 1 : fnn_max(1, ch / k);
    conv_product c = {
        .view = {.h = h,
                 .w = w,
                 .channel = h * w,
                 .image = ch * h * w,
                 .rows = p,
                 .cols = q,
                 .step_h = whole(op, STRIDE_H),
                 .step_w = whole(op, STRIDE_W),
                 .r = r,
                 .s = s,
                 .row0 = -whole(op, PAD_H),
                 .col0 = -whole(op, PAD_W),
                 .tap_h = whole(op, DILATION_H),
                 .tap_w = whole(op, DILATION_W)},
        .x = IN(0),
        .groups = groups,
        .x_group = k * h * w,
        .m = f / groups,
        .k = k * r * s,
        .windows = n * p * q,
        .weight = IN(1),
        .w_group = f / groups * k * r * s,
        .a_row = k * r * s,
        .out = OUT(3),
        .out_image = f * p * q,
        .out_plane = p * q,
        .out_w = q,
        .out_step_h = 1,
        .out_step_w = 1,
        .bias = IN(2),
        .kind = (int)op->s[KIND],
        .alpha = (real)op->s[ALPHA],
    };
    run_products(&c, 1);
}

/* --- input gradient --- */

/* The taps a < count with (at - a dilation) divisible by stride: from `first` on in steps of `step`, `taps` of them;
 * the first one's source line is `line`, and `line_step` lines lie from tap to tap. */
typedef struct {
    ptrdiff_t first, step, taps, line, line_step;
} phase_taps;

static phase_taps taps_of_phase(ptrdiff_t at, ptrdiff_t count, ptrdiff_t stride, ptrdiff_t dilation) {
    phase_taps t = {.first = count, .step = 1};
    for (ptrdiff_t a = count - 1; a >= 0; a--) {
        if ((at - a * dilation) % stride != 0) continue;
        if (t.taps++ > 0) t.step = t.first - a;
        t.first = a;
    }
    if (t.taps == 0) return t;
    t.line = (at - t.first * dilation) / stride;
    t.line_step = -(t.step * dilation / stride);
    return t;
}

/* dout[n,f,p,q], weight[f,k,r,s], dx[n,c,h,w], saved[n,c,h,w]? */
void FN(conv_backward_input)(const fnn_op *op) {
    const struct {
        ptrdiff_t n, f, p, q, k, r, s, c, h, w;
    } z = {op->n[0], op->n[1], op->n[2], op->n[3], op->n[4], op->n[5], op->n[6], op->n[7], op->n[8], op->n[9]};
    const ptrdiff_t groups = z.k == 0 ? 1 : fnn_max(1, z.c / z.k), stride_h = whole(op, STRIDE_H),
                    stride_w = whole(op, STRIDE_W);
    conv_product phases[CONV_DIRECT_PRODUCTS];
    int count = 0;
    for (ptrdiff_t y = 0; y < fnn_min(stride_h, z.h); y++) {
        const phase_taps a = taps_of_phase(y + whole(op, PAD_H), z.r, stride_h, whole(op, DILATION_H));
        for (ptrdiff_t x = 0; x < fnn_min(stride_w, z.w); x++) {
            const phase_taps b = taps_of_phase(x + whole(op, PAD_W), z.s, stride_w, whole(op, DILATION_W));
            conv_product *c = &phases[count++];
            *c = (conv_product){
                .view = {.h = z.p,
                         .w = z.q,
                         .channel = z.p * z.q,
                         .image = z.f * z.p * z.q,
                         .rows = (z.h - y + stride_h - 1) / stride_h,
                         .cols = (z.w - x + stride_w - 1) / stride_w,
                         .step_h = 1,
                         .step_w = 1,
                         .r = a.taps,
                         .s = b.taps,
                         .row0 = a.line,
                         .col0 = b.line,
                         .tap_h = a.line_step,
                         .tap_w = b.line_step},
                .x = IN(0),
                .groups = groups,
                .x_group = z.f / groups * z.p * z.q,
                .m = z.k,
                .k = z.f / groups * a.taps * b.taps,
                .weight = IN(1),
                .w_group = z.f / groups * z.k * z.r * z.s,
                .filter = z.k * z.r * z.s,
                .taps = z.r * z.s,
                .s = z.s,
                .a0 = a.first,
                .b0 = b.first,
                .a_step = a.step,
                .b_step = b.step,
                .out = OUT(2),
                .out_image = z.c * z.h * z.w,
                .out_plane = z.h * z.w,
                .out_w = z.w,
                .out_step_h = stride_h,
                .out_step_w = stride_w,
                .out_row0 = y,
                .out_col0 = x,
                .kind = op->p[3] == NULL ? IDENTITY : (int)op->s[KIND],
                .alpha = (real)op->s[ALPHA],
                .at = IN(3),
            };
            c->windows = z.n * c->view.rows * c->view.cols;
            if (count < CONV_DIRECT_PRODUCTS) continue;
            run_products(phases, count);
            count = 0;
        }
    }
    run_products(phases, count);
}
