"""Which algorithm computes a convolution of a compiled step: a function of its shape and dtype alone.

Winograd's serves convolutions with images innermost, 3 × 3 or 5 × 5 filters and stride and dilation 1, forward and for
both gradients; and those of few plain images, forward and for the input gradient. With "auto" it is taken where
counting operations says that it is faster, and never for float64, where one wants digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from fastnn.kernels import Activation, ConvAlgorithm
from fastnn.kernels.convolution import (
    WINOGRAD_POINTS,
    winograd_line,
    winograd_shape,
    winograd_tile_groups,
    winograd_tile_work,
    winograd_work,
)
from fastnn.program.layout import LANES, SUFFIX
from fastnn.program.record import Buffer, Operation

_SIZES = (3, 5)
# vector operations of the transforms: of a tile's inputs, a tile's outputs, the weights of a filter and channel
_OF_INPUTS, _OF_OUTPUTS, _OF_WEIGHTS = 200, 150, 25
_OF_INPUTS_OF_TILES, _OF_WEIGHTS_OF_TILES = 800, 12  # of few images: tiles are gathered
_FEW_CHANNELS = 48  # go through a tile at once (csrc/winograd/forward_small_c.c), so many filters together:
_TOGETHER = 4
_OF_FEW_INPUTS, _OF_FEW_OUTPUTS = 110, {3: 155, 5: 52}  # there, by the taps of a line
# by the transpose (csrc/winograd/input_grad_5x5.c): of a tile's slopes, of its inputs; what the products cost
_OF_SLOPES, _OF_GIVEN, _OF_TRANSPOSED = 26, 260, 1.13
_FEW_PAIRS = 680  # channels × filters, whose weights' gradient goes so too (csrc/winograd/weight_grad_small_c.c)
_OF_FEW_VALUES, _OF_FEW_SLOPES = 470, {3: 340, 5: 70}  # there, of a tile's channel and filter
_WORTH_IT = 1.15  # what direct must cost more
_FULL = 16  # channels, and filters: with fewer the tiles of the other forms are part empty, direct ones full
_TILES_HELD = 4 * LANES  # of few images, whose products a thread holds for 16 filters (csrc/winograd/forward_small_n.c)
_VALUES = 8 << 20  # bytes of their transformed inputs, which every 16 filters read again: a part of the last cache
_FULL_OF_FEW = 32  # two threads have 16 filters each
_WORKSPACE = 4 << 20  # bytes (csrc/fastnn.h, FNN_SCRATCH_BYTES)
_FILTERS_HELD = 48  # whose products a thread holds (csrc/winograd/forward.c)


class Convolution(NamedTuple):
    """One direction of a convolution: what reads ``channels`` (of a group) and writes ``filters`` (of a group)."""

    images: int  # 16 or more lie innermost, fewer are plain
    groups: int
    channels: int
    filters: int
    taps: tuple[int, int]
    extent: tuple[int, int]  # rows and columns of outputs
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]  # rows and columns before
    source: tuple[int, int]  # rows and columns read
    of: Literal["outputs", "inputs", "weights"] = "outputs"  # what it computes: those, or a gradient


def _few(c: Convolution) -> bool:
    return c.images < LANES


def _values(c: Convolution) -> int:
    """Elements of the transformed inputs of few images."""
    return winograd_tile_work(c.images, c.channels * c.groups, c.groups, c.extent, c.taps[0])


def winograd_serves(c: Convolution, dtype: np.dtype[Any]) -> bool:
    """Whether Winograd's algorithm can compute `c`."""
    columns = _TILES_HELD if _few(c) else min(_FILTERS_HELD, c.filters)
    held = WINOGRAD_POINTS**2 * LANES * (c.channels + columns + 2) * dtype.itemsize
    return (
        c.taps[0] == c.taps[1]
        and c.taps[0] in _SIZES
        and c.stride == c.dilation == (1, 1)
        and held <= _WORKSPACE
        and min(*c[:4], *c.extent) > 0
        and not (_few(c) and _values(c) * dtype.itemsize > _VALUES)
    )


