"""How each kind of layer is written in C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from fastnn import layers
from fastnn.export.c.functions import ACTIVATIONS
from fastnn.export.c.program import OUT, Program, Value
from fastnn.functional.window import Window
from fastnn.kernels.activations import Activation
from fastnn.layers import Layer
from fastnn.layers.elementwise import Elementwise
from fastnn.named import is_built_in

Writer = Callable[[Program, Any, Value], Value]
WRITERS: dict[type[Layer], Writer] = {}


def write_layers(program: Program, chain: Sequence[Layer], x: Value) -> Value:
    """Add layers in a row, and return the value behind the last one.

    Raises
    ------
    ValueError
        If a layer is of a kind that has no C.
    """
    for layer in chain:
        x = _writer(layer)(program, layer, x)
    return x


def _writer(layer: Layer) -> Writer:
    if isinstance(layer, Elementwise) and layer.activation in ACTIVATIONS and is_built_in(type(layer)):
        return _elementwise
    writer = WRITERS.get(type(layer))  # not of a subclass, which may compute something else
    if writer is None:
        known = ", ".join(sorted(kind.__name__ for kind in WRITERS))
        raise ValueError(
            f"to_c: {layer.name or layer.kind}: expected built-in activations and layers among {known}, got a "
            f"{type(layer).__name__}, which has no C"
        )
    return writer


def _writes(*kinds: type[Layer]) -> Callable[[Writer], Writer]:
    def register(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(kinds, writer))
        return writer

    return register


def _elementwise(program: Program, layer: Elementwise, x: Value) -> Value:
    return program.activate(x, Activation(layer.activation), layer.alpha)


@_writes(layers.Flatten, layers.Reshape, layers.Dropout)
def _nothing(program: Program, layer: Layer, x: Value) -> Value:
    return x


@_writes(layers.Dense)
def _dense(program: Program, layer: layers.Dense, x: Value) -> Value:
    w = program.constant(f"{layer.name}_w", layer.w.value)
    b = program.constant(f"{layer.name}_b", None if layer.b is None else layer.b.value)
    return program.mapped(x, layer.units, "dense", w, b, OUT, x.size, layer.units)


@_writes(layers.Embedding, layers.CategoricalEmbedding)
def _embedding(program: Program, layer: Any, x: Value) -> Value:
    out, at = program.buffer(prod(layer.output_shape)), 0
    for columns in np.split(layer.kept, np.flatnonzero(np.diff(layer.kept) > 1) + 1) if layer.kept else ():
        program.call("copied", f"{x.name} + {columns[0]}", f"{out.name} + {at}", len(columns))
        at += len(columns)
    table = program.constant(f"{layer.name}_w", layer.w.value)
    for column, first, count in layer.rows_of_columns():
        rows = f"{table} + {first * layer.dim}"
        program.call("looked_up", f"{x.name} + {column}", rows, f"{out.name} + {at}", count, layer.dim)
        at += layer.dim
    program.release(x)
    return out


@_writes(layers.Conv2D)
def _convolution(program: Program, layer: layers.Conv2D, x: Value) -> Value:
    w = program.constant(f"{layer.name}_w", layer.w.value)
    b = program.constant(f"{layer.name}_b", None if layer.b is None else layer.b.value)
    scalars = (layer.input_shape[0], layer.output_shape[0], layer.groups, _window(layer.window, layer.input_shape))
    return program.mapped(x, prod(layer.output_shape), "conv", w, b, OUT, *scalars)


@_writes(layers.MaxPool2D, layers.GlobalMaxPool2D)
def _max_pool(program: Program, layer: Any, x: Value) -> Value:
    place = _window(layer.window, layer.input_shape)
    return program.mapped(x, prod(layer.output_shape), "max_pool", OUT, layer.input_shape[0], place)


@_writes(layers.AvgPool2D, layers.GlobalAvgPool2D)
def _avg_pool(program: Program, layer: Any, x: Value) -> Value:
    place, count_pad = _window(layer.window, layer.input_shape), int(getattr(layer, "count_pad", True))
    return program.mapped(x, prod(layer.output_shape), "avg_pool", OUT, layer.input_shape[0], place, count_pad)


@_writes(layers.BatchNorm)
def _batch_norm(program: Program, layer: layers.BatchNorm, x: Value) -> Value:
    if not layer.track:
        raise ValueError(
            f"to_c: {layer.name}: expected a batch norm that tracks its statistics, got one of track=False"
        )
    gamma, beta = (p.value for p in layer.parameters) if layer.affine else (1.0, None)
    mean, variance = (state.value for state in layer.state)
    scale = np.float64(1) * gamma / np.sqrt(variance.astype(np.float64) + layer.eps)
    return _by_channel(program, layer, x, mean, scale, beta)


@_writes(layers.Standardize)
def _standardize(program: Program, layer: layers.Standardize, x: Value) -> Value:
    mean, variance = (state.value for state in layer.state)
    return _by_channel(program, layer, x, mean, 1 / np.sqrt(variance.astype(np.float64)), None)


def _by_channel(program: Program, layer: Layer, x: Value, mean: Any, scale: Any, shift: Any) -> Value:
    arrays = {"mean": mean, "scale": scale, "shift": shift}
    names = [program.constant(f"{layer.name}_{name}", array) for name, array in arrays.items()]
    channels = layer.input_shape[0]
    return program.mapped(x, x.size, "normalised", *names, OUT, channels, x.size // channels)


@_writes(layers.LayerNorm, layers.GroupNorm)
def _group_norm(program: Program, layer: Any, x: Value) -> Value:
    values: list[Any] = [p.value for p in layer.parameters] or [None, None]
    names = [program.constant(f"{layer.name}_{name}", v) for name, v in zip(("gamma", "beta"), values, strict=True)]
    groups, channels = (layer.groups, layer.input_shape[0]) if isinstance(layer, layers.GroupNorm) else (1, x.size)
    counts = (groups, channels, x.size // channels, program.number(layer.eps))
    return program.mapped(x, x.size, "group_norm", *names, OUT, *counts)


@_writes(layers.LocalResponseNorm)
def _response_norm(program: Program, layer: layers.LocalResponseNorm, x: Value) -> Value:
    alpha = layer.alpha / layer.size if layer.divide else layer.alpha
    channels = layer.input_shape[0]
    numbers = (program.number(value) for value in (alpha, layer.beta, layer.k))
    return program.mapped(x, x.size, "response_norm", OUT, channels, x.size // channels, layer.size, *numbers)


@_writes(layers.PReLU)
def _prelu(program: Program, layer: layers.PReLU, x: Value) -> Value:
    x = program.own(x)
    program.call("prelu", x.name, program.constant(f"{layer.name}_slope", layer.slope.value), layer.slope.size, x.size)
    return x


@_writes(layers.Softmax, layers.Softmin)
def _softmax(program: Program, layer: Layer, x: Value) -> Value:
    x = program.own(x)
    program.call("softmax", x.name, x.size, program.number(-1 if isinstance(layer, layers.Softmin) else 1))
    return x


@_writes(layers.LogSoftmax)
def _log_softmax(program: Program, layer: Layer, x: Value) -> Value:
    x = program.own(x)
    program.call("log_softmax", x.name, x.size)
    return x


@_writes(layers.Rising)
def _rising(program: Program, layer: Layer, x: Value) -> Value:
    x = program.own(x)
    program.call("rising", x.name, x.size)
    return x


@_writes(layers.Residual)
def _residual(program: Program, layer: layers.Residual, x: Value) -> Value:
    program.hold(x)
    long = program.own(write_layers(program, layer.layers, x))
    short = write_layers(program, layer.shortcut, x)
    program.call("added", short.name, long.name, long.size)
    program.release(short)
    return long


def _window(place: Window, image: tuple[int, ...]) -> str:
    pairs = (place.size, place.stride, place.before, place.dilation)
    sizes = ", ".join(map(str, (*image[1:], *place.count)))
    return f"&(window){{{sizes}, {', '.join(f'{{{a}, {b}}}' for a, b in pairs)}}}"
