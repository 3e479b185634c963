"""Normalisation layers."""

from __future__ import annotations

from math import prod
from typing import Any

from fastnn import init as initializers
from fastnn.checks import flag, number, whole
from fastnn.functional.response_norm import response_norm_scalars
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape
from fastnn.parameter import Parameter, State


class _Affine(Layer):
    """A norm with a scale and a shift, gamma (from 1) and beta (from 0), or without both."""

    affine: bool
    gamma: Parameter | None = None
    beta: Parameter | None = None

    def _declare(self, shape: Shape) -> None:
        if self.affine:
            self.gamma = Parameter("gamma", shape, initializers.get("ones"), decays=False)
            self.beta = Parameter("beta", shape, initializers.get("zeros"), decays=False)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(p for p in (self.gamma, self.beta) if p is not None)

    def _values(self) -> tuple[Any, Any]:
        return (None, None) if self.gamma is None or self.beta is None else (self.gamma.value, self.beta.value)

    def _gradients(self) -> tuple[Any, Any]:
        if self.frozen or self.gamma is None or self.beta is None:
            return None, None
        return self.gamma.grad, self.beta.grad


def _pixels(x: Any) -> Any:
    """(N, C, pixels)."""
    return x.reshape((x.shape[0], x.shape[1], prod(x.shape[2:])))


class BatchNorm(_Affine):
    """Normalises each channel over the samples of a batch and their pixels.

    Parameters
    ----------
    affine : bool
        Whether there are a scale gamma and a shift beta, (C,).
    track : bool
        Whether evaluation uses running statistics. False: those of the samples evaluated together (`predict` and
        `evaluate` take them in blocks of up to 256, as equal as can be).
    eps : float
        Added to the variance; above 0.
    momentum : float
        Share of the running statistics that a step keeps, in [0, 1].

    Notes
    -----
    Ioffe & Szegedy 2015. Inputs are (C,) or (C, H, W). While training, statistics are the batch's, the variance divided
    by N, the number of values of a channel; ``running = momentum running + (1 - momentum) batch`` with the variance
    divided by N - 1. (PyTorch calls 1 - momentum momentum.) A batch of one value a channel gives beta, a gradient of 0,
    and leaves the running variance alone. Batches are never worked through in blocks. A `frozen` layer that tracks uses
    the running statistics while training too, and leaves them alone.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.BatchNorm()], input_shape=(32, 28, 28))
    >>> {name: value.shape for name, value in model.state.items()}
    {'batch_norm1.running_mean': (32,), 'batch_norm1.running_var': (32,)}
    """

    kind = "batch_norm"
    whole_batch = True

    def __init__(self, *, affine: bool = True, track: bool = True, eps: float = 1e-5, momentum: float = 0.9) -> None:
        self.affine, self.track = flag("BatchNorm", "affine", affine), flag("BatchNorm", "track", track)
        self.mixes_samples = not self.track
        self.eps = number("BatchNorm", "eps", eps, above=0)
        self.momentum = number("BatchNorm", "momentum", momentum, at_least=0, at_most=1)
        self._state: tuple[State, ...] = ()

    def build(self, input_shape: Shape) -> Shape:
        channels = input_shape[:1]
        self._declare(channels)
        if self.track:
            self._state = (State("running_mean", channels, 0.0), State("running_var", channels, 1.0))
        return super().build(input_shape)

    @property
    def state(self) -> tuple[State, ...]:
        return self._state

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        pixels = _pixels(x)
        out = ops.empty(pixels.shape)
        running: list[Any] = [s.value for s in self._state] or [None, None]
        if self.track and (self.frozen or not training):
            ops.batch_norm_apply(pixels, *self._values(), *running, out, self.eps)
            return out.reshape(x.shape), (pixels, *running)
        mean, var = ops.empty(x.shape[1:2]), ops.empty(x.shape[1:2])
        if not training:
            running = [None, None]
        ops.batch_norm_forward(pixels, *self._values(), *running, out, mean, var, self.eps, self.momentum)
        return out.reshape(x.shape), (pixels, mean, var)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x, mean, var = cache
        dx = ops.empty(x.shape) if need_dx else None
        if dx is None and not self.affine:
            return None
        gradient, gamma, fixed = dout.reshape(x.shape), self._values()[0], int(self.track and self.frozen)
        ops.batch_norm_backward(gradient, x, gamma, mean, var, dx, *self._gradients(), self.eps, fixed, ops.beta)
        return None if dx is None else dx.reshape(dout.shape)

    def config(self) -> dict[str, Any]:
        return {"affine": self.affine, "track": self.track, "eps": self.eps, "momentum": self.momentum}


