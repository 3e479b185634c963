"""The kernel table: the signature of every kernel, and the backend that runs it.

A kernel works on C-contiguous arrays, writes into outputs that its caller made, checks nothing and allocates nothing.
The backend ``reference`` (plain NumPy) has every kernel and defines what it computes; ``numba`` and ``native`` have
faster ones. A kernel is looked up in native, then numba, then reference.
"""

from fastnn.kernels.activations import Activation
from fastnn.kernels.backend import (
    available_backends,
    backend_of,
    current_backend,
    get,
    use_backend,
)
from fastnn.kernels.convolution import ConvAlgorithm
from fastnn.kernels.elementwise_losses import ElementwiseLoss
from fastnn.kernels.precisions import Precision
from fastnn.kernels.signature import Argument, Signature, parse
from fastnn.kernels.table import SIGNATURES
from fastnn.kernels.updates import UpdateRule

__all__ = [
    "SIGNATURES",
    "Activation",
    "Argument",
    "ConvAlgorithm",
    "ElementwiseLoss",
    "Precision",
    "Signature",
    "UpdateRule",
    "available_backends",
    "backend_of",
    "current_backend",
    "get",
    "parse",
    "use_backend",
]
