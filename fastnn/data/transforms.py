"""The random transforms of `Augmentation`, from the random numbers of each sample to the arguments of the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.data.splines import cubic_b_spline
from fastnn.random import Purpose, sample_bits

_ELASTIC = Purpose.AUGMENT + (2 << 16)  # the purpose of the random words that elastic fields are made of
_CONTROLS = 7  # an elastic field is a cubic B-spline over 7 x 7 control points
_UNIFORMS = 12  # random words per sample for all other transforms

Floats = NDArray[np.float64]


def sample_uniforms(seed: int, epoch: int, samples: ArrayLike) -> Floats:
    """Draw the random numbers that a sample uses in an epoch, whichever transforms are switched on.

    Returns
    -------
    ndarray, shape (12, n), float64
        Uniform on [0, 1); column i belongs to sample i of `samples`.
    """
    words = sample_bits(seed, Purpose.AUGMENT, epoch, samples, _UNIFORMS)
    return np.multiply(words.T, 2.0**-32, order="C")


def affine_maps(
    uniform: Floats, h: int, w: int, *, shift: int, rotate: float, scale: float, crop: float, flip: str
) -> Floats:
    """Return the maps from output pixels to the points of the image that they show.

    A map goes back through the shift, the rotation, the scaling, the crop and the flip, in this order.

    Parameters
    ----------
    uniform : ndarray, shape (12, n)
        From `sample_uniforms`.
    h, w : int
        The size of the images in pixels.
    shift, rotate, scale, crop, flip
        As for `Augmentation`.

    Returns
    -------
    ndarray, shape (n, 6), float64
        a, b, c, d, e, f of each map (x, y) -> (a x + b y + c, d x + e y + f).
    """
    angle = np.deg2rad(_between(uniform[4], -rotate, rotate))
    side = _between(uniform[6], crop, 1.0)  # the side of the crop, as a fraction of that of the image
    zoom = side / _between(uniform[5], 1 - scale, 1 + scale)
    cosine, sine = np.cos(angle) * zoom, np.sin(angle) * zoom
    right, down = (np.floor(value * (2 * shift + 1)) - shift for value in uniform[2:4])
    centre_x, centre_y = (w - 1) / 2, (h - 1) / 2
    # The distance between the centres of the crop and the image; it is so small that the crop lies inside the image.
    crop_x, crop_y = ((1 - side) * _between(uniform[k], -0.5, 0.5) * size for k, size in ((7, w), (8, h)))
    from_x, from_y = centre_x + right, centre_y + down
    maps = np.empty((uniform.shape[1], 6))
    maps[:, 0], maps[:, 1] = cosine, -sine
    maps[:, 2] = centre_x + crop_x - (cosine * from_x - sine * from_y)
    maps[:, 3], maps[:, 4] = sine, cosine
    maps[:, 5] = centre_y + crop_y - (sine * from_x + cosine * from_y)
    for axis, name, last in ((0, "horizontal", w - 1), (1, "vertical", h - 1)):
        if flip in (name, "both"):
            flipped = uniform[axis] < 0.5
            terms = maps[flipped, 3 * axis : 3 * axis + 3]
            maps[flipped, 3 * axis : 3 * axis + 3] = [0, 0, last] - terms
    return maps


def elastic_fields(
    seed: int, epoch: int, samples: ArrayLike, strength: float, h: int, w: int
) -> tuple[Floats, Floats, Floats]:
    """Draw elastic displacement fields, as control points and the basis of their B-splines.

    Parameters
    ----------
    seed, epoch : int
    samples : array_like, shape (n,), int
    strength : float
        The largest displacement of a control point along an axis, in pixels.
    h, w : int
        The size of the images in pixels.

    Returns
    -------
    controls : ndarray, shape (n, 2, 7, 7), float64
        Displacements of the control points in pixels.
    basis_y, basis_x : ndarray, shapes (7, h) and (7, w), float64
        The weight of each control point at each row and column.
    """
    count = 2 * _CONTROLS * _CONTROLS
    words = sample_bits(seed, _ELASTIC, epoch, samples, -(-count // 4))
    random_bytes = np.ascontiguousarray(words, "<u4").view(np.uint8)[:, :count]
    controls = ((random_bytes / 127.5 - 1) * strength).reshape(-1, 2, _CONTROLS, _CONTROLS)
    return controls, cubic_b_spline(_CONTROLS, h) / 6, cubic_b_spline(_CONTROLS, w) / 6


def cutout_boxes(uniform: Floats, side: int, h: int, w: int) -> NDArray[np.int64]:
    """Return squares whose centres lie in the image, so that some extend beyond its edge.

    Parameters
    ----------
    uniform : ndarray, shape (12, n)
        From `sample_uniforms`.
    side, h, w : int
        The side of the squares and the size of the images, in pixels.

    Returns
    -------
    ndarray, shape (n, 4), int64
        First row, row after the last, first column, column after the last.
    """
    left, top = (np.floor(uniform[k] * size).astype(np.int64) - side // 2 for k, size in ((9, w), (10, h)))
    return np.ascontiguousarray(np.stack([top, top + side, left, left + side], axis=1))


def _between(uniform: Any, low: float, high: float) -> Any:
    return low + uniform * (high - low)
