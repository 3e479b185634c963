"""Neural-network functions of NumPy arrays, in pairs.

``f_forward(x, ...) -> (out, cache)`` computes the function. ``f_backward(dout, cache) -> gradients`` turns the gradient
of a loss with respect to the output into the gradients with respect to the inputs.

The functions take float32 or float64 and return the same dtype; mixed dtypes, integers, complex numbers and objects
raise ``TypeError``. Any memory layout will do, and C-contiguous arrays are used without a copy. Arguments are checked
before any work is done, and inputs are never written. A cache refers to inputs or to ``out`` instead of copies, so do
not change them before the backward pass. NaN and infinity pass through as in IEEE arithmetic. `fastnn.use_backend`
chooses the kernels that run.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from fastnn.functional.activation import PAIRS
from fastnn.functional.affine import affine_backward, affine_forward
from fastnn.functional.batch_norm import batch_norm_backward, batch_norm_forward
from fastnn.functional.convolution import col2im, conv_backward, conv_forward, im2col
from fastnn.functional.dropout import dropout_backward, dropout_forward
from fastnn.functional.group_norm import (
    group_norm_backward,
    group_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
)
from fastnn.functional.losses import hinge_loss, mse_loss, softmax_loss
from fastnn.functional.masks import (
    derivative_mask,
    mask_response_backward,
    mask_response_forward,
    prewitt_mask,
    true_convolution,
)
from fastnn.functional.pool import avg_pool_backward, avg_pool_forward, max_pool_backward, max_pool_forward
from fastnn.functional.prelu import prelu_backward, prelu_forward
from fastnn.functional.response_norm import local_response_norm_backward, local_response_norm_forward
from fastnn.functional.softmax import (
    log_softmax,
    log_softmax_backward,
    log_softmax_forward,
    softmax_backward,
    softmax_forward,
    softmin_backward,
    softmin_forward,
)
from fastnn.keywords import no_attribute

__all__ = [
    "affine_backward",
    "affine_forward",
    "avg_pool_backward",
    "avg_pool_forward",
    "batch_norm_backward",
    "batch_norm_forward",
    "col2im",
    "conv_backward",
    "conv_forward",
    "derivative_mask",
    "dropout_backward",
    "dropout_forward",
    "group_norm_backward",
    "group_norm_forward",
    "hinge_loss",
    "im2col",
    "layer_norm_backward",
    "layer_norm_forward",
    "local_response_norm_backward",
    "local_response_norm_forward",
    "log_softmax",
    "log_softmax_backward",
    "log_softmax_forward",
    "mask_response_backward",
    "mask_response_forward",
    "max_pool_backward",
    "max_pool_forward",
    "mse_loss",
    "prelu_backward",
    "prelu_forward",
    "prewitt_mask",
    "softmax_backward",
    "softmax_forward",
    "softmax_loss",
    "softmin_backward",
    "softmin_forward",
    "true_convolution",
]
__all__ += sorted(PAIRS)  # relu_forward, relu_backward and so on for every activation
globals().update(PAIRS)
# Modules are called here as functions are elsewhere: F.softmax(x) shall be answered as F.relu(x) is, and not say that a
# module cannot be called. They can be imported all the same.
for _name in [name for name, value in globals().items() if isinstance(value, ModuleType)]:
    del globals()[_name]


def __getattr__(name: str) -> Callable[..., Any]:
    """Tell type checkers that the functions of `PAIRS` exist; it is only called for names that do not."""
    raise AttributeError(no_attribute(__name__, name, __all__))
