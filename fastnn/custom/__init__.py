"""Operations of one's own, compiled by Numba and run inside the compiled step.

An activation, a loss, an update rule or a layer that learns numbers is a Python function of single numbers. Numba
compiles it at its first use, for float32 and float64, and the C code calls it wherever it calls its own: behind a dense
layer or a convolution, on any thread, without Python's lock. `fastnn.layers.Layer` says how to write a whole layer: one
that calls the kernels of the table is compiled too.
"""

from fastnn.custom.activation import activation
from fastnn.custom.elementwise_layer import elementwise_layer
from fastnn.custom.loss import loss
from fastnn.custom.row_loss import row_loss
from fastnn.custom.update_rule import update_rule

__all__ = ["activation", "elementwise_layer", "loss", "row_loss", "update_rule"]
