/* How the outputs of a Winograd convolution are cut into tiles.
 *
 * Each axis is cut into long tiles (6 points, m outputs) followed by short ones (5 points, m - 1 outputs). The four
 * kinds of two-dimensional tile, long or short in rows and in columns, are computed separately, so that tiles computed
 * side by side are alike and the compiler knows their numbers of points and of outputs.
 */
#ifndef FASTNN_WINOGRAD_TILES_H
#define FASTNN_WINOGRAD_TILES_H

#include "winograd/transforms.h"

_Static_assert(WINOGRAD_POINTS == 6, "the constants of the switches below");

typedef struct {
    ptrdiff_t length;  /* outputs along the axis */
    ptrdiff_t outputs; /* m: those of a long tile */
    ptrdiff_t long_tiles, tiles;
} winograd_axis;

FNN_INLINE winograd_axis winograd_split_axis(ptrdiff_t length, ptrdiff_t taps) {
    const ptrdiff_t m = WINOGRAD_POINTS + 1 - taps, tiles = (length + m - 1) / m;
    return (winograd_axis){length, m, fnn_max(0, length - tiles * (m - 1)), tiles};
}

/* The first output of a tile. */
FNN_INLINE ptrdiff_t winograd_tile_begin(const winograd_axis *axis, ptrdiff_t tile) {
    return tile * axis->outputs - fnn_max(0, tile - axis->long_tiles);
}

/* The kinds, rows × columns: 0 long × long, 1 long × short, 2 short × long, 3 short × short. */
enum { WINOGRAD_TILE_KINDS = 4 };

FNN_INLINE bool winograd_long_rows(int kind) { return kind < 2; }
FNN_INLINE bool winograd_long_cols(int kind) { return kind % 2 == 0; }

FNN_INLINE ptrdiff_t winograd_axis_tiles(const winograd_axis *axis, bool long_tiles) {
    return long_tiles ? axis->long_tiles : axis->tiles - axis->long_tiles;
}

/* Tiles of a kind in one image. */
FNN_INLINE ptrdiff_t winograd_tiles_of_kind(const winograd_axis *rows, const winograd_axis *cols, int kind) {
    return winograd_axis_tiles(rows, winograd_long_rows(kind)) * winograd_axis_tiles(cols, winograd_long_cols(kind));
}

typedef struct {
    ptrdiff_t image_block, row, col; /* block of 16 images; first row and column of outputs */
} winograd_tile_origin;

/* Where tile number `tile` of a kind lies, counted through all blocks of images. */
FNN_INLINE winograd_tile_origin winograd_locate_tile(const winograd_axis *rows, const winograd_axis *cols, int kind,
                                                     ptrdiff_t tile) {
    const bool long_rows = winograd_long_rows(kind), long_cols = winograd_long_cols(kind);
    const ptrdiff_t across = winograd_axis_tiles(cols, long_cols), down = winograd_axis_tiles(rows, long_rows);
    return (winograd_tile_origin){tile / across / down,
                                  winograd_tile_begin(rows, tile / across % down + (long_rows ? 0 : rows->long_tiles)),
                                  winograd_tile_begin(cols, tile % across + (long_cols ? 0 : cols->long_tiles))};
}

/* Makes the numbers of points and outputs constants: CALL(points_h, points_w, m_h, m_w) for tiles of a kind, where a
 * long tile has `outputs` outputs along an axis: 4 for 3 × 3 filters, 2 for 5 × 5 ones. */
#define WINOGRAD_TILE_SWITCH(outputs, kind, CALL)                  \
    switch ((kind) + ((outputs) == 4 ? 0 : WINOGRAD_TILE_KINDS)) { \
        case 0: CALL(6, 6, 4, 4); break;                           \
        case 1: CALL(6, 5, 4, 3); break;                           \
        case 2: CALL(5, 6, 3, 4); break;                           \
        case 3: CALL(5, 5, 3, 3); break;                           \
        case 4: CALL(6, 6, 2, 2); break;                           \
        case 5: CALL(6, 5, 2, 1); break;                           \
        case 6: CALL(5, 6, 1, 2); break;                           \
        case 7: CALL(5, 5, 1, 1); break;                           \
    }

/* The same for a row of tiles, which are long and short in their columns: CALL(points_h, m_h, m), where a long tile has
 * m outputs. */
#define WINOGRAD_TILE_ROW_SWITCH(outputs, is_long, CALL)      \
    switch (((is_long) ? 0 : 1) + ((outputs) == 4 ? 0 : 2)) { \
        case 0: CALL(6, 4, 4); break;                         \
        case 1: CALL(5, 3, 4); break;                         \
        case 2: CALL(6, 2, 2); break;                         \
        case 3: CALL(5, 1, 2); break;                         \
    }

#endif
