/* One axis of a convolution: which taps of the filter each output position reads, and where.
 *
 * Positions are cut into parts whose members have the same taps inside the input; nothing is read outside it. The same
 * for both directions: forward an output o reads input o stride - pad + t dilation for tap t; backward an input u
 * reads output (u + pad - t dilation) / stride for those taps t where that is a whole number.
 */
#ifndef FASTNN_NCHW16N_CONV_AXIS_H
#define FASTNN_NCHW16N_CONV_AXIS_H

#include "simd/simd.h"

typedef struct {
    ptrdiff_t size; /* positions that may be read */
    ptrdiff_t taps; /* of the filter */
    ptrdiff_t stride, pad, dilation;
    bool backward;
} axis;

/* Axis `which` of a kernel whose scalars begin with stride, pad and dilation, each of the rows and of the columns. */
enum { AXIS_ROWS, AXIS_COLS };

FNN_INLINE axis axis_of(const double *s, int which, ptrdiff_t size, ptrdiff_t taps, bool backward) {
    return (axis){size, taps, (ptrdiff_t)s[which], (ptrdiff_t)s[2 + which], (ptrdiff_t)s[4 + which], backward};
}

/* Positions first, first + step, … (count of them) read `taps` taps each: tap, tap + tap_step, … */
typedef struct {
    ptrdiff_t first, count, step;
    ptrdiff_t tap, taps, tap_step;
    ptrdiff_t from;      /* what the first position's first tap reads */
    ptrdiff_t from_step; /* from position to position */
    ptrdiff_t from_tap;  /* from tap to tap; may be negative */
} axis_part;

/* As many positions as axis_parts takes at once, and so the most parts it gives. */
enum { AXIS_BLOCK = 1024 };

FNN_INLINE ptrdiff_t axis_gcd(ptrdiff_t a, ptrdiff_t b) {
    while (b != 0) {
        const ptrdiff_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* How a tap moves what is read; the same for all positions. */
typedef struct {
    ptrdiff_t tap_step, from_tap;
} axis_steps;

FNN_INLINE axis_steps axis_steps_of(const axis *a) {
    if (!a->backward) return (axis_steps){1, a->dilation};
    const ptrdiff_t common = axis_gcd(a->stride, a->dilation);
    return (axis_steps){a->stride / common, -(a->dilation / common)};
}

/* The taps of position o: sets tap, taps and from of `part`. */
FNN_INLINE void axis_taps(const axis *a, const axis_steps *steps, ptrdiff_t o, axis_part *part) {
    ptrdiff_t tap = 0, from, end; /* taps tap, tap + tap_step, … below end */
    if (!a->backward) {
        from = o * a->stride - a->pad;
        end = a->taps;
        if (from < 0) {
            tap = (-from + a->dilation - 1) / a->dilation;
            from += tap * a->dilation;
        }
        if (from >= a->size)
            end = tap;
        else if (from + (end - 1 - tap) * a->dilation >= a->size)
            end = tap + (a->size - 1 - from) / a->dilation + 1;
        part->taps = fnn_max(0, end - tap);
    } else {
        const ptrdiff_t u = o + a->pad;
        while (tap < steps->tap_step && (u - tap * a->dilation) % a->stride != 0) tap++;
        const bool none = tap == steps->tap_step;
        from = (u - tap * a->dilation) / a->stride;
        ptrdiff_t count = tap < a->taps && !none ? (a->taps - tap - 1) / steps->tap_step + 1 : 0;
        if (count > 0 && from >= a->size) { /* the first taps look behind the end */
            const ptrdiff_t skip = (from - a->size) / -steps->from_tap + 1;
            tap += skip * steps->tap_step;
            from += skip * steps->from_tap;
            count -= skip;
        }
        if (from < 0)
            count = 0;
        else
            count = fnn_min(count, from / -steps->from_tap + 1);
        part->taps = fnn_max(0, count);
    }
    part->tap = part->taps > 0 ? tap : 0;
    part->from = part->taps > 0 ? from : 0;
}

/* Cuts positions begin … end-1 (at most AXIS_BLOCK) into parts; returns their number. */
static inline int axis_parts(const axis *a, ptrdiff_t begin, ptrdiff_t end, axis_part *parts) {
    const axis_steps steps = axis_steps_of(a);
    const ptrdiff_t step = a->backward ? a->stride : 1;
    int count = 0;
    for (ptrdiff_t phase = 0; phase < step && begin + phase < end; phase++) {
        int last = -1; /* a part may go on within its phase */
        for (ptrdiff_t o = begin + phase; o < end; o += step) {
            axis_part part = {.first = o, .count = 1, .step = step};
            axis_taps(a, &steps, o, &part);
            if (last >= 0 && parts[last].tap == part.tap && parts[last].taps == part.taps) {
                parts[last].count++;
                continue;
            }
            part.tap_step = steps.tap_step;
            part.from_tap = steps.from_tap;
            part.from_step = a->backward ? 1 : a->stride;
            last = count;
            parts[count++] = part;
        }
    }
    return count;
}

#endif
