/* The statistics of a batch in the layout NCHW16n, by themselves: a task takes the moments of one slice of the images,
 * and the calling thread combines them. */
#include "nchw16n/batch_moments.h"

void FN(nchw16n_combine_moments)(const nchw16n_statistics *s, const nchw16n_partition *partition, const real *x,
                                 ptrdiff_t channels, ptrdiff_t cols) {
    const double all = (double)fnn_max(1, s->images * partition->rows * cols);
    for (ptrdiff_t c = 0; c < channels; c++) {
        double mean = 0, m2 = 0;
        /* first the mean, then the squares about it */
        for (int about_mean = 0; about_mean < 2; about_mean++) {
            for (int task = 0; task < nchw16n_task_count(partition); task++) {
                const ptrdiff_t block = nchw16n_task_block(partition, task);
                const ptrdiff_t images = fnn_max(0, fnn_min(IMAGE_BLOCK, s->images - block * IMAGE_BLOCK));
                const ptrdiff_t rows = nchw16n_row_end(partition, task) - nchw16n_row_begin(partition, task);
                const double count = (double)(images * rows * cols);
                const nchw16n_moments *m = &s->slices[task * channels + c];
                if (about_mean == 0)
                    mean += count / all * m->mean;
                else
                    m2 += m->m2 + count * (m->mean - mean) * (m->mean - mean);
            }
        }
        double var = m2 < 0 ? 0 : m2 / all; /* NaN is not below 0 */
        if (norm_moments_fail(m2, s->eps, mean, var)) {
            const norm_values values = nchw16n_channel_values(x, c, channels, partition->rows * cols, s->images);
            FN(norm_rescaled_moments)(&values, &mean, &var);
        }
        nchw16n_store_statistics(s, c, (real)mean, (real)var, all);
    }
}

typedef struct {
    const real *x;
    ptrdiff_t channels, cols;
    const nchw16n_statistics *statistics;
    nchw16n_partition partition;
} problem;

static void run_task(void *context, int task) {
    const problem *p = context;
    nchw16n_slice_moments(p->statistics, &p->partition, task, p->x, p->channels, p->cols);
}

/* x[g,c,h,w,16], running_mean, running_var, mean, var, work; images, momentum */
void FN(batch_norm_statistics_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n;
    const nchw16n_statistics s = {op->p[5], OUT(3), OUT(4), OUT(1), OUT(2), (ptrdiff_t)op->s[0], op->s[1], 1};
    problem p = {IN(0), n[1], n[3], &s, nchw16n_partition_rows(n[0], n[2])};
    nchw16n_parallel(nchw16n_task_count(&p.partition), run_task, &p,
                     4.0 * (double)(n[0] * n[1] * n[2] * n[3] * IMAGE_BLOCK));
    FN(nchw16n_combine_moments)(&s, &p.partition, p.x, p.channels, p.cols);
}
