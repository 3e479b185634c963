"""The kernels that are plain loops, compiled by Numba; the reference says what they mean.

NumPy keeps what it does faster than such a loop: products of matrices, and exp and tanh of whole arrays.
"""

from fastnn.kernels.numba.activation import (
    activation_backward,
    activation_forward,
    affine_activation_forward,
)
from fastnn.kernels.numba.gather import gather_labels, gather_rows
from fastnn.kernels.numba.loss import soft_cross_entropy, softmax_cross_entropy, squared_error
from fastnn.kernels.numba.softmax import (
    log_softmax_backward,
    log_softmax_forward,
    softmax_backward,
    softmax_forward,
)
from fastnn.kernels.numba.update import (
    adagrad_update,
    adam_update,
    adamw_update,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)

__all__ = [
    "activation_backward",
    "activation_forward",
    "adagrad_update",
    "adam_update",
    "adamw_update",
    "affine_activation_forward",
    "gather_labels",
    "gather_rows",
    "log_softmax_backward",
    "log_softmax_forward",
    "momentum_update",
    "nesterov_update",
    "rmsprop_update",
    "sgd_update",
    "soft_cross_entropy",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_forward",
    "squared_error",
]
