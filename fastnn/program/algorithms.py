"""Chooses the algorithm of each convolution of a compiled step, which depends on shape and dtype alone.

Winograd's algorithm can compute convolutions of stride and dilation 1 with 3 × 3 or 5 × 5 filters: in the layout
NCHW16n the forward pass and both gradients, and for few images in plain layout the forward pass and the input gradient.
With "auto" it is chosen where its estimated cost is lower, but never for float64, where accuracy matters more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from fastnn.kernels import ConvAlgorithm
from fastnn.kernels.convolution import (
    winograd_line,
    winograd_parts,
    winograd_shape,
    winograd_tile_groups,
    winograd_tile_work,
    winograd_work,
)
from fastnn.kernels.limits import (
    SCRATCH_BYTES,
    WINOGRAD_HELD_FILTERS,
    WINOGRAD_POINTS,
    WINOGRAD_SMALL_CHANNELS,
    WINOGRAD_SMALL_PAIRS,
    WINOGRAD_TILE_BLOCKS,
)
from fastnn.program.layout import LANES, SUFFIX
from fastnn.program.record import Buffer, Operation

_SIZES = (3, 5)
_TILES_HELD = WINOGRAD_TILE_BLOCKS * LANES  # for few images: tiles for which a thread holds products of 16 filters


@dataclass(frozen=True)
class Costs:
    """The costs of Winograd's algorithm besides its products, in vector multiply-adds of the direct algorithm.

    They were fitted on two cores of an AMD EPYC (Zen 4, AVX-512), 2026-11-26 to 2026-11-28, to the times of both
    algorithms by ``python bench/race.py --rows conv``, each with ``conv_algorithm`` forced either way.
    """

    input_tile: float = 200  # the transform of a tile of inputs of one channel
    output_tile: float = 150  # the transform of a tile of outputs of one filter
    weight: float = 25  # the transform of the weights of one filter and channel
    advantage: float = 1.15  # the direct algorithm must cost so many times more for Winograd's to be chosen
    full: int = 16  # with fewer channels or filters, tiles of the general form are partly empty

    # few images in plain layout (winograd/forward_small_n.c), whose tiles are gathered
    gathered_input_tile: float = 800
    gathered_weight: float = 12
    gathered_full: int = 32  # the same for these: two threads compute 16 filters each
    gathered_bytes: int = 8 << 20  # the transformed inputs may be so large: they are read again for every 16 filters

    # few channels (winograd/forward_small_c.c), by the number of taps in a row
    small_input_tile: float = 110
    small_output_tile: tuple[tuple[int, float], ...] = ((3, 155), (5, 52))
    small_filters: int = 4  # filters that are computed together

    # the input gradient as the transpose of that (input_grad_5x5.c)
    transposed_gradient_tile: float = 26
    transposed_input_tile: float = 260
    transposed_product: float = 1.13  # a product, in multiply-adds

    # the weight gradient of few channels (winograd/weight_grad_small_c.c), by the number of taps in a row
    small_value_tile: float = 470
    small_gradient_tile: tuple[tuple[int, float], ...] = ((3, 340), (5, 70))


COSTS = Costs()


class Convolution(NamedTuple):
    """A convolution, or a gradient as one: in each group, it reads ``channels`` and writes ``filters``."""

    images: int  # 16 or more are in the layout NCHW16n, fewer are plain
    groups: int
    channels: int
    filters: int
    taps: tuple[int, int]
    extent: tuple[int, int]  # rows and columns of outputs
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]  # rows above and columns to the left
    source: tuple[int, int]  # rows and columns that are read
    of: Literal["outputs", "inputs", "weights"] = (
        "outputs"  # what it computes: outputs, or the gradient of inputs or weights
    )


def _few(c: Convolution) -> bool:
    return c.images < LANES


def _values(c: Convolution) -> int:
    """The number of elements in the transformed inputs of few images."""
    return winograd_tile_work(c.images, c.channels * c.groups, c.groups, c.extent, c.taps[0])


def winograd_serves(c: Convolution, dtype: np.dtype[Any]) -> bool:
    """Whether Winograd's algorithm can compute `c`."""
    columns = _TILES_HELD if _few(c) else min(WINOGRAD_HELD_FILTERS, c.filters)
    held = WINOGRAD_POINTS**2 * LANES * (c.channels + columns + 2) * dtype.itemsize
    return (
        c.taps[0] == c.taps[1]
        and c.taps[0] in _SIZES
        and c.stride == c.dilation == (1, 1)
        and held <= SCRATCH_BYTES
        and min(*c[:4], *c.extent) > 0
        and not (_few(c) and _values(c) * dtype.itemsize > COSTS.gathered_bytes)
    )


