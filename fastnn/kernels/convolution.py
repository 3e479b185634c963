"""How a convolution may be computed, by number."""

from enum import IntEnum


class ConvAlgorithm(IntEnum):
    """``algorithm`` of the convolution kernels: a wish, which a compiled step heeds where it has the choice."""

    AUTO = 0
    DIRECT = 1
    WINOGRAD = 2
