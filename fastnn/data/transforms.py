"""What becomes of each image of an augmentation: the random numbers of a sample made into maps and boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.splines import cubic_b_spline
from fastnn.random import Purpose, sample_bits

if TYPE_CHECKING:
    from fastnn.data.augmentation import Augmentation

__all__ = ["NOISE", "Distortion", "draw"]

NOISE = Purpose.AUGMENT + (1 << 16)  # purpose of the words that noise is made of
_FIELD = Purpose.AUGMENT + (2 << 16)  # and of those that the elastic field is

_CONTROLS = 7  # the elastic field is a cubic B-spline over 7 x 7 control points
_NUMBERS = 12  # words of a sample for all else


@dataclass(frozen=True)
class Distortion:
    """Arguments of the kernels, for n images."""

    place: NDArray[np.float64]  # (n, 6)
    control: NDArray[np.float64] | None  # (n, 2, u, v), pixels
    basis: tuple[NDArray[np.float64], NDArray[np.float64]] | None  # (u, h) and (v, w)
    box: NDArray[np.int64] | None  # (n, 4)


def draw(how: Augmentation, samples: NDArray[np.int64], epoch: int, h: int, w: int) -> Distortion:
    """Draw the distortions of samples (n,) in an epoch, for images of h x w pixels."""
    # a sample's numbers are the same whichever of them are used
    words = sample_bits(how.seed, Purpose.AUGMENT, epoch, samples, _NUMBERS)
    number = np.multiply(words.T, 2.0**-32, order="C")  # (12, n) uniform on [0, 1)
    control = basis = None
    if how.elastic:
        count = 2 * _CONTROLS * _CONTROLS
        field = sample_bits(how.seed, _FIELD, epoch, samples, -(-count // 4))
        drawn = np.ascontiguousarray(field, "<u4").view(np.uint8)[:, :count]
        control = ((drawn / 127.5 - 1) * how.elastic).reshape(-1, 2, _CONTROLS, _CONTROLS)
        basis = cubic_b_spline(_CONTROLS, h) / 6, cubic_b_spline(_CONTROLS, w) / 6
    box = _box(how.cutout, number[9:11], h, w) if how.cutout else None
    return Distortion(_place(how, number, h, w), control, basis, box)


def _place(how: Augmentation, number: NDArray[np.float64], h: int, w: int) -> NDArray[np.float64]:
    """Where output pixels look: back through the shift, the rotation, the scale, the crop and the flip."""
    angle = np.deg2rad(_between(number[4], -how.rotate, how.rotate))
    share = _between(number[6], how.crop, 1.0)
    zoom = share / _between(number[5], 1 - how.scale, 1 + how.scale)
    cosine, sine = np.cos(angle) * zoom, np.sin(angle) * zoom
    right, down = (np.floor(value * (2 * how.shift + 1)) - how.shift for value in number[2:4])
    middle_x, middle_y = (w - 1) / 2, (h - 1) / 2
    # the piece that is cropped lies within the image
    aside_x, aside_y = ((1 - share) * _between(number[k], -0.5, 0.5) * side for k, side in ((7, w), (8, h)))
    from_x, from_y = middle_x + right, middle_y + down
    place = np.empty((number.shape[1], 6))
    place[:, 0], place[:, 1] = cosine, -sine
    place[:, 2] = middle_x + aside_x - (cosine * from_x - sine * from_y)
    place[:, 3], place[:, 4] = sine, cosine
    place[:, 5] = middle_y + aside_y - (sine * from_x + cosine * from_y)
    for axis, name, last in ((0, "horizontal", w - 1), (1, "vertical", h - 1)):
        if how.flip in (name, "both"):
            turned = number[axis] < 0.5
            terms = place[turned, 3 * axis : 3 * axis + 3]
            place[turned, 3 * axis : 3 * axis + 3] = [0, 0, last] - terms
    return place


def _box(side: int, number: NDArray[np.float64], h: int, w: int) -> NDArray[np.int64]:
    """Squares with their middle in the image, so that some reach beyond it."""
    left, top = (np.floor(number[k] * size).astype(np.int64) - side // 2 for k, size in enumerate((w, h)))
    return np.ascontiguousarray(np.stack([top, top + side, left, left + side], axis=1))


def _between(number: Any, low: float, high: float) -> Any:
    return low + number * (high - low)
