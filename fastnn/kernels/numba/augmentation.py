"""Augmentation: images seen through a geometric transform."""

import numpy as np

from fastnn.kernels import reference
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.numba.gather import COMPILES
from fastnn.kernels.reference.arrays import Array


@jit
def _warp(source: Array, index: Array, transform: Array, moved: Array, out: Array) -> None:
    """Pixel by pixel as the reference does it; moved is (n, 2, p, q), or has no images where nothing is displaced."""
    real = out.dtype.type
    height, width = source.shape[2], source.shape[3]
    zero, one = real(0), real(1)
    for n in range(out.shape[0]):
        image = index[n]
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                x = transform[n, 0] * real(j) + (transform[n, 1] * real(i) + transform[n, 2])
                y = transform[n, 3] * real(j) + (transform[n, 4] * real(i) + transform[n, 5])
                if moved.shape[0] > 0:
                    x, y = x + moved[n, 0, i, j], y + moved[n, 1, i, j]
                x = (x if x > -1 else -one) if not x > width else real(width)
                y = (y if y > -1 else -one) if not y > height else real(height)
                x, y = x + one, y + one  # counted from the margin
                col, line = int(x), int(y)
                fx, fy = x - real(col), y - real(line)
                left, right = 0 < col <= width, col < width
                top, bottom = 0 < line <= height, line < height
                for c in range(out.shape[1]):
                    a = real(source[image, c, line - 1, col - 1]) if top and left else zero
                    b = real(source[image, c, line - 1, col]) if top and right else zero
                    d = real(source[image, c, line, col - 1]) if bottom and left else zero
                    e = real(source[image, c, line, col]) if bottom and right else zero
                    above, below = a + fx * (b - a), d + fx * (e - d)
                    out[n, c, i, j] = above + fy * (below - above)


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
    """Images ``source[index]`` seen through an affine transform and displacements, with bilinear interpolation."""
    if source.dtype.char not in COMPILES or not source.dtype.isnative:
        return reference.warp_images(source, index, transform, control, basis_y, basis_x, out)
    n, _, p, q = out.shape
    moved = np.empty((0, 2, p, q), out.dtype)
    if control is not None and basis_y is not None and basis_x is not None:
        moved = np.matmul(basis_y.T, control) @ basis_x
    _warp(source, np.arange(n) if index is None else index, transform, moved, out)
    return None
