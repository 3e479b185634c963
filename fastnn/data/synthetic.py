"""`glyphs`: a synthetic data set of letters or digits that needs no download.

Everything that is computed from the random words is either exact or a single IEEE operation per element, so that the
same seed gives the same bytes on every machine.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import choice, whole
from fastnn.data.splines import cubic_b_spline
from fastnn.random import Purpose, bits

CLASS_NAMES = {"letters": tuple("ABCDEFGHIJ"), "digits": tuple("0123456789")}

_Floats = NDArray[np.float32]
_STREAMS = {("letters", "train"): 0, ("letters", "test"): 1, ("digits", "train"): 2, ("digits", "test"): 3}
_SIDE = 28
_PIXELS = _SIDE * _SIDE
_GLYPH = 32  # the longer side of a glyph in its mask, in mask pixels
_CONTROLS = 6  # the elastic field is a cubic B-spline over 6 x 6 control points
_PRODUCT_ROWS = 8  # rows per matrix product: so few that no BLAS uses threads, which would cost more than they save
_CHUNK = 64  # images at a time: the temporary arrays then fit into the cache

# The random words of an image: parameters, one byte per control point and axis, one byte per pixel.
_WORDS = 256
_ELASTIC = slice(24, 42)
_NOISE = slice(60, 256)


def glyphs(
    n: int, *, kind: str = "letters", split: str = "train", seed: int = 0, start: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make images of the letters A-J or of digits, in many fonts, randomly distorted.

    Parameters
    ----------
    n : int
        The number of images.
    kind : {"letters", "digits"}
        The classes: A ... J, or 0 ... 9.
    split : {"train", "test"}
        "test" uses fonts that do not occur in "train", and other random numbers.
    seed : int, 0 <= seed < 2**64
        The same seed gives the same images on every machine.
    start : int, default 0
        The number of the first image. An image depends on `kind`, `split`, `seed` and its number alone, so that a long
        series can be made in parts.

    Returns
    -------
    images : ndarray, shape (n, 28, 28), uint8
        Bright glyphs on a dark background.
    labels : ndarray, shape (n,), int64
        0 ... 9, all equally likely.

    Raises
    ------
    ValueError
        If `kind` or `split` is unknown, or a number is out of range.
    TypeError
        If a number is not an integer.

    Notes
    -----
    The mask of a glyph is sampled bilinearly under a random rotation (up to 15 degrees), scale (18 to 24 pixels high or
    wide), aspect ratio, shear and shift, and an elastic displacement field (a cubic B-spline over random control
    points, after P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural networks applied to
    visual document analysis", ICDAR 2003). The weight of the strokes, the contrast and the noise vary as well.

    Examples
    --------
    >>> from fastnn.data import glyphs
    >>> images, labels = glyphs(100, seed=1)
    >>> images.shape, images.dtype, labels.dtype
    ((100, 28, 28), dtype('uint8'), dtype('int64'))
    >>> bool((glyphs(10, seed=1, start=90)[0] == images[90:]).all())
    True
    """
    choice("glyphs", "kind", kind, CLASS_NAMES)
    choice("glyphs", "split", split, ("train", "test"))
    count = whole("glyphs", "n", n, at_least=0)
    first = whole("glyphs", "start", start, at_least=0)
    masks = _masks(f"{kind}_{split}")
    images = np.empty((count, _SIDE, _SIDE), np.uint8)
    labels = np.empty(count, np.int64)
    bits(seed, Purpose.SYNTHETIC, 0, 0)  # raises the error for a bad seed, also if n is 0
    for begin in range(0, count, _CHUNK):
        end = min(begin + _CHUNK, count)
        size, offset = _WORDS * (end - begin), _WORDS * (first + begin)
        words = bits(seed, Purpose.SYNTHETIC, _STREAMS[kind, split], size, offset)
        labels[begin:end] = _draw(words.reshape(-1, _WORDS), masks, images[begin:end].reshape(-1, _PIXELS))
    return images, labels


