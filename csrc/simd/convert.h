/* Converts runs of elements of any type to the type of the call and scales them. */
#ifndef FASTNN_SIMD_CONVERT_H
#define FASTNN_SIMD_CONVERT_H

#include "fastnn.h"
#include "simd/simd.h"

/* The compiler vectorises these loops. Each element is converted, then multiplied. */
#define CONVERT(code, type)                                                       \
    case code: {                                                                  \
        const type *from = source;                                                \
        if (scale == 1) {                                                         \
            for (ptrdiff_t j = 0; j < count; j++) out[j] = (real)from[j];         \
        } else {                                                                  \
            for (ptrdiff_t j = 0; j < count; j++) out[j] = (real)from[j] * scale; \
        }                                                                         \
        break;                                                                    \
    }

static inline void convert(int type, const void *restrict source, real *restrict out, ptrdiff_t count, real scale) {
    switch (type) {
        CONVERT(FNN_F32, float)
        CONVERT(FNN_F64, double)
        CONVERT(FNN_U8, uint8_t)
        CONVERT(FNN_I8, int8_t)
        CONVERT(FNN_U16, uint16_t)
        CONVERT(FNN_I16, int16_t)
        CONVERT(FNN_I32, int32_t)
        CONVERT(FNN_I64, int64_t)
    }
}

static inline ptrdiff_t type_bytes(int type) {
    static const uint8_t bytes[] = {[FNN_F32] = 4, [FNN_F64] = 8, [FNN_U8] = 1,  [FNN_I8] = 1,
                                    [FNN_U16] = 2, [FNN_I16] = 2, [FNN_I32] = 4, [FNN_I64] = 8};
    return bytes[type];
}

#endif