def _points(extent: tuple[int, int], size: int) -> int:
    """The number of pairs of points, over all tiles of an image."""
    rows, cols = (sum(points for _, points in winograd_line(n, size)) for n in extent)
    return rows * cols


def _few_images_costs(c: Convolution) -> dict[ConvAlgorithm, float]:
    """The costs for few images in plain layout, where tiles share vectors."""
    pairs = c.channels * c.filters
    transforms = COSTS.gathered_input_tile * c.channels + COSTS.output_tile * c.filters
    costs = (
        winograd_tile_groups(c.images, c.extent, c.taps[0]) * (WINOGRAD_POINTS**2 * pairs + transforms)
        + COSTS.gathered_weight * pairs
    )
    windows = -(-c.images * c.extent[0] * c.extent[1] // LANES)
    return {
        ConvAlgorithm.DIRECT: c.groups * windows * c.taps[0] * c.taps[1] * pairs,
        ConvAlgorithm.WINOGRAD: c.groups * costs,
    }


def _few_channels(c: Convolution) -> bool:
    fits = c.of != "weights" or c.channels * c.filters <= WINOGRAD_SMALL_PAIRS
    return not _few(c) and c.channels <= WINOGRAD_SMALL_CHANNELS and fits


def _inside(c: Convolution, axis: int) -> int:
    """The number of taps inside the image along one axis, over all outputs; in NCHW16n only those are multiplied."""
    firsts = range(-c.pad[axis], c.extent[axis] - c.pad[axis])
    return sum(max(0, min(first + c.taps[axis], c.source[axis]) - max(first, 0)) for first in firsts)


def _transposed_cost(c: Convolution) -> float:
    """The cost of an input gradient that is computed as the transpose of the forward pass, in tiles of gradients."""
    rows, cols = (len(winograd_line(n, c.taps[0])) for n in c.source)
    products = COSTS.transposed_product * _points(c.source, c.taps[0]) * c.channels * c.filters
    transforms = rows * cols * (COSTS.transposed_gradient_tile * c.channels + COSTS.transposed_input_tile * c.filters)
    return -(-c.images // LANES) * c.groups * (products + transforms) + COSTS.weight * c.channels * c.filters * c.groups


def is_transposed(c: Convolution) -> bool:
    """Whether Winograd's input gradient is faster as the transpose of the forward pass than as a convolution."""
    may = c.of == "inputs" and _few_channels(c) and c.taps[0] == 5  # 3 × 3 would compute more again for every channel
    return may and _transposed_cost(c) < _filtered_cost(c)


def costs(c: Convolution) -> dict[ConvAlgorithm, float]:
    """The vector operations that each algorithm takes, if Winograd's can compute `c`."""
    if _few(c):
        return _few_images_costs(c)
    blocks = -(-c.images // LANES) * c.groups
    return {
        ConvAlgorithm.DIRECT: blocks * _inside(c, 0) * _inside(c, 1) * c.channels * c.filters,
        ConvAlgorithm.WINOGRAD: _transposed_cost(c) if is_transposed(c) else _filtered_cost(c),
    }


def _filtered_cost(c: Convolution) -> float:
    """The cost of Winograd's algorithm in tiles of outputs."""
    blocks = -(-c.images // LANES) * c.groups
    rows, cols = (len(winograd_line(n, c.taps[0])) for n in c.extent)
    filters, of_inputs, of_outputs = c.filters, COSTS.input_tile, COSTS.output_tile
    if _few_channels(c) and c.of == "weights":
        of_inputs, of_outputs = COSTS.small_value_tile, dict(COSTS.small_gradient_tile)[c.taps[0]]
    elif _few_channels(c):
        filters = -(-c.filters // COSTS.small_filters) * COSTS.small_filters
        of_inputs, of_outputs = COSTS.small_input_tile, dict(COSTS.small_output_tile)[c.taps[0]]
    products = _points(c.extent, c.taps[0]) * c.channels * filters
    transforms = rows * cols * (of_inputs * c.channels + of_outputs * c.filters)
    return blocks * (products + transforms) + COSTS.weight * c.channels * c.filters * c.groups


def choose(c: Convolution, dtype: np.dtype[Any], requested: ConvAlgorithm) -> ConvAlgorithm:
    """The algorithm that computes `c`; a requested one that cannot is ignored."""
    if requested == ConvAlgorithm.DIRECT or not winograd_serves(c, dtype):
        return ConvAlgorithm.DIRECT
    if requested == ConvAlgorithm.WINOGRAD:
        return requested
    cost = costs(c)
    full = COSTS.gathered_full if _few(c) else 1 if _few_channels(c) else COSTS.full
    faster = (
        COSTS.advantage * cost[ConvAlgorithm.WINOGRAD] < cost[ConvAlgorithm.DIRECT]
        and min(c.channels, c.filters) >= full
    )
    return ConvAlgorithm.WINOGRAD if faster and dtype == np.float32 else ConvAlgorithm.DIRECT


def _images(operation: Operation) -> int:
    """The number of images of the operation; 0 if there are many, but in plain layout."""
    first = operation.arguments[0].shape[0]
    if operation.kernel.endswith(SUFFIX):
        return int(first * LANES)
    return int(first) if first < LANES else 0


def _steps(operation: Operation) -> tuple[tuple[int, int], tuple[int, int]]:
    """The strides and the dilations."""
    return (operation["stride_h"], operation["stride_w"]), (operation["dilation_h"], operation["dilation_w"])


def _on_few_images(c: Convolution, x: Buffer, **named: Any) -> Operation:
    """Winograd's algorithm on few images in plain layout."""
    work = Buffer((_values(c),), x.dtype)
    return Operation.of("winograd_forward", x=x, work=work, pad_h=c.pad[0], pad_w=c.pad[1], **named)


def _transformed(c: Convolution, weight: Any, flip: int, *, transpose: bool = False) -> Operation:
    """The operation that transforms the weights into a new array."""
    sizes = (c.channels, c.filters) if transpose else (c.filters, c.channels)
    u = Buffer(winograd_shape(*sizes, c.groups), weight.dtype)
    return Operation.of("winograd_weights", weight=weight, u=u, flip=flip)


def _on_blocks(c: Convolution, precision: int, **named: Any) -> Operation:
    """Winograd's algorithm on blocks of images; products over few channels stay in registers, as floats."""
    rounded = precision and c.channels > WINOGRAD_SMALL_CHANNELS
    size = winograd_parts(c.filters, c.channels, c.groups, precision)
    work = Buffer((size,), named["x"].dtype) if rounded else None
    window = {"size": c.taps[0], "pad_h": c.pad[0], "pad_w": c.pad[1]}
    return Operation.of("winograd_forward_nchw16n", work=work, precision=precision, **window, **named)


def _forward(operation: Operation, precision: int) -> list[Operation]:
    x, weight, out = operation["x"], operation["weight"], operation["out"]
    groups = x.shape[1] // weight.shape[1]
    c = Convolution(
        _images(operation), groups, weight.shape[1], weight.shape[0] // groups, weight.shape[2:], out.shape[2:4],
        *_steps(operation), (operation["pad_h"], operation["pad_w"]), x.shape[2:4],
    )  # fmt: skip
    if choose(c, x.dtype, ConvAlgorithm(operation["algorithm"])) != ConvAlgorithm.WINOGRAD:
        return [operation]
    given = operation.pick("x", "b", "out", "kind", "alpha")
    if _few(c):
        return [_on_few_images(c, weight=weight, flip=0, **given)]
    weights = _transformed(c, weight, 0)
    return [weights, _on_blocks(c, precision, u=weights["u"], **given)]


def _backward_input(operation: Operation, precision: int) -> list[Operation]:
    dout, weight, dx, saved = (operation[name] for name in ("dout", "weight", "dx", "saved"))
    groups = dx.shape[1] // weight.shape[1]
    size = weight.shape[2]
    pad = (size - 1 - operation["pad_h"], weight.shape[3] - 1 - operation["pad_w"])
    c = Convolution(
        _images(operation), groups, weight.shape[0] // groups, weight.shape[1], weight.shape[2:], dx.shape[2:4],
        *_steps(operation), pad, dout.shape[2:4], "inputs",
    )  # fmt: skip
    if choose(c, dx.dtype, ConvAlgorithm(operation["algorithm"])) != ConvAlgorithm.WINOGRAD:
        return [operation]
    activation = operation.pick("saved", "kind", "alpha")
    if is_transposed(c):
        weights = _transformed(c, weight, 0, transpose=True)
        given = operation.pick("dout", "dx", "pad_h", "pad_w") | activation
        return [weights, Operation.of("winograd_backward_input_nchw16n", u=weights["u"], size=size, **given)]
    if _few(c):
        operations = [_on_few_images(c, x=dout, weight=weight, b=None, out=dx, flip=1)]
    else:
        weights = _transformed(c, weight, 1)
        operations = [weights, _on_blocks(c, precision, x=dout, u=weights["u"], b=None, out=dx)]
    if saved is not None:
        operations.append(Operation.of("activation_backward", dout=dx, dx=dx, **activation))
    return operations


def winograd_flops(operation: Operation) -> int:
    """The floating-point operations of the products in a call of a Winograd kernel; a multiply-add counts as two."""
    if operation.kernel == "winograd_weights":
        return 0
    if operation.kernel == "winograd_forward":
        x, weight, out = operation["x"], operation["weight"], operation["out"]
        groups = out.shape[1] // weight.shape[1] if operation["flip"] else 1
        channels = weight.shape[0] // groups if operation["flip"] else weight.shape[1]
        vectors = winograd_tile_groups(x.shape[0], out.shape[2:4], weight.shape[2])
        return int(2 * WINOGRAD_POINTS**2 * LANES * vectors * out.shape[1] * channels)
    if operation.kernel == "winograd_backward_weight_nchw16n":
        out, channels, size = operation["dout"], operation["dw"].shape[1], operation["dw"].shape[2]
    else:
        out = operation["dout"] if operation.kernel == "winograd_backward_input_nchw16n" else operation["out"]
        channels, size = operation["u"].shape[3], operation["size"]
    return int(2 * out.shape[0] * LANES * _points(out.shape[2:4], size) * out.shape[1] * channels)


def _backward_weight(operation: Operation, precision: int) -> list[Operation]:
    x, dout, dw = operation["x"], operation["dout"], operation["dw"]
    groups = x.shape[1] // dw.shape[1]
    c = Convolution(
        x.shape[0] * LANES, groups, dw.shape[1], dw.shape[0] // groups, dw.shape[2:], dout.shape[2:4],
        *_steps(operation), (operation["pad_h"], operation["pad_w"]), x.shape[2:4], "weights",
    )  # fmt: skip
    if choose(c, x.dtype, ConvAlgorithm(operation["algorithm"])) != ConvAlgorithm.WINOGRAD:
        return [operation]
    work = Buffer((winograd_work(c.filters, c.channels),), x.dtype)
    given = operation.pick("x", "dout", "dw", "db", "pad_h", "pad_w", "beta")
    return [Operation.of("winograd_backward_weight_nchw16n", work=work, precision=precision, **given)]


_DIRECTIONS = {
    "conv_forward": _forward,
    "conv_backward_input": _backward_input,
    "conv_forward" + SUFFIX: _forward,
    "conv_backward_input" + SUFFIX: _backward_input,
    "conv_backward_weight" + SUFFIX: _backward_weight,
}


def choose_algorithms(operations: Sequence[Operation], precision: int = 0) -> list[Operation]:
    """Replace convolutions by Winograd's algorithm where it is chosen, with products of that `Precision`."""
    chosen: list[Operation] = []
    for operation in operations:
        replace = _DIRECTIONS.get(operation.kernel)
        chosen += [operation] if replace is None else replace(operation, precision)
    return chosen
