"""Random numbers of several distributions, made from the bits of the generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnn.checks import float_dtype, number, whole
from fastnn.random.philox import LOW_32, SHIFT_32, Seeds, bits, several


def uniform(
    seed: Seeds, purpose: int, step: int, shape: int | Sequence[int], dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Return random numbers that are uniform on [0, 1).

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as for `bits`.
    shape : int or sequence of ints
    dtype : float64 or float32, default float64

    Returns
    -------
    ndarray of that shape and dtype; of K seeds (K, *shape)

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If `dtype` is neither float32 nor float64, or another argument is not an integer.

    Notes
    -----
    In float64, number i is the upper 53 bits of words 2i (low half) and 2i + 1 (high half), times 2**-53. In float32,
    it is the upper 24 bits of word i, times 2**-24. Both are exact. The two dtypes give different numbers.

    Examples
    --------
    >>> from fastnn.random import Purpose, uniform
    >>> x = uniform(0, Purpose.CHECK, 0, (2, 3))
    >>> x.shape, bool(0 <= x.min() <= x.max() < 1)
    ((2, 3), True)
    """
    dims = _as_shape("uniform", shape)
    if float_dtype("uniform", dtype) == np.float32:
        high_24 = bits(seed, purpose, step, math.prod(dims)) >> np.uint32(8)
        return (high_24.astype(np.float32) * np.float32(2.0**-24)).reshape((*_rows(seed), *dims))
    return _doubles(seed, purpose, step, math.prod(dims)).reshape((*_rows(seed), *dims))


