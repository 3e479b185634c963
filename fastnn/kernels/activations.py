"""The elementwise activations that the activation kernels know, by number."""

from enum import IntEnum


class Activation(IntEnum):
    """``kind`` of the activation kernels; ``csrc/elementwise/activation.h`` has the same numbers."""

    IDENTITY = 0
    RELU = 1
    LEAKY_RELU = 2  # alpha: slope below zero, >= 0
    ELU = 3  # alpha: scale below zero, > 0
    SIGMOID = 4
    TANH = 5
    TANHSHRINK = 6  # x - tanh(x)
    SOFTSHRINK = 7  # alpha: threshold, >= 0

    @property
    def backward_needs_input(self) -> bool:
        """Whether the derivative cannot be had from the output alone."""
        return self is Activation.TANHSHRINK