class _PerSample(_Affine):
    """A norm over groups of channels of each sample."""

    eps: float

    def _shape(self, x: Any) -> tuple[Any, int]:
        """X as (N, channels, pixels), and the number of groups."""
        raise NotImplementedError

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        pixels, groups = self._shape(x)
        out, mean, var = ops.empty(pixels.shape), ops.empty((x.shape[0], groups)), ops.empty((x.shape[0], groups))
        ops.group_norm_forward(pixels, *self._values(), out, mean, var, self.eps)
        return out.reshape(x.shape), (pixels, mean, var)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x, mean, var = cache
        dx = ops.empty(x.shape) if need_dx else None
        if dx is None and not self.affine:
            return None
        gradient, gamma = dout.reshape(x.shape), self._values()[0]
        ops.group_norm_backward(gradient, x, gamma, mean, var, dx, *self._gradients(), self.eps, ops.beta)
        return None if dx is None else dx.reshape(dout.shape)


class LayerNorm(_PerSample):
    """Normalises each sample over all of its elements.

    Parameters
    ----------
    affine : bool
        Whether there are a scale gamma and a shift beta, (D,): one for each element of a sample, in C order.
    eps : float
        Added to the variance; above 0.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.LayerNorm(affine=False)], input_shape=(2,))
    >>> model.forward([[1, 3]]).round(3).tolist()
    [[-1.0, 1.0]]
    """

    kind = "layer_norm"

    def __init__(self, *, affine: bool = True, eps: float = 1e-5) -> None:
        self.affine = flag("LayerNorm", "affine", affine)
        self.eps = number("LayerNorm", "eps", eps, above=0)

    def build(self, input_shape: Shape) -> Shape:
        self._declare((prod(input_shape),))
        return super().build(input_shape)

    def _shape(self, x: Any) -> tuple[Any, int]:
        return x.reshape((x.shape[0], prod(x.shape[1:]), 1)), 1

    def config(self) -> dict[str, Any]:
        return {"affine": self.affine, "eps": self.eps}


class GroupNorm(_PerSample):
    """Normalises each sample over the channels of a group and their pixels.

    Parameters
    ----------
    groups : int
        Groups of neighbouring channels; divides C. C groups: instance norm.
    affine : bool
        Whether there are a scale gamma and a shift beta, (C,).
    eps : float
        Added to the variance; above 0.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.GroupNorm(8)], input_shape=(32, 7, 7))
    >>> model.parameters["group_norm1.gamma"].shape
    (32,)
    """

    kind = "group_norm"

    def __init__(self, groups: int, *, affine: bool = True, eps: float = 1e-5) -> None:
        self.groups = whole("GroupNorm", "groups", groups, at_least=1)
        self.affine = flag("GroupNorm", "affine", affine)
        self.eps = number("GroupNorm", "eps", eps, above=0)

    def build(self, input_shape: Shape) -> Shape:
        if input_shape[0] % self.groups:
            raise ValueError(
                f"GroupNorm: {input_shape[0]} channels do not divide into {self.groups} groups (input {input_shape})"
            )
        self._declare(input_shape[:1])
        return super().build(input_shape)

    def _shape(self, x: Any) -> tuple[Any, int]:
        return _pixels(x), self.groups

    def config(self) -> dict[str, Any]:
        return {"groups": self.groups, "affine": self.affine, "eps": self.eps}


class LocalResponseNorm(Layer):
    """Divides by a power of the squares of neighbouring channels (see `fastnn.functional.local_response_norm_forward`).

    Parameters
    ----------
    size : int
        Channels of the window.
    alpha, beta, k : float
        alpha and beta at least 0, k above 0.
    divide : bool
        Whether alpha is divided by `size` (Caffe, PyTorch) or not (Krizhevsky et al. 2012, Theano).

    Examples
    --------
    >>> import fastnn
    >>> norm = fastnn.layers.LocalResponseNorm(5, k=2.0, divide=False)
    >>> fastnn.Sequential([norm], input_shape=(96, 27, 27)).output_shape
    (96, 27, 27)
    """

    kind = "local_response_norm"

    def __init__(
        self, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, divide: bool = True
    ) -> None:
        self._scalars = response_norm_scalars("LocalResponseNorm", size, alpha, beta, k, divide)
        self.size, self.alpha, self.beta, self.k, self.divide = size, alpha, beta, k, divide

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        pixels = _pixels(x)
        out = ops.empty(pixels.shape)
        scale = ops.empty(pixels.shape) if training else None
        ops.local_response_norm_forward(pixels, out, scale, *self._scalars)
        return out.reshape(x.shape), (pixels, scale)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        x, scale = cache
        dx = ops.empty(x.shape)
        ops.local_response_norm_backward(dout.reshape(x.shape), x, scale, dx, *self._scalars[:3])
        return dx.reshape(dout.shape)

    def config(self) -> dict[str, Any]:
        return {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k, "divide": self.divide}
