"""Windows of images as columns, in the order of the hand-out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn import functional
from fastnn.compat.cs231n.arrays import Array, common

__all__ = ["col2im_indices", "get_im2col_indices", "im2col_indices"]


def get_im2col_indices(
    x_shape: tuple[int, int, int, int], field_height: int, field_width: int, padding: int = 1, stride: int = 1
) -> tuple[Array, Array, Array]:
    """Return (k, i, j): channel, row and column in the padded image of each element of each window."""
    _, channels, height, width = x_shape
    rows = (height + 2 * padding - field_height) // stride + 1
    cols = (width + 2 * padding - field_width) // stride + 1
    k, r, s = (a.reshape(-1, 1) for a in np.indices((channels, field_height, field_width)))
    y, x = (a.reshape(1, -1) for a in np.indices((rows, cols)))
    return k, r + stride * y, s + stride * x


def im2col_indices(x: ArrayLike, field_height: int, field_width: int, padding: int = 1, stride: int = 1) -> Array:
    """Return columns (C · field_height · field_width, windows · N), in which the image index varies fastest."""
    (images,) = common(x)
    columns = functional.im2col(images, (field_height, field_width), stride=stride, pad=padding)
    return columns.transpose(1, 2, 0).reshape(columns.shape[1], -1)


def col2im_indices(
    cols: ArrayLike,
    x_shape: tuple[int, int, int, int],
    field_height: int = 3,
    field_width: int = 3,
    padding: int = 1,
    stride: int = 1,
) -> Array:
    """Return images (N, C, H, W) in which each pixel is the sum of its elements in all columns."""
    (columns,) = common(cols)
    n, *shape = x_shape
    by_image = columns.reshape(len(columns), -1, n).transpose(2, 0, 1)
    return functional.col2im(by_image, shape, (field_height, field_width), stride=stride, pad=padding)
