"""Winograd's minimal filtering for images innermost (Winograd 1980; Lavin & Gray 2016), stride 1.

A line is interpolated at the points 0, ±1/√2, ±√2, ∞. With filters of r taps, a long tile takes 6 inputs to 7 - r
outputs by products at all 6 points, a short one takes 5 inputs to 6 - r outputs by those at the 5 finite points; a line
of outputs is cut into as many short tiles as make it come out even. In matrices, for a tile of rows and columns:

    out = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

and the products are summed over the channels. ``u`` holds G g Gᵀ as [group, block of 24 filters, pair of points,
channel, filter], zero behind the last filter.

Error: against the exact result each output is off by at most

    (8 + √k + 24) ε |Aᵀ| [Σ |G| |g| |Gᵀ| ⊙ |Bᵀ| |d| |B|] |A|

where k counts channels, ε is the unit roundoff and 24 (`ROUNDINGS`) the roundings of a number on its way through the
three transforms: 4 in each dimension of each. As the bound says,
an error depends on all inputs of its tile: a NaN or an infinity reaches the whole tile.
"""

from typing import NamedTuple

import numpy as np

from fastnn.kernels.convolution import WINOGRAD_BLOCK, WINOGRAD_POINTS, winograd_line
from fastnn.kernels.reference.activation import activation_forward
from fastnn.kernels.reference.arrays import Array

ROUNDINGS = 24
_FINITE = np.array([0, np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(2), -np.sqrt(2)])


class Matrices(NamedTuple):
    """Of one tile of a line: inputs (points, points), filter (points, taps), outputs (outputs, points)."""

    b: Array
    g: Array
    a: Array


def matrices(taps: int, points: int = WINOGRAD_POINTS) -> Matrices:
    """Bᵀ, G and Aᵀ in float64 for filters of `taps`, with 6 points or the 5 finite ones."""
    b = np.zeros((points, points))
    for i in range(len(_FINITE)):
        b[i, : len(_FINITE)] = np.poly(np.delete(_FINITE, i))[::-1]  # the polynomial that is zero at the others
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
    """``u`` = the filters at the points.

    With ``flip`` those of the input gradient: channels are its filters, filters its channels, and taps are reversed.
    """
    groups, blocks = u.shape[:2]
    filters = weight.reshape(groups, -1, *weight.shape[1:])
    if flip:
        filters = filters[..., ::-1, ::-1].swapaxes(1, 2)
    g = matrices(weight.shape[2]).g.astype(weight.dtype)
    values = np.einsum("ia,efkab,jb->eijkf", g, filters, g).reshape(groups, WINOGRAD_POINTS**2, *filters.shape[2:0:-1])
    padded = np.zeros((*values.shape[:3], blocks * WINOGRAD_BLOCK), u.dtype)
    padded[..., : values.shape[3]] = values
    u[...] = padded.reshape(*values.shape[:3], blocks, WINOGRAD_BLOCK).transpose(0, 3, 1, 2, 4)


@np.errstate(all="ignore")
def winograd_forward_n16(
    x: Array, u: Array, b: Array | None, out: Array, size: int, pad_h: int, pad_w: int, kind: int, alpha: float
) -> None:
    """Convolution of stride 1 with filters of ``size`` × ``size`` from `winograd_weights`, then the activation.

    ``pad_h``, ``pad_w``: rows above, columns to the left; negative: rows and columns left out.
    """
    out[...] = filtered(x, u, out.shape, size, (pad_h, pad_w))
    if b is not None:
        out += b[:, None, None, None]
    activation_forward(out, out, kind, alpha)


def filtered(
    x: Array, u: Array, shape: tuple[int, ...], size: int, pad: tuple[int, int], magnitudes: bool = False
) -> Array:
    """The sums, of `shape` (g, f, p, q, 16); with ``magnitudes`` the transforms have absolute values."""

    def prepared(matrix: Array) -> Array:
        return (abs(matrix) if magnitudes else matrix).astype(x.dtype)

    groups, _, _, channels, _ = u.shape
    filters = u.transpose(0, 2, 3, 1, 4).reshape(groups, WINOGRAD_POINTS, WINOGRAD_POINTS, channels, -1)
    filters = filters[..., : shape[1] // groups]
    around = [(max(pad[i], 0), max(0, shape[2 + i] + size - 1 - pad[i] - x.shape[2 + i])) for i in (0, 1)]
    image = np.pad(x, ((0, 0), (0, 0), *around, (0, 0)))[:, :, max(-pad[0], 0) :, max(-pad[1], 0) :]
    image = image.reshape(len(x), groups, channels, *image.shape[2:])
    out = np.empty(shape, x.dtype)
    for top, points_h in winograd_line(shape[2], size):
        for left, points_w in winograd_line(shape[3], size):
            rows, cols = matrices(size, points_h), matrices(size, points_w)
            patch = image[:, :, :, top : top + points_h, left : left + points_w]
            patch = np.pad(
                patch,
                (
                    *((0, 0),) * 3,
                    *((0, n - m) for n, m in zip((points_h, points_w), patch.shape[3:5], strict=True)),
                    (0, 0),
                ),
            )
            values = np.einsum("ia,gekabl,jb->egijkl", prepared(rows.b), patch, prepared(cols.b))
            products = np.einsum("eijkf,egijkl->gefijl", filters[:, :points_h, :points_w], values, optimize=True)
            sums = np.einsum("yi,gefijl,xj->gefyxl", prepared(rows.a), products, prepared(cols.a))
            place = out[:, :, top : top + len(rows.a), left : left + len(cols.a)]
            place[...] = sums.reshape(len(x), shape[1], *sums.shape[3:])[:, :, : place.shape[2], : place.shape[3]]
    return out
