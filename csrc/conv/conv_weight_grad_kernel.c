/* The kernel of convolution's weight gradient: the algorithm that it takes, and the bias gradient. */
#include "conv/conv_weight_grad.h"

static void bias_task(void *context, int filter) {
    const conv_weight_grad *c = context;
    const ptrdiff_t plane = c->view.rows * c->view.cols, images = plane == 0 ? 0 : c->pixels / plane;
    vreal acc[4] = {vset(0), vset(0), vset(0), vset(0)};
    for (ptrdiff_t image = 0; image < images; image++) {
        const real *p = c->dout + (image * c->all_filters + filter) * plane;
        ptrdiff_t v = 0;
        for (; v + 4 * VL <= plane; v += 4 * VL)
            for (int t = 0; t < 4; t++) acc[t] += vload(p + v + t * VL);
        for (; v < plane; v += VL) acc[0] += vload_part(p + v, fnn_min(VL, plane - v));
    }
    const vreal lanes = (acc[0] + acc[1]) + (acc[2] + acc[3]);
    real sum = 0;
    for (ptrdiff_t lane = 0; lane < VL; lane++) sum += lanes[lane];
    c->db[filter] = c->accumulate ? sum + c->db[filter] : sum;
}

enum { ALGORITHM = 6, BETA }; /* behind the six scalars of the view */

/* x[n,c,h,w], dout[n,f,p,q], dw[f,k,r,s], db[f] */
void FN(conv_backward_weight)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], ch = op->n[1], h = op->n[2], w = op->n[3], f = op->n[4], p = op->n[5], q = op->n[6],
                    k = op->n[7], r = op->n[8], s = op->n[9], groups = k == 0 ? 1 : fnn_max(1, ch / k);
    const conv_weight_grad c = {
        .view = im2col_view_of(op->s, ch, h, w, r, s, p, q),
        .x = IN(0),
        .dout = IN(1),
        .pixels = n * p * q,
        .groups = groups,
        .x_group_stride = k * h * w,
        .f = f / groups,
        .k = k * r * s,
        .all_filters = f,
        .dw = OUT(2),
        .db = OUT(3),
        .accumulate = op->s[BETA] != 0,
    };
    if (c.f == 0) return;
    if (c.k > 0 && FN(conv_direct_weight_grad_serves)(&c)) {
        FN(conv_direct_weight_grad)(&c);
        return;
    }
    if (c.k > 0) FN(conv_implicit_gemm_weight_grad)(&c);
    if (c.db != NULL) fnn_parallel((int)f, bias_task, (void *)&c);
}
