/* One axis of a convolution: which taps of the filter each position along it reads, and where.
 *
 * The positions are cut into segments that read the same taps inside the image, so that nothing outside is read and no
 * tap has to be tested. It works in both directions: forward, output o reads input o stride - pad + t dilation for each
 * tap t; backward, input u reads output (u + pad - t dilation) / stride for those taps t for which that is a whole
 * number.
 */
#ifndef FASTNN_NCHW16N_CONV_AXIS_H
#define FASTNN_NCHW16N_CONV_AXIS_H

#include "simd/simd.h"

typedef struct {
    ptrdiff_t size; /* the length of the image that is read */
    ptrdiff_t taps; /* the length of the filter */
    ptrdiff_t stride, pad, dilation;
    bool backward;
} conv_axis;

/* Which axis: the scalars of a kernel begin with stride, pad and dilation, each of the rows and then of the columns. */
enum { AXIS_ROWS, AXIS_COLS };

FNN_INLINE conv_axis conv_axis_of(const double *scalars, int which, ptrdiff_t size, ptrdiff_t taps, bool backward) {
    return (conv_axis){
        size, taps, (ptrdiff_t)scalars[which], (ptrdiff_t)scalars[2 + which], (ptrdiff_t)scalars[4 + which], backward};
}

/* Positions first, first + step, … (`count` of them) that read `taps` taps each: tap, tap + tap_step, … */
typedef struct {
    ptrdiff_t first, count, step;
    ptrdiff_t tap, taps, tap_step;
    ptrdiff_t source;          /* what the first position's first tap reads */
    ptrdiff_t source_step;     /* what the next position reads lies so much further on */
    ptrdiff_t source_tap_step; /* what the next tap reads; may be negative */
} axis_segment;

/* The most positions that are cut at once, and so the most segments that come of it. */
enum { AXIS_MAX_POSITIONS = 1024 };

FNN_INLINE ptrdiff_t axis_gcd(ptrdiff_t a, ptrdiff_t b) {
    while (b != 0) {
        const ptrdiff_t remainder = a % b;
        a = b;
        b = remainder;
    }
    return a;
}

/* The steps of a segment's taps, which are the same for all positions. */
typedef struct {
    ptrdiff_t tap_step, source_tap_step;
} axis_tap_steps;

FNN_INLINE axis_tap_steps axis_tap_steps_of(const conv_axis *axis) {
    if (!axis->backward) return (axis_tap_steps){1, axis->dilation};
    const ptrdiff_t common = axis_gcd(axis->stride, axis->dilation);
    return (axis_tap_steps){axis->stride / common, -(axis->dilation / common)};
}

/* Sets tap, taps and source of `segment` to what position o reads inside the image. */
FNN_INLINE void axis_find_taps(const conv_axis *axis, const axis_tap_steps *steps, ptrdiff_t o, axis_segment *segment) {
    ptrdiff_t tap = 0, source, end; /* taps tap, tap + tap_step, … below end */
    if (!axis->backward) {
        source = o * axis->stride - axis->pad;
        end = axis->taps;
        if (source < 0) {
            tap = (-source + axis->dilation - 1) / axis->dilation;
            source += tap * axis->dilation;
        }
        if (source >= axis->size)
            end = tap;
        else if (source + (end - 1 - tap) * axis->dilation >= axis->size)
            end = tap + (axis->size - 1 - source) / axis->dilation + 1;
        segment->taps = fnn_max(0, end - tap);
    } else {
        const ptrdiff_t u = o + axis->pad;
        while (tap < steps->tap_step && (u - tap * axis->dilation) % axis->stride != 0) tap++;
        const bool none = tap == steps->tap_step;
        source = (u - tap * axis->dilation) / axis->stride;
        ptrdiff_t count = tap < axis->taps && !none ? (axis->taps - tap - 1) / steps->tap_step + 1 : 0;
        if (count > 0 && source >= axis->size) { /* the first taps read beyond the end */
            const ptrdiff_t skip = (source - axis->size) / -steps->source_tap_step + 1;
            tap += skip * steps->tap_step;
            source += skip * steps->source_tap_step;
            count -= skip;
        }
        if (source < 0)
            count = 0;
        else
            count = fnn_min(count, source / -steps->source_tap_step + 1);
        segment->taps = fnn_max(0, count);
    }
    segment->tap = segment->taps > 0 ? tap : 0;
    segment->source = segment->taps > 0 ? source : 0;
}

/* Cuts positions begin … end-1 (at most AXIS_MAX_POSITIONS) into segments and returns their number. */
static inline int axis_cut(const conv_axis *axis, ptrdiff_t begin, ptrdiff_t end, axis_segment *segments) {
    const axis_tap_steps steps = axis_tap_steps_of(axis);
    const ptrdiff_t step = axis->backward ? axis->stride : 1;
    int count = 0;
    for (ptrdiff_t phase = 0; phase < step && begin + phase < end; phase++) {
        int last = -1; /* the segment of this phase that may still grow */
        for (ptrdiff_t o = begin + phase; o < end; o += step) {
            axis_segment segment = {.first = o, .count = 1, .step = step};
            axis_find_taps(axis, &steps, o, &segment);
            if (last >= 0 && segments[last].tap == segment.tap && segments[last].taps == segment.taps) {
                segments[last].count++;
                continue;
            }
            segment.tap_step = steps.tap_step;
            segment.source_tap_step = steps.source_tap_step;
            segment.source_step = axis->backward ? 1 : axis->stride;
            last = count;
            segments[count++] = segment;
        }
    }
    return count;
}

#endif
