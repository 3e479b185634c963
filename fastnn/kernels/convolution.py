"""How a convolution may be computed, by number."""

from enum import IntEnum

WINOGRAD_POINTS = 6  # inputs of a tile, as csrc/winograd/transforms.h has them
WINOGRAD_BLOCK = 24  # filters of a block of transformed weights
MOST_WINDOW_CELLS = 1024  # of a window that a convolution takes the largest of, as csrc/nchw16n/direct_conv.h has it
_TILE_GROUPS = 4  # of 16 tiles that go through the products together (csrc/winograd/forward_small_n.c)
_CHUNK = 8 * 16  # images of the tiles whose values the weights' gradient holds (csrc/winograd/weight_grad.c)


class ConvAlgorithm(IntEnum):
    """``algorithm`` of the convolution kernels: a wish, which a compiled step heeds where it has the choice."""

    AUTO = 0
    DIRECT = 1
    WINOGRAD = 2


def winograd_shape(filters: int, channels: int, groups: int) -> tuple[int, int, int, int, int]:
    """Shape of the transformed weights of ``groups`` convolutions from ``channels`` to ``filters`` each."""
    return groups, -(-filters // WINOGRAD_BLOCK), WINOGRAD_POINTS**2, channels, WINOGRAD_BLOCK


def winograd_line(length: int, taps: int) -> list[tuple[int, int]]:
    """(first output, points) of the tiles that a line of ``length`` outputs is cut into: long ones, then short ones."""
    outputs = WINOGRAD_POINTS + 1 - taps
    count = -(-length // outputs)
    longs = max(0, length - count * (outputs - 1))
    return [(i * outputs - max(0, i - longs), WINOGRAD_POINTS - (i >= longs)) for i in range(count)]


def winograd_work(filters: int, channels: int) -> int:
    """Elements that the gradient of the weights of one group needs: sums, and the values of a chunk of tiles."""
    return WINOGRAD_POINTS**2 * (filters * channels + (filters + channels) * _CHUNK + 2 * 16)


def winograd_long(length: int, taps: int) -> int:
    """Length of a line of ``length`` outputs filled up to long tiles."""
    outputs = WINOGRAD_POINTS + 1 - taps
    return -(-length // outputs) * outputs


def winograd_tile_groups(images: int, extent: tuple[int, int], taps: int) -> int:
    """Groups of 16 long tiles that ``images`` of ``extent`` outputs are cut into."""
    tiles = images * winograd_long(extent[0], taps) * winograd_long(extent[1], taps)
    return -(-tiles // ((WINOGRAD_POINTS + 1 - taps) ** 2 * 16))


def winograd_tile_work(images: int, channels: int, groups: int, extent: tuple[int, int], taps: int) -> int:
    """Elements of `winograd_forward`'s values: of ``channels`` channels in ``groups``, for ``extent`` outputs."""
    vectors = winograd_tile_groups(images, extent, taps)
    return WINOGRAD_POINTS**2 * 16 * (vectors * channels + -(-vectors // _TILE_GROUPS) * groups)


def moments_work(groups: int, channels: int) -> int:
    """Elements for two sums of each piece (16 of a group of images at most) and channel, and three of each channel."""
    return (2 * 16 * groups + 3) * channels
