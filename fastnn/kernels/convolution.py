"""How a convolution may be computed, by number."""

from enum import IntEnum

from fastnn.kernels.limits import (
    BLOCK_IMAGES,
    MOMENT_PIECES,
    WINOGRAD_CHUNK_BLOCKS,
    WINOGRAD_FILTER_BLOCK,
    WINOGRAD_POINTS,
    WINOGRAD_TILE_BLOCKS,
)


class ConvAlgorithm(IntEnum):
    """``algorithm`` of the convolution kernels: a wish, which a compiled step heeds where it has the choice."""

    AUTO = 0
    DIRECT = 1
    WINOGRAD = 2


def winograd_shape(filters: int, channels: int, groups: int) -> tuple[int, int, int, int, int]:
    """Shape of the transformed weights of ``groups`` convolutions from ``channels`` to ``filters`` each."""
    return groups, -(-filters // WINOGRAD_FILTER_BLOCK), WINOGRAD_POINTS**2, channels, WINOGRAD_FILTER_BLOCK


def winograd_line(length: int, taps: int) -> list[tuple[int, int]]:
    """(first output, points) of the tiles that a line of ``length`` outputs is cut into: long ones, then short ones."""
    outputs = WINOGRAD_POINTS + 1 - taps
    count = -(-length // outputs)
    longs = max(0, length - count * (outputs - 1))
    return [(i * outputs - max(0, i - longs), WINOGRAD_POINTS - (i >= longs)) for i in range(count)]


def winograd_work(filters: int, channels: int) -> int:
    """Elements that the gradient of the weights of one group needs: sums, and the values of a chunk of tiles."""
    chunk = WINOGRAD_CHUNK_BLOCKS * BLOCK_IMAGES
    return WINOGRAD_POINTS**2 * (filters * channels + (filters + channels) * chunk + 2 * BLOCK_IMAGES)


def winograd_long(length: int, taps: int) -> int:
    """Length of a line of ``length`` outputs filled up to long tiles."""
    outputs = WINOGRAD_POINTS + 1 - taps
    return -(-length // outputs) * outputs


def winograd_tile_groups(images: int, extent: tuple[int, int], taps: int) -> int:
    """Groups of 16 long tiles that ``images`` of ``extent`` outputs are cut into."""
    tiles = images * winograd_long(extent[0], taps) * winograd_long(extent[1], taps)
    return -(-tiles // ((WINOGRAD_POINTS + 1 - taps) ** 2 * BLOCK_IMAGES))


def winograd_tile_work(images: int, channels: int, groups: int, extent: tuple[int, int], taps: int) -> int:
    """Elements of `winograd_forward`'s values: of ``channels`` channels in ``groups``, for ``extent`` outputs."""
    vectors = winograd_tile_groups(images, extent, taps)
    blocks = -(-vectors // WINOGRAD_TILE_BLOCKS) * groups
    return WINOGRAD_POINTS**2 * BLOCK_IMAGES * (vectors * channels + blocks)


def moments_work(groups: int, channels: int) -> int:
    """Elements for two sums of each piece (16 of a group of images at most) and channel, and three of each channel."""
    return (2 * MOMENT_PIECES * groups + 3) * channels
