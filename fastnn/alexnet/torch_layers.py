"""The PyTorch module of each fastnn layer that AlexNet and heads on it are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from fastnn import layers

__all__ = ["module_of"]


def _conv(nn: Any, layer: Any) -> Any:
    window = layer.window
    after = [
        (count - 1) * stride + (size - 1) * dilation + 1 - side - before
        for count, stride, size, dilation, side, before in zip(
            window.count,
            window.stride,
            window.size,
            window.dilation,
            layer.input_shape[1:],
            window.before,
            strict=True,
        )
    ]
    if any(behind > before for behind, before in zip(after, window.before, strict=True)):
        raise ValueError(f"{layer.name}: PyTorch pads both sides alike, got pad={layer.pad!r}")
    return nn.Conv2d(
        layer.input_shape[0],
        layer.filters,
        window.size,
        stride=window.stride,
        padding=window.before,
        dilation=window.dilation,
        groups=layer.groups,
        bias=layer.bias,
    )


def _pool(nn: Any, layer: Any) -> Any:
    if layer.pad != 0:
        raise ValueError(f"{layer.name}: expected a pool without padding, got pad={layer.pad!r}")
    return nn.MaxPool2d(layer.size, stride=layer.stride)


def _response_norm(nn: Any, layer: Any) -> Any:
    alpha = layer.alpha * (1 if layer.divide else layer.size)  # torch always divides
    return nn.LocalResponseNorm(layer.size, alpha=alpha, beta=layer.beta, k=layer.k)


_MODULES: Mapping[type[layers.Layer], Callable[[Any, Any], Any]] = {
    layers.Conv2D: _conv,
    layers.MaxPool2D: _pool,
    layers.LocalResponseNorm: _response_norm,
    layers.Flatten: lambda nn, layer: nn.Flatten(),
    layers.Dropout: lambda nn, layer: nn.Dropout(layer.rate),
    layers.Dense: lambda nn, layer: nn.Linear(prod(layer.input_shape), layer.units, bias=layer.bias),
    layers.ReLU: lambda nn, layer: nn.ReLU(),  # not in place: the values before it may be asked for
    layers.Tanh: lambda nn, layer: nn.Tanh(),
    layers.Sigmoid: lambda nn, layer: nn.Sigmoid(),
}


def module_of(nn: Any, layer: layers.Layer) -> Any:
    """The PyTorch module that computes what a built layer does; its parameters are those that PyTorch draws.

    Parameters
    ----------
    nn : module
        ``torch.nn``.
    layer : Layer

    Raises
    ------
    ValueError
        If there is none.
    """
    if type(layer) not in _MODULES:
        known = ", ".join(kind.__name__ for kind in _MODULES)
        raise ValueError(f"{layer.name}: PyTorch computes {known}; got {type(layer).__name__}")
    return _MODULES[type(layer)](nn, layer)
