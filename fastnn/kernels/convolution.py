"""The algorithms of convolutions, and the sizes of the arrays that they need."""

from enum import IntEnum

from fastnn.kernels.limits import (
    BLOCK_IMAGES,
    MOMENT_PIECES,
    WINOGRAD_CHUNK_BLOCKS,
    WINOGRAD_FILTER_BLOCK,
    WINOGRAD_PADDING,
    WINOGRAD_POINTS,
    WINOGRAD_TILE_BLOCKS,
)


class ConvAlgorithm(IntEnum):
    """The argument ``algorithm`` of the convolution kernels: a request, which compiled steps follow where they can."""

    AUTO = 0
    DIRECT = 1
    WINOGRAD = 2


def winograd_shape(filters: int, channels: int, groups: int) -> tuple[int, int, int, int, int]:
    """The shape of the transformed weights of ``groups`` convolutions from ``channels`` to ``filters`` each."""
    return groups, -(-filters // WINOGRAD_FILTER_BLOCK), WINOGRAD_POINTS**2, channels, WINOGRAD_FILTER_BLOCK


def winograd_parts(filters: int, channels: int, groups: int, precision: int) -> int:
    """The size of the workspace of `winograd_forward_nchw16n`: the parts of the weights, two channels in an element."""
    pairs = (filters + WINOGRAD_PADDING) * ((channels + WINOGRAD_PADDING) // 2)
    return groups * WINOGRAD_POINTS**2 * precision * pairs


def winograd_line(length: int, taps: int) -> list[tuple[int, int]]:
    """The tiles of a line of ``length`` outputs, as (first output, points); long tiles come before short ones."""
    outputs = WINOGRAD_POINTS + 1 - taps
    count = -(-length // outputs)
    longs = max(0, length - count * (outputs - 1))
    return [(i * outputs - max(0, i - longs), WINOGRAD_POINTS - (i >= longs)) for i in range(count)]


def winograd_work(filters: int, channels: int) -> int:
    """The size of the workspace for the weight gradient of one group: sums, and the values of a chunk of tiles."""
    chunk = WINOGRAD_CHUNK_BLOCKS * BLOCK_IMAGES
    return WINOGRAD_POINTS**2 * (filters * channels + (filters + channels) * chunk + 2 * BLOCK_IMAGES)


def winograd_long(length: int, taps: int) -> int:
    """The length of a line of ``length`` outputs, rounded up to whole long tiles."""
    outputs = WINOGRAD_POINTS + 1 - taps
    return -(-length // outputs) * outputs


def winograd_tile_groups(images: int, extent: tuple[int, int], taps: int) -> int:
    """The number of groups of 16 long tiles that ``images`` of ``extent`` outputs are cut into."""
    tiles = images * winograd_long(extent[0], taps) * winograd_long(extent[1], taps)
    return -(-tiles // ((WINOGRAD_POINTS + 1 - taps) ** 2 * BLOCK_IMAGES))


def winograd_tile_work(images: int, channels: int, groups: int, extent: tuple[int, int], taps: int) -> int:
    """The size of the workspace of `winograd_forward`, for ``channels`` in ``groups`` and ``extent`` outputs."""
    vectors = winograd_tile_groups(images, extent, taps)
    blocks = -(-vectors // WINOGRAD_TILE_BLOCKS) * groups
    return WINOGRAD_POINTS**2 * BLOCK_IMAGES * (vectors * channels + blocks)


def moments_work(groups: int, channels: int) -> int:
    """The size of the workspace for moments: two sums for each piece and channel, and three for each channel."""
    return (2 * MOMENT_PIECES * groups + 3) * channels
