"""Every kernel in plain NumPy: the specification, a second implementation for the tests, and the last fallback.

Outputs are written in place, and nothing is checked. Floating-point warnings are silent, as in the compiled kernels.
"""

from collections.abc import Callable, Mapping

from fastnn.kernels.reference import (
    activation,
    affine,
    augmentation,
    clip,
    convolution,
    dropout_mask,
    elementwise_loss,
    embedding,
    gather,
    learned_activation,
    loss,
    moving_average,
    nchw16n,
    norm,
    orthogonal_update,
    panels,
    permutation,
    pool,
    softmax,
    sum,
    update_rules,
    winograd,
)
from fastnn.kernels.table import kernels_in

KERNELS: Mapping[str, Callable[..., None]] = kernels_in(
    (
        *(
            activation,
            affine,
            augmentation,
            clip,
            convolution,
            dropout_mask,
            elementwise_loss,
            embedding,
            gather,
            loss,
            moving_average,
            norm,
            orthogonal_update,
            panels,
            permutation,
            pool,
            learned_activation,
        ),
        *(softmax, sum, update_rules, winograd, nchw16n),
    )
)


def __getattr__(name: str) -> Callable[..., None]:
    """The kernel `name`."""
    try:
        return KERNELS[name]
    except KeyError:
        raise AttributeError(f"the reference has no kernel called {name!r}") from None