def _draw(words: NDArray[np.uint32], masks: _Floats, out: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Draw one image per row of words; return the labels."""
    fonts, classes, side, _ = masks.shape
    label = _choice(words[:, 0], classes)
    mask_start = (_choice(words[:, 1], fonts) * classes + label) * (side * side)
    x, y = _coordinates(words, side)
    ink = _sample(masks.reshape(-1), mask_start, x, y, side)

    # Stroke weight: the edge becomes steeper and moves outwards or inwards, but the background stays dark.
    gain = _range(words[:, 8], 1.0, 2.2)
    outwards = np.minimum(70.0, 127.5 * (gain - 1.0))
    weight = outwards - (outwards + 60.0) * _range(words[:, 9], 0.0, 1.0)
    ink *= _column(gain)
    ink += _column(127.5 - 127.5 * gain + weight)
    np.clip(ink, 0.0, 255.0, out=ink)
    background = _range(words[:, 10], 0.0, 40.0)
    contrast = _range(words[:, 11], 0.5, 0.85)
    noise = _range(words[:, 12], 0.0, 2.0)
    random_bytes = _bytes(words[:, _NOISE])
    grain = (random_bytes & 15) + (random_bytes >> 4)  # 0 ... 30, triangular: standard deviation 6.5
    ink *= _column(contrast)
    ink += _column(background - 15.0 * noise + 0.5)
    ink += grain * _column(noise)
    np.clip(ink, 0.0, 255.0, out=ink)
    out[...] = ink  # this truncates, but 0.5 has been added above
    return label


def _coordinates(words: NDArray[np.uint32], side: int) -> tuple[_Floats, _Floats]:
    """Return the point of the mask that each pixel shows, as x and y of shape (n, 784), at least 1 from the edge.

    The coefficients are rounded to a grid that is coarse enough to make their product with the basis exact in float32,
    in any order of summation and so with any BLAS.
    """
    n = len(words)
    half_tangent = _range(words[:, 2], -0.13, 0.13)  # tan(angle / 2), so that no sine is needed
    cosine = (1.0 - half_tangent * half_tangent) / (1.0 + half_tangent * half_tangent)
    sine = 2.0 * half_tangent / (1.0 + half_tangent * half_tangent)
    zoom = _GLYPH / _range(words[:, 3], 18.0, 24.0)
    aspect = _range(words[:, 4], 0.85, 1.15)
    shear = _range(words[:, 5], -0.2, 0.2)
    shift_x = _range(words[:, 6], -2.0, 2.0)
    shift_y = _range(words[:, 7], -2.0, 2.0)
    strength = _range(words[:, 13], 0.0, 3.5)  # the largest elastic displacement, in mask pixels

    affine = np.empty((2, n, 3))
    affine[0, :, 0] = (cosine - shear * sine) * (zoom * aspect)
    affine[0, :, 1] = (sine + shear * cosine) * (zoom * aspect)
    affine[1, :, 0] = -sine * (zoom / aspect)
    affine[1, :, 1] = cosine * (zoom / aspect)
    affine[:, :, 2] = (side - 1) / 2 - affine[:, :, 0] * shift_x - affine[:, :, 1] * shift_y
    padded = -(-2 * n // _PRODUCT_ROWS) * _PRODUCT_ROWS
    coefficients = np.zeros((padded, 3 + _CONTROLS * _CONTROLS), np.float32)
    used = coefficients[: 2 * n].reshape(2, n, -1)
    used[:, :, :3] = np.rint(affine * 4096.0) / 4096.0
    controls = (_bytes(words[:, _ELASTIC]).reshape(n, 2, -1) - 127.5) / 127.5
    used[:, :, 3:] = (np.rint(controls * (32.0 * strength[:, None, None])) / 32.0).transpose(1, 0, 2)

    points = np.matmul(coefficients.reshape(-1, _PRODUCT_ROWS, used.shape[2]), _basis()).reshape(padded, -1)
    np.clip(points, 1.0, side - 2.5, out=points)
    return points[:n], points[n : 2 * n]


def _sample(masks: _Floats, start: NDArray[np.int64], x: _Floats, y: _Floats, side: int) -> _Floats:
    """Interpolate the masks that begin at `start` bilinearly at (x, y); x and y are overwritten."""
    column = np.floor(x)
    row = np.floor(y)
    x -= column
    y -= row
    row *= side
    row += column
    index = row.astype(np.intp)
    index += start[:, None]
    # No index needs clipping, but mode="clip" is the only mode that does not copy.
    upper = masks.take(index, mode="clip")
    index += 1
    right = masks.take(index, mode="clip")
    right -= upper
    right *= x
    upper += right
    index += side
    right = masks.take(index, mode="clip")
    index -= 1
    lower = masks.take(index, mode="clip")
    right -= lower
    right *= x
    lower += right
    lower -= upper
    lower *= y
    upper += lower
    return upper


@functools.cache
def _basis() -> _Floats:
    """Return the functions that the coefficients multiply: x, y, 1 and the B-spline of each control point."""
    position = np.arange(_SIDE) - (_SIDE - 1) / 2
    splines = np.rint(cubic_b_spline(_CONTROLS, _SIDE) * (64 / 6)) / 64
    rows = [
        np.tile(position, _SIDE),
        np.repeat(position, _SIDE),
        np.ones(_PIXELS),
        *np.kron(splines, splines),
    ]
    return np.array(rows, np.float32)


@functools.cache
def _masks(key: str) -> _Floats:
    """Return the masks of a kind and split, shape (fonts, 10, side, side), 0 ... 255."""
    with np.load(Path(__file__).with_name("glyph_masks.npz"), allow_pickle=False) as stored:
        return np.ascontiguousarray(stored[key], np.float32)


def _choice(words: NDArray[np.uint32], n: int) -> NDArray[np.int64]:
    return (words.astype(np.int64) * n) >> 32


def _range(words: NDArray[np.uint32], low: float, high: float) -> NDArray[np.float64]:
    return low + words.astype(np.float64) * ((high - low) * 2.0**-32)


def _column(values: NDArray[np.float64]) -> _Floats:
    return values.astype(np.float32)[:, None]


def _bytes(words: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(words, "<u4").view(np.uint8)
