"""Augmentation of images: a geometric transform, then noise and rectangles of zeros."""

import math

import numpy as np

from fastnn.kernels.limits import NOISE_BYTES_MEAN, NOISE_BYTES_VARIANCE
from fastnn.kernels.reference.arrays import Array
from fastnn.random import sample_bits


@np.errstate(all="ignore")
def warp_images(
    source: Array,
    index: Array | None,
    transform: Array,
    control: Array | None,
    basis_y: Array | None,
    basis_x: Array | None,
    out: Array,
) -> None:
    """Images ``source[index]`` seen through an affine transform and displacements, with bilinear interpolation.

    Pixel (i, j) of image n has the value of its source at column x and row y, ::

        x = transform[n, 0] j + transform[n, 1] i + transform[n, 2] + field[0]
        y = transform[n, 3] j + transform[n, 4] i + transform[n, 5] + field[1]
        field[a] = sum over u, v of control[n, a, u, v] basis_y[u, i] basis_x[v, j]

    where pixels have integer coordinates and an image has a margin of zeros, so that it fades out over one pixel. A NaN
    coordinate lies outside. At integer x and y the result is exactly the pixel, if its neighbours are finite.
    """
    n, _, p, q = out.shape
    h, w = source.shape[2:]
    column, row = np.arange(q, dtype=out.dtype), np.arange(p, dtype=out.dtype)[:, None]
    x, y = (
        terms[:, 0, None, None] * column + (terms[:, 1, None, None] * row + terms[:, 2, None, None])
        for terms in (transform[:, :3], transform[:, 3:])
    )
    if control is not None and basis_y is not None and basis_x is not None:
        moved = np.matmul(basis_y.T, control) @ basis_x
        x, y = x + moved[:, 0], y + moved[:, 1]
    x = np.minimum(np.where(x > -1, x, -1), w).astype(out.dtype) + 1  # counted from the margin
    y = np.minimum(np.where(y > -1, y, -1), h).astype(out.dtype) + 1
    col, line = x.astype(np.int64), y.astype(np.int64)
    fx, fy = (x - col.astype(x.dtype))[:, None], (y - line.astype(y.dtype))[:, None]
    chosen = source[:n] if index is None else source[index]
    padded = np.pad(chosen.astype(out.dtype), ((0, 0), (0, 0), (1, 2), (1, 2)))
    image = np.arange(n)[:, None, None]
    corner = [np.moveaxis(padded[image, :, line + k // 2, col + k % 2], -1, 1) for k in range(4)]
    above, below = corner[0] + fx * (corner[1] - corner[0]), corner[2] + fx * (corner[3] - corner[2])
    out[...] = above + fy * (below - above)


@np.errstate(all="ignore")
def noise_cutout(
    x: Array,
    sample: Array,
    box: Array | None,
    epoch: int,
    noise: float,
    low: float,
    high: float,
    seed_low: int,
    seed_high: int,
    purpose: int,
) -> None:
    """Add noise of standard deviation ``noise``, clamp, and clear a box (top, bottom, left, right), all in place.

    The noise of pixel e of sample s is the sum of the four bytes of its random word, minus the mean of such sums, times
    a scale. It is close to normal and at most 3.46 standard deviations. Its word is number e of the sample
    (`fastnn.random.sample_bits`) in the stream of ``purpose`` and ``epoch``. A box may reach beyond the image.
    """
    h, w = x.shape[2:]
    if noise != 0 and x.size:
        seed = int(seed_high) << 32 | int(seed_low)
        words = sample_bits(seed, int(purpose), int(epoch) % 2**32, sample, x[0].size)
        four = (words[..., None] >> np.arange(0, 32, 8, dtype=np.uint32)) & np.uint32(255)
        total = four.sum(axis=-1, dtype=np.int64) - NOISE_BYTES_MEAN
        x += (x.dtype.type(noise / math.sqrt(NOISE_BYTES_VARIANCE)) * total.astype(x.dtype)).reshape(x.shape)
    x[x < low] = low
    x[x > high] = high
    if box is not None:
        for image, (top, bottom, left, right) in zip(x, np.clip(box, 0, (h, h, w, w)), strict=True):
            image[:, top:bottom, left:right] = 0
