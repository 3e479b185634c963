"""Winograd's minimal filtering for convolutions of stride 1 (Winograd 1980; Lavin & Gray 2016), in the layout NCHW16n.

A line is interpolated at the points 0, ±1/√2, ±√2, ∞. With filters of r taps, a long tile computes 7 - r outputs from 6
inputs by products at all 6 points, and a short tile 6 - r outputs from 5 inputs by products at the 5 finite points. A
line of outputs is cut into as many short tiles as are needed to make its length come out even. In matrices, for a tile
of rows and columns:

    out = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

and the products are summed over the channels. ``u`` contains G g Gᵀ as [group, block of 24 filters, pair of points,
channel, filter], with zeros behind the last filter.

Each output differs from the exact result by at most

    (8 + √k + 24) ε |Aᵀ| [Σ |G| |g| |Gᵀ| ⊙ |Bᵀ| |d| |B|] |A|

where k is the number of channels, ε the unit roundoff, and 24 (`ROUNDINGS`) the number of times that a value is rounded
in the three transforms: 4 times in each dimension of each. Products of factors that are split into bf16 numbers add
e |Aᵀ| […] |A|, where e Σ|a||b| is what they add to the bound of a sum (`Precision`). In the input gradient k is the
number of filters, and there are additional roundings where up to 36 tiles (`OVERLAPS`) contribute to the same input.
As the bound says, an error depends on all inputs of its tile. A NaN or an infinity reaches all outputs that it would
reach in a convolution; it may reach the whole tile (in the weight gradient, all taps of the filters of its channel or
of its filter), but nothing beyond. How far it reaches depends on whether a transform multiplies by its zeros, as the
matrices here do and faster kernels do not.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fastnn.kernels.convolution import (
    winograd_line,
    winograd_long,
    winograd_shape,
)
from fastnn.kernels.limits import WINOGRAD_FILTER_BLOCK, WINOGRAD_POINTS
from fastnn.kernels.reference.activation import activation_backward, activation_forward
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.nchw16n import LANES, images_of, put_images
from fastnn.kernels.reference.parts import product

ROUNDINGS = 24
OVERLAPS = WINOGRAD_POINTS**2
_FINITE = np.array([0, np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(2), -np.sqrt(2)])


class Matrices(NamedTuple):
    """The matrices of a tile of a line: Bᵀ (points, points), G (points, taps) and Aᵀ (outputs, points)."""

    b: Array
    g: Array
    a: Array


def matrices(taps: int, points: int = WINOGRAD_POINTS) -> Matrices:
    """The matrices in float64 for filters of `taps`, with all 6 points or the 5 finite ones."""
    b = np.zeros((points, points))
    for i in range(len(_FINITE)):
        b[i, : len(_FINITE)] = np.poly(np.delete(_FINITE, i))[::-1]  # the polynomial that is zero at the other points
    distances = np.array([np.prod(point - np.delete(_FINITE, i)) for i, point in enumerate(_FINITE)])
    g = np.zeros((points, taps))
    g[: len(_FINITE)] = _FINITE[:, None] ** np.arange(taps) / distances[:, None]
    a = np.zeros((points + 1 - taps, points))
    a[:, : len(_FINITE)] = _FINITE ** np.arange(len(a))[:, None]
    if points == WINOGRAD_POINTS:
        b[-1] = np.poly(_FINITE)[::-1]
        g[-1, -1] = a[-1, -1] = 1
    return Matrices(b, g, a)


@np.errstate(all="ignore")
def winograd_weights(weight: Array, u: Array, flip: int) -> None:
    """``u`` = the filters, transformed.

    With ``flip`` they are transformed for the input gradient, where filters and channels change roles and the taps are
    reversed.
    """
    u[...] = transformed(weight, u.shape, flip)


def transformed(weight: Array, shape: tuple[int, ...], flip: int, magnitudes: bool = False) -> Array:
    """``u`` of `shape`; with ``magnitudes``, the matrices are replaced by their absolute values."""
    groups, blocks = shape[:2]
    filters = weight.reshape(groups, -1, *weight.shape[1:])
    if flip:
        filters = filters[..., ::-1, ::-1].swapaxes(1, 2)
    g = _preparation(weight.dtype, magnitudes)(matrices(weight.shape[2]).g)
    values = np.einsum("ia,efkab,jb->eijkf", g, filters, g).reshape(groups, WINOGRAD_POINTS**2, *filters.shape[2:0:-1])
    padded = np.zeros((*values.shape[:3], blocks * WINOGRAD_FILTER_BLOCK), weight.dtype)
    padded[..., : values.shape[3]] = values
    return padded.reshape(*values.shape[:3], blocks, WINOGRAD_FILTER_BLOCK).transpose(0, 3, 1, 2, 4)


@np.errstate(all="ignore")
def winograd_forward_nchw16n(
    x: Array,
    u: Array,
    b: Array | None,
    out: Array,
    work: Array | None,
    size: int,
    pad_h: int,
    pad_w: int,
    kind: int = 0,
    alpha: float = 0.0,
    precision: int = 0,
) -> None:
    """Convolution of stride 1 with the ``size`` × ``size`` filters of `winograd_weights`, then the activation.

    ``pad_h`` and ``pad_w`` are the rows of padding above and the columns to the left; if negative, rows and columns are
    left out. ``work`` is for intermediate values of products of other precisions than float32.
    """
    out[...] = filtered(x, u, out.shape, size, (pad_h, pad_w), precision=precision if work is not None else 0)
    if b is not None:
        out += b[:, None, None, None]
    activation_forward(out, out, kind, alpha)


@np.errstate(all="ignore")
def winograd_backward_input_nchw16n(
    dout: Array,
    u: Array,
    dx: Array,
    saved: Array | None,
    size: int,
    pad_h: int,
    pad_w: int,
    kind: int = 0,
    alpha: float = 0.0,
) -> None:
    """``dx = Σ B [u ⊙ (A dy Aᵀ)] Bᵀ``, added up where tiles overlap.

    This is the transpose of `winograd_forward_nchw16n` with the same ``u``, times the derivative of the preceding
    activation if ``saved`` is given.
    """
    dx[...] = given_back(dout, u, dx.shape, size, (pad_h, pad_w))
    if saved is not None:
        activation_backward(dx, saved, dx, kind, alpha)


def given_back(
    dout: Array, u: Array, shape: tuple[int, ...], size: int, pad: tuple[int, int], magnitudes: bool = False
) -> Array:
    """The input gradient, of `shape` (g, c, h, w, 16); ``magnitudes`` as in `transformed`."""
    groups, _, _, channels, _ = u.shape
    prepared = _preparation(dout.dtype, magnitudes)
    slopes = dout.reshape(len(dout), groups, dout.shape[1] // groups, *dout.shape[2:])
    filters = u.transpose(0, 2, 3, 1, 4).reshape(groups, WINOGRAD_POINTS, WINOGRAD_POINTS, channels, -1)
    filters = filters[..., : slopes.shape[2]]
    room = [dout.shape[2 + i] + shape[2 + i] + 2 * WINOGRAD_POINTS + abs(pad[i]) for i in (0, 1)]
    image = np.zeros((len(dout), groups, channels, *room, LANES), dout.dtype)  # from the first input of a window on
    for top, points_h in winograd_line(dout.shape[2], size):
        for left, points_w in winograd_line(dout.shape[3], size):
            rows, cols = matrices(size, points_h), matrices(size, points_w)
            dy = _crop(slopes, (top, left), (len(rows.a), len(cols.a)))
            heights = np.einsum("yi,gefyxl,xj->gefijl", prepared(rows.a), dy, prepared(cols.a))
            products = np.einsum("eijkf,gefijl->gekijl", filters[:, :points_h, :points_w], heights, optimize=True)
            given = np.einsum("ia,gekijl,jb->gekabl", prepared(rows.b), products, prepared(cols.b))
            image[:, :, :, top : top + points_h, left : left + points_w] += given
    begin = [max(p, 0) for p in pad]
    around = [(max(-p, 0), 0) for p in pad]
    image = np.pad(image, ((0, 0), (0, 0), (0, 0), *around, (0, 0)))
    inside: Array = image[:, :, :, begin[0] : begin[0] + shape[2], begin[1] : begin[1] + shape[3]]
    return inside.reshape(shape)


@np.errstate(all="ignore")
def winograd_forward(
    x: Array, weight: Array, b: Array | None, out: Array, work: Array, pad_h: int, pad_w: int, flip: int,
    kind: int = 0, alpha: float = 0.0,
) -> None:  # fmt: skip
    """`winograd_forward_nchw16n` of images in plain layout, with long tiles only and from untransformed weights.

    With ``flip`` it is the input gradient: ``x`` is the gradient of the outputs, ``out`` becomes that of the inputs,
    and the padding is that of the reversed filters. ``work`` is for intermediate values.
    """
    out[...] = filtered_plain(x, weight, out.shape, (pad_h, pad_w), flip)
    if b is not None:
        out += b[:, None, None]
    activation_forward(out, out, kind, alpha)


def filtered_plain(
    x: Array, weight: Array, shape: tuple[int, ...], pad: tuple[int, int], flip: int, magnitudes: bool = False
) -> Array:
    """The sums of `winograd_forward`, of `shape` (n, f, p, q); ``magnitudes`` as in `transformed`."""
    size, count = weight.shape[2], len(x)
    groups = (shape if flip else x.shape)[1] // weight.shape[1]
    u = transformed(weight, winograd_shape(shape[1] // groups, x.shape[1] // groups, groups), flip, magnitudes)
    lanes = np.zeros((-(-count // LANES) * LANES, *x.shape[1:]), x.dtype)
    lanes[:count] = x
    images = np.empty((len(lanes) // LANES, *x.shape[1:], LANES), x.dtype)
    put_images(lanes, images)
    longs = [winograd_long(extent, size) for extent in shape[2:]]
    sums = filtered(images, u, (len(images), shape[1], *longs, LANES), size, pad, magnitudes)
    return images_of(sums)[:count, :, : shape[2], : shape[3]]


@np.errstate(all="ignore")
def winograd_backward_weight_nchw16n(
    x: Array, dout: Array, dw: Array, db: Array | None, work: Array, pad_h: int, pad_w: int, beta: float,
    precision: int = 0,
) -> None:  # fmt: skip
    """``dw = beta dw + Gᵀ [Σ (A dy Aᵀ) ⊙ (Bᵀ d B)] G`` over tiles and images, ``db = beta db + Σ dout``.

    This is the transpose of `winograd_forward_nchw16n`. ``beta`` is 0 or 1; with 0 the old values of ``dw`` and ``db``
    are not read. ``work`` is for intermediate values.
    """
    gradient = filter_gradient(x, dout, dw.shape, (pad_h, pad_w), precision=precision)
    biases = None if db is None else dout.sum(axis=(0, 2, 3, 4))
    if beta == 0:
        dw[...] = gradient
        if db is not None:
            db[...] = biases
    else:
        dw += gradient
        if db is not None:
            db += biases


def filter_gradient(
    x: Array,
    dout: Array,
    shape: tuple[int, ...],
    pad: tuple[int, int],
    magnitudes: bool = False,
    precision: int = 0,
) -> Array:
    """The gradient of the filters, of `shape` (f, k, size, size); ``magnitudes`` as in `transformed`."""
    filters, channels, size, _ = shape
    groups = x.shape[1] // channels
    prepared = _preparation(x.dtype, magnitudes)
    image = _padded(x, groups, dout.shape, size, pad)
    slopes = dout.reshape(len(dout), groups, filters // groups, *dout.shape[2:])
    sums = np.zeros((groups, filters // groups, channels, WINOGRAD_POINTS, WINOGRAD_POINTS), x.dtype)
    for top, points_h in winograd_line(dout.shape[2], size):
        for left, points_w in winograd_line(dout.shape[3], size):
            rows, cols = matrices(size, points_h), matrices(size, points_w)
            tile = _crop(image, (top, left), (points_h, points_w))
            dy = _crop(slopes, (top, left), (len(rows.a), len(cols.a)))
            values = np.einsum("ia,gekabl,jb->gekijl", prepared(rows.b), tile, prepared(cols.b))
            heights = np.einsum("yi,gefyxl,xj->gefijl", prepared(rows.a), dy, prepared(cols.a))
            heights = heights.transpose(1, 3, 4, 2, 0, 5).reshape(groups, points_h, points_w, filters // groups, -1)
            values = values.transpose(1, 3, 4, 0, 5, 2).reshape(groups, points_h, points_w, -1, channels)
            sums[..., :points_h, :points_w] += _products(heights, values, precision).transpose(0, 3, 4, 1, 2)
    g = prepared(matrices(size).g)
    gradient: Array = np.einsum("ia,efkij,jb->efkab", g, sums, g).reshape(shape)
    return gradient


def _preparation(dtype: DTypeLike, magnitudes: bool) -> Callable[[Array], Array]:
    """What is done to every matrix before it is used."""
    return lambda matrix: (abs(matrix) if magnitudes else matrix).astype(dtype)


def _products(a: Array, b: Array, precision: int) -> Array:
    """``a b`` of that `Precision` for each group and pair of points; the last two axes are those of matrices."""
    found = np.empty((*a.shape[:4], b.shape[4]), a.dtype)
    for at in np.ndindex(a.shape[:3]):
        product(a[at], b[at], precision, found[at])
    return found


def _padded(x: Array, groups: int, shape: tuple[int, ...], size: int, pad: tuple[int, int]) -> Array:
    """The images (g, groups, channels, …) from the first input of the first output on, with zeros around them."""
    around = [(max(pad[i], 0), max(0, shape[2 + i] + size - 1 - pad[i] - x.shape[2 + i])) for i in (0, 1)]
    image = np.pad(x, ((0, 0), (0, 0), *around, (0, 0)))[:, :, max(-pad[0], 0) :, max(-pad[1], 0) :]
    return image.reshape(len(x), groups, x.shape[1] // groups, *image.shape[2:])


def _crop(image: Array, begin: tuple[int, int], extent: tuple[int, int]) -> Array:
    """A part of the images (g, groups, channels, h, w, 16), with zeros beyond their ends."""
    part = image[:, :, :, begin[0] : begin[0] + extent[0], begin[1] : begin[1] + extent[1]]
    behind = [(0, extent[i] - part.shape[3 + i]) for i in (0, 1)]
    return np.pad(part, ((0, 0), (0, 0), (0, 0), *behind, (0, 0)))


def filtered(
    x: Array,
    u: Array,
    shape: tuple[int, ...],
    size: int,
    pad: tuple[int, int],
    magnitudes: bool = False,
    precision: int = 0,
) -> Array:
    """The sums, of `shape` (g, f, p, q, 16); ``magnitudes`` as in `transformed`."""
    groups, _, _, channels, _ = u.shape
    prepared = _preparation(x.dtype, magnitudes)
    filters = u.transpose(0, 2, 3, 1, 4).reshape(groups, WINOGRAD_POINTS, WINOGRAD_POINTS, channels, -1)
    filters = filters[..., : shape[1] // groups]
    image = _padded(x, groups, shape, size, pad)
    out = np.empty(shape, x.dtype)
    for top, points_h in winograd_line(shape[2], size):
        for left, points_w in winograd_line(shape[3], size):
            rows, cols = matrices(size, points_h), matrices(size, points_w)
            tile = _crop(image, (top, left), (points_h, points_w))
            values = np.einsum("ia,gekabl,jb->egijkl", prepared(rows.b), tile, prepared(cols.b))
            columns = values.transpose(0, 2, 3, 4, 1, 5).reshape(groups, points_h, points_w, channels, -1)
            products = _products(filters[:, :points_h, :points_w].swapaxes(3, 4), columns, precision)
            products = products.reshape(*products.shape[:4], len(x), LANES)
            sums = np.einsum("yi,eijfgl,xj->gefyxl", prepared(rows.a), products, prepared(cols.a))
            target = out[:, :, top : top + len(rows.a), left : left + len(cols.a)]
            target[...] = sums.reshape(len(x), shape[1], *sums.shape[3:])[:, :, : target.shape[2], : target.shape[3]]
    return out
