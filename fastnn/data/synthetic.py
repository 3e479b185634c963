"""`glyphs`: a synthetic data set of distorted letters or digits that needs no download.

Everything after the random words is either exact or a single IEEE operation an element, so the same seed
gives the same bytes on every machine.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import choice, whole
from fastnn.data.splines import cubic_b_spline
from fastnn.random import Purpose, bits

__all__ = ["CLASS_NAMES", "glyphs"]

CLASS_NAMES = {"letters": tuple("ABCDEFGHIJ"), "digits": tuple("0123456789")}

_Floats = NDArray[np.float32]
_STREAMS = {("letters", "train"): 0, ("letters", "test"): 1, ("digits", "train"): 2, ("digits", "test"): 3}
_SIDE = 28
_PIXELS = _SIDE * _SIDE
_GLYPH = 32  # the longer side of a glyph in its mask, in mask pixels
_CONTROLS = 6  # the elastic field is a cubic B-spline over 6 x 6 control points
_PRODUCT_ROWS = 8  # so few rows a product that no BLAS starts threads for it, which would cost more than it
_CHUNK = 64  # images at a time: the work arrays then stay in the cache

# The random words of an image: parameters, a byte for each control point and axis, a byte for each pixel.
_WORDS = 256
_ELASTIC = slice(24, 42)
_NOISE = slice(60, 256)


def glyphs(
    n: int, *, kind: str = "letters", split: str = "train", seed: int = 0, start: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make images of letters A-J or digits, drawn in many fonts and distorted.

    Parameters
    ----------
    n : int
        How many images.
    kind : {"letters", "digits"}
        The classes: A ... J, or 0 ... 9.
    split : {"train", "test"}
        "test" uses fonts that never occur in "train", and other random numbers.
    seed : int, 0 <= seed < 2**64
        The same seed gives the same images, on every machine.
    start : int, default 0
        The number of the first image. An image depends on `kind`, `split`, `seed` and its number alone, so a
        long series can be made piece by piece.

    Returns
    -------
    images : ndarray, shape (n, 28, 28), uint8
        Bright glyphs on a dark ground.
    labels : ndarray, shape (n,), int64
        0 ... 9, each equally likely.

    Raises
    ------
    ValueError
        If `kind` or `split` is unknown, or a number is out of its range.
    TypeError
        If a number is not an integer.

    Notes
    -----
    A glyph mask is sampled bilinearly under a random rotation (up to 15 degrees), scale (18 to 24 pixels high
    or wide), aspect, shear and shift, plus an elastic displacement field (a cubic B-spline over random
    control points, after Simard, Steinkraus and Platt, "Best practices for convolutional neural networks
    applied to visual document analysis", ICDAR 2003). Stroke weight, contrast and pixel noise vary too.

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
    bits(seed, Purpose.SYNTHETIC, 0, 0)  # refuses a bad seed even where n is 0
    for begin in range(0, count, _CHUNK):
        end = min(begin + _CHUNK, count)
        size, offset = _WORDS * (end - begin), _WORDS * (first + begin)
        words = bits(seed, Purpose.SYNTHETIC, _STREAMS[kind, split], size, offset)
        labels[begin:end] = _draw(words.reshape(-1, _WORDS), masks, images[begin:end].reshape(-1, _PIXELS))
    return images, labels


def _draw(words: NDArray[np.uint32], masks: _Floats, out: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Draw one image a row of words and return their labels."""
    faces, classes, side, _ = masks.shape
    label = _choice(words[:, 0], classes)
    mask_start = (_choice(words[:, 1], faces) * classes + label) * (side * side)
    x, y = _coordinates(words, side)
    ink = _sample(masks.reshape(-1), mask_start, x, y, side)

    # Stroke weight: a steeper edge moved outwards or inwards, never so far that the ground lights up.
    gain = _range(words[:, 8], 1.0, 2.2)
    outwards = np.minimum(70.0, 127.5 * (gain - 1.0))
    weight = outwards - (outwards + 60.0) * _range(words[:, 9], 0.0, 1.0)
    ink *= _column(gain)
    ink += _column(127.5 - 127.5 * gain + weight)
    np.clip(ink, 0.0, 255.0, out=ink)
    ground = _range(words[:, 10], 0.0, 40.0)
    contrast = _range(words[:, 11], 0.5, 0.85)
    noise = _range(words[:, 12], 0.0, 2.0)
    random_bytes = _bytes(words[:, _NOISE])
    grain = (random_bytes & 15) + (random_bytes >> 4)  # 0 ... 30, triangular: standard deviation 6.5
    ink *= _column(contrast)
    ink += _column(ground - 15.0 * noise + 0.5)
    ink += grain * _column(noise)
    np.clip(ink, 0.0, 255.0, out=ink)
    out[...] = ink  # truncates: the half was added above
    return label


def _coordinates(words: NDArray[np.uint32], side: int) -> tuple[_Floats, _Floats]:
    """Return where in the mask each pixel looks, as two arrays (n, 784), at least 1 within the edge.

    All coefficients are rounded to a grid so coarse that the product with the basis is exact in float32 in
    any order of summation, whatever BLAS is used.
    """
    n = len(words)
    half_tangent = _range(words[:, 2], -0.13, 0.13)  # of the angle, so that no sine is needed
    cosine = (1.0 - half_tangent * half_tangent) / (1.0 + half_tangent * half_tangent)
    sine = 2.0 * half_tangent / (1.0 + half_tangent * half_tangent)
    zoom = _GLYPH / _range(words[:, 3], 18.0, 24.0)
    aspect = _range(words[:, 4], 0.85, 1.15)
    shear = _range(words[:, 5], -0.2, 0.2)
    shift_x = _range(words[:, 6], -2.0, 2.0)
    shift_y = _range(words[:, 7], -2.0, 2.0)
    strength = _range(words[:, 13], 0.0, 3.5)  # of the elastic field, in mask pixels

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

    places = np.matmul(coefficients.reshape(-1, _PRODUCT_ROWS, used.shape[2]), _basis()).reshape(padded, -1)
    np.clip(places, 1.0, side - 2.5, out=places)
    return places[:n], places[n : 2 * n]


def _sample(masks: _Floats, start: NDArray[np.int64], x: _Floats, y: _Floats, side: int) -> _Floats:
    """Interpolate the masks that begin at `start` bilinearly at (x, y); both are overwritten."""
    column = np.floor(x)
    row = np.floor(y)
    x -= column
    y -= row
    row *= side
    row += column
    place = row.astype(np.intp)
    place += start[:, None]
    # mode="clip" only because it is the one that takes no copy: the places are inside already
    upper = masks.take(place, mode="clip")
    place += 1
    right = masks.take(place, mode="clip")
    right -= upper
    right *= x
    upper += right
    place += side
    right = masks.take(place, mode="clip")
    place -= 1
    lower = masks.take(place, mode="clip")
    right -= lower
    right *= x
    lower += right
    lower -= upper
    lower *= y
    upper += lower
    return upper


@functools.cache
def _basis() -> _Floats:
    """Return what the coefficients of a coordinate multiply: x, y, 1 and the B-spline of each control."""
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
    """Return the masks of a kind and split, shape (faces, 10, side, side), 0 ... 255."""
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