def normal(
    seed: Seeds, purpose: int, step: int, shape: int | Sequence[int], dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Return random numbers from the standard normal distribution.

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as for `bits`.
    shape : int or sequence of ints
    dtype : float64 or float32, default float64

    Returns
    -------
    ndarray of that shape and dtype; of K seeds (K, *shape)
        float32 values are the rounded float64 values.

    Raises
    ------
    ValueError, TypeError
        As for `uniform`.

    Notes
    -----
    The Box-Muller transform in float64: if u and v are the two uniform numbers of a block and r = sqrt(-2 log(1 - u)),
    the values are r cos(2 pi v) and r sin(2 pi v). No absolute value exceeds 8.58.

    Examples
    --------
    >>> from fastnn.random import Purpose, normal
    >>> z = normal(0, Purpose.INIT, 0, 10_000)
    >>> bool(abs(z.mean()) < 0.05 and abs(z.std() - 1) < 0.05)
    True
    """
    dims = _as_shape("normal", shape)
    target = float_dtype("normal", dtype)
    count = math.prod(dims)
    drawn = _normals(seed, purpose, step, (count + 1) // 2)[..., :count]
    return drawn.reshape((*_rows(seed), *dims)).astype(target, copy=False)


def truncated_normal(
    seed: Seeds,
    purpose: int,
    step: int,
    shape: int | Sequence[int],
    dtype: DTypeLike = np.float64,
    *,
    bound: float = 2.0,
) -> NDArray[Any]:
    """Return random numbers from the standard normal distribution truncated to [-bound, bound].

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as for `bits`.
    shape : int or sequence of ints
    dtype : float64 or float32, default float64
    bound : float, default 2.0
        At least 0.1, in standard deviations of the distribution before truncation.

    Returns
    -------
    ndarray of that shape and dtype; of K seeds (K, *shape)

    Raises
    ------
    ValueError, TypeError
        As for `uniform`; also ValueError if `bound` is NaN or below 0.1.

    Notes
    -----
    These are the values of the stream of `normal` that lie within the bound, in the same order. With bound 2, their
    standard deviation is 0.8796.

    Examples
    --------
    >>> from fastnn.random import Purpose, truncated_normal
    >>> bool(abs(truncated_normal(0, Purpose.INIT, 0, 1000)).max() <= 2)
    True
    """
    dims = _as_shape("truncated_normal", shape)
    target = float_dtype("truncated_normal", dtype)
    # A smaller bound would reject nearly all numbers that are drawn.
    bound = number("truncated_normal", "bound", bound, at_least=0.1, finite=False)
    if several(seed):  # each has numbers of its own that are left out
        rows = [truncated_normal(k, purpose, step, dims, target, bound=bound) for k in seed]
        return np.array(rows, target).reshape((len(seed), *dims))
    out = np.empty(math.prod(dims))
    filled = 0
    block = 0
    while filled < out.size:
        expected = (out.size - filled) / math.erf(bound / math.sqrt(2.0))
        pairs = min(int(0.5 * expected) + 32, 1 << 20)
        drawn = _normals(seed, purpose, step, pairs, block)
        block += pairs
        inside = drawn[np.abs(drawn) <= bound][: out.size - filled]
        out[filled : filled + inside.size] = inside
        filled += inside.size
    return out.reshape(dims).astype(target, copy=False)


def integers(seed: int, purpose: int, step: int, low: int, high: int, shape: int | Sequence[int]) -> NDArray[np.int64]:
    """Return random integers that are uniform on low, ..., high - 1.

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as for `bits`.
    low, high : int
        Both within the range of int64, with 1 <= high - low <= 2**32.
    shape : int or sequence of ints

    Returns
    -------
    ndarray of that shape, int64

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If an argument is not an integer.

    Notes
    -----
    Integer i is low + floor(w (high - low) / 2**64), where w is the 64-bit number made of words 2i (low half) and 2i +
    1 (high half). The relative error of the probability of a value is less than 2**-32.

    Examples
    --------
    >>> from fastnn.random import Purpose, integers
    >>> sorted(set(integers(0, Purpose.CHECK, 0, -1, 2, 100).tolist()))
    [-1, 0, 1]
    """
    dims = _as_shape("integers", shape)
    low = whole("integers", "low", low, at_least=-(2**63), below=2**63)
    high = whole("integers", "high", high, at_least=-(2**63), below=2**63)
    if not 1 <= high - low <= 2**32:
        raise ValueError(f"integers: high - low: expected 1 ... 2**32, got low {low} and high {high}")
    words = bits(seed, purpose, step, 2 * math.prod(dims)).astype(np.uint64)
    span = np.uint64(high - low)
    scaled = (words[1::2] * span + (words[0::2] * span >> SHIFT_32)) >> SHIFT_32
    return (scaled.astype(np.int64) + low).reshape(dims)


def permutation(seed: int, purpose: int, step: int, n: int) -> NDArray[np.int64]:
    """Return the numbers 0 ... n - 1 in random order.

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as for `bits`.
    n : int, 0 <= n < 2**32

    Returns
    -------
    ndarray, shape (n,), int64

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If an argument is not an integer.

    Notes
    -----
    Index i is sorted by word i of the stream. If two words are equal, which is expected for n**2 / 2**33 pairs, the
    smaller index comes first.

    Examples
    --------
    >>> from fastnn.random import Purpose, permutation
    >>> sorted(permutation(3, Purpose.SHUFFLE, 0, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    n = whole("permutation", "n", n, at_least=0, below=2**32)
    keys = bits(seed, purpose, step, n).astype(np.uint64)
    keys <<= SHIFT_32
    keys |= np.arange(n, dtype=np.uint64)
    keys.sort()  # sorting keys that contain the index is several times as fast as an argsort
    keys &= LOW_32
    return keys.view(np.int64)


def _doubles(seed: Seeds, purpose: int, step: int, count: int, first: int = 0) -> NDArray[np.float64]:
    words = bits(seed, purpose, step, 2 * count, 2 * first).astype("<u4", copy=False)
    return (words.view("<u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _normals(seed: Seeds, purpose: int, step: int, pairs: int, first_pair: int = 0) -> NDArray[np.float64]:
    halves = _doubles(seed, purpose, step, 2 * pairs, 2 * first_pair).reshape(*_rows(seed), pairs, 2)
    radius = np.sqrt(-2.0 * np.log(1.0 - halves[..., 0]))
    angle = (2.0 * np.pi) * halves[..., 1]
    np.multiply(radius, np.cos(angle), out=halves[..., 0])
    np.multiply(radius, np.sin(angle), out=halves[..., 1])
    return halves.reshape(*_rows(seed), 2 * pairs)


def _rows(seed: Seeds) -> tuple[int, ...]:
    """The dimension that a result has in front for several seeds."""
    return (len(seed),) if several(seed) else ()


def _as_shape(function: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    return tuple(whole(function, "shape", size, at_least=0, below=2**62) for size in sizes)
