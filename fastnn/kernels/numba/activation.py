"""Elementwise activations and their derivatives, one loop for each.

The reference has the others, which are copies or need tanh or expm1, which NumPy computes faster.
"""

import math
from collections.abc import Callable

import numpy as np

from fastnn.kernels import custom, reference
from fastnn.kernels.activations import Activation
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array


@jit
def _relu(x: Array, out: Array, alpha: np.floating) -> None:
    for i in range(x.size):
        out[i] = 0 if x[i] <= 0 else x[i]


@jit
def _leaky_relu(x: Array, out: Array, alpha: np.floating) -> None:
    for i in range(x.size):
        out[i] = x[i] if x[i] > 0 else alpha * x[i]


@jit
def _sigmoid(x: Array, out: Array, alpha: np.floating) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        e = math.exp(-abs(x[i]))
        out[i] = (e if x[i] < 0 else one) / (one + e)


@jit
def _softshrink(x: Array, out: Array, alpha: np.floating) -> None:
    for i in range(x.size):
        v = x[i]
        if v > alpha:
            out[i] = v - alpha
        elif v < -alpha:
            out[i] = v + alpha
        else:
            out[i] = v - v  # a NaN stays a NaN


# derivatives, as functions of the output


@jit
def _relu_gradient(dout: Array, out: Array, dx: Array, alpha: np.floating) -> None:
    for i in range(out.size):
        dx[i] = 0 if out[i] <= 0 else dout[i]


@jit
def _leaky_relu_gradient(dout: Array, out: Array, dx: Array, alpha: np.floating) -> None:
    for i in range(out.size):
        dx[i] = alpha * dout[i] if out[i] <= 0 else dout[i]


@jit
def _elu_gradient(dout: Array, out: Array, dx: Array, alpha: np.floating) -> None:
    for i in range(out.size):
        dx[i] = dout[i] if out[i] > 0 else dout[i] * (out[i] + alpha)


@jit
def _sigmoid_gradient(dout: Array, out: Array, dx: Array, alpha: np.floating) -> None:
    one = out.dtype.type(1)
    for i in range(out.size):
        dx[i] = dout[i] * (out[i] * (one - out[i]))


@jit
def _tanh_gradient(dout: Array, out: Array, dx: Array, alpha: np.floating) -> None:
    one = out.dtype.type(1)
    for i in range(out.size):
        dx[i] = dout[i] * ((one - out[i]) * (one + out[i]))


@jit
def _softshrink_gradient(dout: Array, out: Array, dx: Array, alpha: np.floating) -> None:
    for i in range(out.size):
        dx[i] = 0 if out[i] == 0 else dout[i]


_FORWARD: dict[int, Callable[[Array, Array, "np.floating"], None]] = {
    Activation.RELU: _relu,
    Activation.LEAKY_RELU: _leaky_relu,
    Activation.SIGMOID: _sigmoid,
    Activation.SOFTSHRINK: _softshrink,
}
_BACKWARD: dict[int, Callable[[Array, Array, Array, "np.floating"], None]] = {
    Activation.RELU: _relu_gradient,
    Activation.LEAKY_RELU: _leaky_relu_gradient,
    Activation.ELU: _elu_gradient,
    Activation.SIGMOID: _sigmoid_gradient,
    Activation.TANH: _tanh_gradient,
    Activation.SOFTSHRINK: _softshrink_gradient,
}


def activation_forward(x: Array, out: Array, kind: int, alpha: float) -> None:
    """``out = f(x)``."""
    if kind >= CUSTOM:
        custom.of_number(int(kind)).call(custom.FORWARD, x.size, x, out)
        return
    loop = _FORWARD.get(kind)
    if loop is None:
        reference.activation_forward(x, out, kind, alpha)
    else:
        loop(x.reshape(-1), out.reshape(-1), x.dtype.type(alpha))


def activation_backward(dout: Array, saved: Array, dx: Array, kind: int, alpha: float) -> None:
    """``dx = dout f'``."""
    if kind >= CUSTOM:
        custom.of_number(int(kind)).call(custom.BACKWARD, dx.size, dout, saved, dx)
        return
    loop = _BACKWARD.get(kind)
    if loop is None:
        reference.activation_backward(dout, saved, dx, kind, alpha)
    else:
        loop(dout.reshape(-1), saved.reshape(-1), dx.reshape(-1), saved.dtype.type(alpha))


def affine_forward(
    x: Array, w: Array, b: Array | None, out: Array, kind: int = 0, alpha: float = 0.0, precision: int = 0
) -> None:
    """``out = f(x w + b)``. This is here because it must give the same bits as `activation_forward` above."""
    reference.affine_forward(x, w, b, out, precision=precision)
    activation_forward(out, out, kind, alpha)
