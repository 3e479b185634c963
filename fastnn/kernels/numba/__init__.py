"""The kernels that are plain loops and faster as such, compiled by Numba. The reference defines what they compute.

NumPy does what it does faster than a loop: products of matrices, and exp and tanh of whole arrays.
"""

from collections.abc import Callable, Mapping

from fastnn.kernels.numba import (
    activation,
    augmentation,
    clip,
    convolution,
    elementwise_loss,
    embedding,
    gather,
    learned_activation,
    loss,
    norm,
    pool,
    random_words,
    softmax,
    sum,
    update_rules,
)
from fastnn.kernels.table import kernels_in

KERNELS: Mapping[str, Callable[..., None]] = kernels_in(
    (
        *(activation, augmentation, clip, convolution, elementwise_loss, embedding, gather, learned_activation, loss),
        *(norm, pool, random_words, softmax, sum, update_rules),
    )
)


def __getattr__(name: str) -> Callable[..., None]:
    """The kernel `name`."""
    try:
        return KERNELS[name]
    except KeyError:
        raise AttributeError(f"numba has no kernel called {name!r}") from None
