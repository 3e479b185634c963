"""Oracles of the augmentation kernels; see kernel_oracles.py."""

import math
from types import SimpleNamespace

import numpy as np
from kernel_oracles import Expected, oracle
from strategies import Array

from fastnn.random import philox4x32


def _hat(coordinate: Array, count: int) -> Array:
    """The weight of each of `count` pixels in the value at a coordinate: 1 minus the distance, if that is positive."""
    return np.maximum(0, 1 - abs(coordinate[..., None] - np.arange(count)))


@oracle
def warp_images(a: SimpleNamespace, u: float) -> Expected:
    """Each output is a weighted sum over all pixels."""
    n, _, p, q = a.out.shape
    h, w = a.source.shape[2:]
    chosen = (a.source[:n] if a.index is None else a.source[a.index]).astype(a.dtype).astype(a.wide)
    row, column = np.mgrid[:p, :q].astype(a.wide)
    places, slips = [], []
    for axis, most in enumerate((w, h)):
        terms = [
            a.transform[:, 3 * axis + k, None, None] * factor
            for k, factor in enumerate((column, row, np.ones_like(row)))
        ]
        if a.control is not None:
            field = a.control[:, axis, :, :, None, None]
            field = field * a.basis_y[None, :, None, :, None] * a.basis_x[None, None, :, None, :]
            terms += list(np.moveaxis(field.reshape(n, -1, p, q), 1, 0))
        value = sum(terms)
        places.append(np.clip(value, -1, most))
        slips.append((8 + math.sqrt(len(terms))) * 2 * u * (sum(abs(term) for term in terms) + 2))
    value = np.einsum("nchw,npqh,npqw->ncpq", chosen, _hat(places[1], h), _hat(places[0], w))
    most = abs(chosen).max(axis=(2, 3), keepdims=True) if chosen.size else np.zeros((n, 1, 1, 1))
    # the error from a rounded coordinate (the slope is at most the difference of neighbours), and three interpolations
    return {"out": (value, most * (2 * (slips[0] + slips[1])[:, None] + 12 * u))}


@oracle
def noise_cutout(a: SimpleNamespace, u: float) -> Expected:
    n, _, h, w = a.x.shape
    x = a.x.copy()
    size = a.x[0].size if n else 0
    blocks = -(-size // 4)
    added = np.zeros((n, size))
    for i in range(n if a.noise else 0):
        counter = np.zeros((blocks, 4), np.uint32)
        number = int(a.sample[i]) * blocks + np.arange(blocks)
        counter[:, 0], counter[:, 1] = number & 0xFFFFFFFF, number >> 32
        counter[:, 2], counter[:, 3] = a.epoch, a.purpose
        words = philox4x32(counter, (a.seed_low, a.seed_high)).reshape(-1)[:size].astype("<u4")
        # each byte is uniform on 0 … 255, whose variance is (256² - 1) / 12
        added[i] = (words.view(np.uint8).reshape(size, 4).astype(float) - 127.5).sum(axis=1)
    x += (added * (a.noise / math.sqrt(4 * (256**2 - 1) / 12))).reshape(x.shape)
    bound = 4 * u * (abs(a.x) + abs(x - a.x))
    x = np.minimum(np.maximum(x, a.low), a.high)
    rows, columns = np.arange(h)[:, None], np.arange(w)
    for i in range(n if a.box is not None else 0):
        top, bottom, left, right = a.box[i]
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        x[i, :, inside] = 0
        bound[i, :, inside] = 0
    return {"x": (x, bound)}