def _points(extent: tuple[int, int], size: int) -> int:
    """Pairs of points of all tiles of an image."""
    rows, cols = (sum(points for _, points in winograd_line(n, size)) for n in extent)
    return rows * cols


def _few_images_costs(c: Convolution) -> dict[ConvAlgorithm, float]:
    """Of plain images, where tiles share vectors."""
    pairs = c.channels * c.filters
    transforms = _OF_INPUTS_OF_TILES * c.channels + _OF_OUTPUTS * c.filters
    costs = (
        winograd_tile_groups(c.images, c.extent, c.taps[0]) * (WINOGRAD_POINTS**2 * pairs + transforms)
        + _OF_WEIGHTS_OF_TILES * pairs
    )
    windows = -(-c.images * c.extent[0] * c.extent[1] // LANES)
    return {
        ConvAlgorithm.DIRECT: c.groups * windows * c.taps[0] * c.taps[1] * pairs,
        ConvAlgorithm.WINOGRAD: c.groups * costs,
    }


def _few_channels(c: Convolution) -> bool:
    fits = c.of != "weights" or c.channels * c.filters <= _FEW_PAIRS
    return not _few(c) and c.channels <= _FEW_CHANNELS and fits


def _inside(c: Convolution, axis: int) -> int:
    """Taps of one axis inside the image, over all outputs: only those are multiplied with images innermost."""
    firsts = range(-c.pad[axis], c.extent[axis] - c.pad[axis])
    return sum(max(0, min(first + c.taps[axis], c.source[axis]) - max(first, 0)) for first in firsts)


def _transposed_cost(c: Convolution) -> float:
    """Of an input gradient that is the transpose of the forward sweep, in tiles of slopes."""
    rows, cols = (len(winograd_line(n, c.taps[0])) for n in c.source)
    products = _OF_TRANSPOSED * _points(c.source, c.taps[0]) * c.channels * c.filters
    transforms = rows * cols * (_OF_SLOPES * c.channels + _OF_GIVEN * c.filters)
    return -(-c.images // LANES) * c.groups * (products + transforms) + _OF_WEIGHTS * c.channels * c.filters * c.groups


def is_transposed(c: Convolution) -> bool:
    """Whether Winograd's input gradient is best the transpose of the forward sweep, not the slopes filtered."""
    may = c.of == "inputs" and _few_channels(c) and c.taps[0] == 5  # 3 × 3: more to compute again for every channel
    return may and _transposed_cost(c) < _filtered_cost(c)


def costs(c: Convolution) -> dict[ConvAlgorithm, float]:
    """Vector operations of each algorithm, where Winograd's serves."""
    if _few(c):
        return _few_images_costs(c)
    blocks = -(-c.images // LANES) * c.groups
    return {
        ConvAlgorithm.DIRECT: blocks * _inside(c, 0) * _inside(c, 1) * c.channels * c.filters,
        ConvAlgorithm.WINOGRAD: _transposed_cost(c) if is_transposed(c) else _filtered_cost(c),
    }


def _filtered_cost(c: Convolution) -> float:
    """Of Winograd's algorithm in tiles of outputs."""
    blocks = -(-c.images // LANES) * c.groups
    rows, cols = (len(winograd_line(n, c.taps[0])) for n in c.extent)
    filters, of_inputs, of_outputs = c.filters, _OF_INPUTS, _OF_OUTPUTS
    if _few_channels(c) and c.of == "weights":
        of_inputs, of_outputs = _OF_FEW_VALUES, _OF_FEW_SLOPES[c.taps[0]]
    elif _few_channels(c):
        filters = -(-c.filters // _TOGETHER) * _TOGETHER
        of_inputs, of_outputs = _OF_FEW_INPUTS, _OF_FEW_OUTPUTS[c.taps[0]]
    products = _points(c.extent, c.taps[0]) * c.channels * filters
    transforms = rows * cols * (of_inputs * c.channels + of_outputs * c.filters)
    return blocks * (products + transforms) + _OF_WEIGHTS * c.channels * c.filters * c.groups


def choose(c: Convolution, dtype: np.dtype[Any], wish: ConvAlgorithm) -> ConvAlgorithm:
    """The algorithm that computes `c`; a wish that cannot be met is none."""
    if wish == ConvAlgorithm.DIRECT or not winograd_serves(c, dtype):
        return ConvAlgorithm.DIRECT
    if wish == ConvAlgorithm.WINOGRAD:
        return wish
    cost = costs(c)
    full = _FULL_OF_FEW if _few(c) else 1 if _few_channels(c) else _FULL
    faster = (
        _WORTH_IT * cost[ConvAlgorithm.WINOGRAD] < cost[ConvAlgorithm.DIRECT] and min(c.channels, c.filters) >= full
    )
    return ConvAlgorithm.WINOGRAD if faster and dtype == np.float32 else ConvAlgorithm.DIRECT


def _images(operation: Operation) -> int:
    """How many images the operation is on; 0 where they are plain though many."""
    first = operation.arguments[0].shape[0]
    if operation.kernel.endswith(SUFFIX):
        return int(first * LANES)
    return int(first) if first < LANES else 0


def _of_few(c: Convolution, arrays: tuple[Any, ...], pad: tuple[int, int], *rest: Any) -> Operation:
    """Winograd's algorithm on plain images."""
    return Operation("winograd_forward", (*arrays, Buffer((_values(c),), arrays[0].dtype), *pad, *rest))


def _forward(operation: Operation) -> list[Operation]:
    x, weight, b, out, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, wish, *rest = operation.arguments
    groups = x.shape[1] // weight.shape[1]
    c = Convolution(
        _images(operation), groups, weight.shape[1], weight.shape[0] // groups, weight.shape[2:], out.shape[2:4],
        (stride_h, stride_w), (dilation_h, dilation_w), (pad_h, pad_w), x.shape[2:4],
    )  # fmt: skip
    if choose(c, x.dtype, ConvAlgorithm(wish)) != ConvAlgorithm.WINOGRAD:
        return [operation]
    kind, alpha = rest or (Activation.IDENTITY, 0.0)
    if _few(c):
        return [_of_few(c, (x, weight, b, out), (pad_h, pad_w), 0, int(kind), alpha)]
    u = Buffer(winograd_shape(c.filters, c.channels, groups), x.dtype)
    window = (weight.shape[2], pad_h, pad_w)
    return [
        Operation("winograd_weights", (weight, u, 0)),
        Operation("winograd_forward_nchw16n", (x, u, b, out, *window, int(kind), alpha)),
    ]


def _backward_input(operation: Operation) -> list[Operation]:
    fused = operation.kernel.startswith("conv_activation")
    arrays = operation.arguments[: 4 if fused else 3]
    dout, weight, dx = arrays[0], arrays[1], arrays[-1]
    stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, wish, *rest = operation.arguments[len(arrays) :]
    groups = dx.shape[1] // weight.shape[1]
    pad = (weight.shape[2] - 1 - pad_h, weight.shape[3] - 1 - pad_w)
    c = Convolution(
        _images(operation), groups, weight.shape[0] // groups, weight.shape[1], weight.shape[2:], dx.shape[2:4],
        (stride_h, stride_w), (dilation_h, dilation_w), pad, dout.shape[2:4], "inputs",
    )  # fmt: skip
    if choose(c, dx.dtype, ConvAlgorithm(wish)) != ConvAlgorithm.WINOGRAD:
        return [operation]
    size = weight.shape[2]
    if is_transposed(c):
        u = Buffer(winograd_shape(c.channels, c.filters, groups), dx.dtype)
        out, kind, alpha = (arrays[2], *rest) if fused else (None, int(Activation.IDENTITY), 0.0)
        return [
            Operation("winograd_weights", (weight, u, 0)),
            Operation("winograd_backward_input_nchw16n", (dout, u, out, dx, size, pad_h, pad_w, kind, alpha)),
        ]
    if _few(c):
        operations = [_of_few(c, (dout, weight, None, dx), pad, 1, int(Activation.IDENTITY), 0.0)]
    else:
        u = Buffer(winograd_shape(c.filters, c.channels, groups), dx.dtype)
        operations = [
            Operation("winograd_weights", (weight, u, 1)),
            Operation("winograd_forward_nchw16n", (dout, u, None, dx, size, *pad, int(Activation.IDENTITY), 0.0)),
        ]
    if fused:
        operations.append(Operation("activation_backward", (dx, None, arrays[2], dx, *rest)))
    return operations


def winograd_flops(operation: Operation) -> int:
    """Floating-point operations of the products in a call of a Winograd kernel; a multiply-add counts two."""
    if operation.kernel == "winograd_backward_weight_nchw16n":
        x, out, dw, *_ = operation.arguments
        channels, size = dw.shape[1:3]
    elif operation.kernel == "winograd_forward_nchw16n":
        x, u, _, out, size, *_ = operation.arguments
        channels = u.shape[3]
    elif operation.kernel == "winograd_backward_input_nchw16n":
        x, u, _, _, size, *_ = operation.arguments
        out, channels = x, u.shape[3]
    elif operation.kernel == "winograd_forward":
        x, weight, _, out, _, _, _, flip, *_ = operation.arguments
        channels = weight.shape[0] // (out.shape[1] // weight.shape[1]) if flip else weight.shape[1]
        vectors = winograd_tile_groups(x.shape[0], out.shape[2:4], weight.shape[2])
        return int(2 * WINOGRAD_POINTS**2 * LANES * vectors * out.shape[1] * channels)
    else:
        return 0
    return int(2 * x.shape[0] * LANES * _points(out.shape[2:4], size) * out.shape[1] * channels)


def _backward_weight(operation: Operation) -> list[Operation]:
    x, dout, dw, db, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, wish, beta = operation.arguments
    groups = x.shape[1] // dw.shape[1]
    c = Convolution(
        x.shape[0] * LANES, groups, dw.shape[1], dw.shape[0] // groups, dw.shape[2:], dout.shape[2:4],
        (stride_h, stride_w), (dilation_h, dilation_w), (pad_h, pad_w), x.shape[2:4], "weights",
    )  # fmt: skip
    if choose(c, x.dtype, ConvAlgorithm(wish)) != ConvAlgorithm.WINOGRAD:
        return [operation]
    work = Buffer((winograd_work(c.filters, c.channels),), x.dtype)
    return [Operation("winograd_backward_weight_nchw16n", (x, dout, dw, db, work, pad_h, pad_w, beta))]


_DIRECTIONS = {
    "conv_forward": _forward,
    "conv_activation_forward": _forward,
    "conv_backward_input": _backward_input,
    "conv_activation_backward_input": _backward_input,
    "conv_forward" + SUFFIX: _forward,
    "conv_activation_forward" + SUFFIX: _forward,
    "conv_backward_input" + SUFFIX: _backward_input,
    "conv_activation_backward_input" + SUFFIX: _backward_input,
    "conv_backward_weight" + SUFFIX: _backward_weight,
}


def choose_algorithms(operations: Sequence[Operation]) -> list[Operation]:
    """The operations, with Winograd's algorithm where it is chosen."""
    chosen: list[Operation] = []
    for operation in operations:
        replace = _DIRECTIONS.get(operation.kernel)
        chosen += [operation] if replace is None else replace(operation)
    return chosen
