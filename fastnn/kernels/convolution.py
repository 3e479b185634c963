"""How a convolution may be computed, by number."""

from enum import IntEnum

WINOGRAD_POINTS = 6  # inputs of a tile, as csrc/winograd.h has them
WINOGRAD_BLOCK = 24  # filters of a block of transformed weights


class ConvAlgorithm(IntEnum):
    """``algorithm`` of the convolution kernels: a wish, which a compiled step heeds where it has the choice."""

    AUTO = 0
    DIRECT = 1
    WINOGRAD = 2


def winograd_shape(filters: int, channels: int, groups: int) -> tuple[int, int, int, int, int]:
    """Shape of the transformed weights of ``groups`` convolutions from ``channels`` to ``filters`` each."""
    return groups, -(-filters // WINOGRAD_BLOCK), WINOGRAD_POINTS**2, channels, WINOGRAD_BLOCK
