"""What is made of random words, those of `fastnn.random` (Philox4x32-10): dropout and noise.

Permutations are left to NumPy, whose sorting is most of the work.
"""

import math

import numpy as np

from fastnn.kernels.limits import NOISE_BYTES_MEAN, NOISE_BYTES_VARIANCE
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array
from fastnn.random.philox import MULTIPLIERS, ROUNDS, WEYL

_M0, _M1 = (int(m) for m in MULTIPLIERS.ravel())
_W0, _W1 = WEYL
_LOW = 0xFFFFFFFF


@jit
def _words(first: Array, seed_low: int, seed_high: int, step: int, purpose: int, out: Array) -> None:
    """The words (n, 4 blocks) of the blocks from number first[i] on in row i."""
    low, shift = np.uint64(_LOW), np.uint64(32)
    m0, m1 = np.uint64(_M0), np.uint64(_M1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1] // 4):
            block = np.uint64(first[i]) + np.uint64(j)
            c0, c1, c2, c3 = block & low, block >> shift, np.uint64(step), np.uint64(purpose)
            k0, k1 = np.uint64(seed_low), np.uint64(seed_high)
            for _ in range(ROUNDS):
                p0, p1 = m0 * c0, m1 * c2
                c0, c2 = (p1 >> shift) ^ c1 ^ k0, (p0 >> shift) ^ c3 ^ k1
                c1, c3 = p1 & low, p0 & low
                k0, k1 = (k0 + np.uint64(_W0)) & low, (k1 + np.uint64(_W1)) & low
            out[i, 4 * j] = c0
            out[i, 4 * j + 1] = c1
            out[i, 4 * j + 2] = c2
            out[i, 4 * j + 3] = c3


def _words_of(first: Array, size: int, seed_low: float, seed_high: float, step: int, purpose: float) -> Array:
    """Words (n, size), padded to whole blocks, of samples whose blocks begin at `first` (n,)."""
    out = np.empty((len(first), -(-size // 4) * 4), np.uint32)
    _words(first, int(seed_low), int(seed_high), step % 2**32, int(purpose), out)
    return out


@jit
def _keep(x: Array, words: Array, least: int, factor: np.floating, out: Array) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] * factor if words[i, j] >= least else 0


@np.errstate(all="ignore")
def dropout(
    x: Array, step: Array, row: Array, out: Array, rate: float, seed_low: int, seed_high: int, purpose: int
) -> None:
    """``out = x / (1 - rate)``, or 0 for a fraction ``rate`` of the elements."""
    n, d = x.shape
    first = (int(row[0]) + np.arange(n, dtype=np.int64)) * -(-d // 4)
    words = _words_of(first, d, seed_low, seed_high, int(step[0]), purpose)
    _keep(x, words, round(rate * 2**32), x.dtype.type(1 / (1 - rate) if rate < 1 else 0), out)


@jit
def _add_noise(x: Array, words: Array, factor: np.floating) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            word = np.int64(words[i, j])
            total = (word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24) - NOISE_BYTES_MEAN
            x[i, j] += factor * x.dtype.type(total)


@jit
def _clamp(x: Array, low: float, high: float) -> None:
    least, most = x.dtype.type(low), x.dtype.type(high)
    for i in range(x.size):
        value = x[i]
        value = least if value < low else value
        x[i] = most if value > high else value


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
    """Add noise of standard deviation ``noise``, clamp, and clear a box (top, bottom, left, right), all in place."""
    n, h, w = len(x), *x.shape[2:]
    rows = x.reshape(n, -1) if x.size else x.reshape(n, 0)
    if noise != 0 and x.size:
        first = sample * -(-rows.shape[1] // 4)
        words = _words_of(first, rows.shape[1], seed_low, seed_high, int(epoch), purpose)
        _add_noise(rows, words, x.dtype.type(noise / math.sqrt(NOISE_BYTES_VARIANCE)))
    _clamp(rows.reshape(-1), low, high)
    if box is not None:
        for image, (top, bottom, left, right) in zip(x, np.clip(box, 0, (h, h, w, w)), strict=True):
            image[:, top:bottom, left:right] = 0
