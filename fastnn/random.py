"""Random numbers that are functions of where they are used, not of what was drawn before.

Everything random in fastnn comes from Philox4x32-10 [1]_, a counter-based generator: the key is the seed, the
counter says (index, step, purpose). Any piece of any stream can be computed alone, in any order and on any
thread, and two purposes (shuffling, dropout, ...) never share numbers.

`bits`, `uniform`, `integers` and `permutation` are exact: the same on every machine. `normal` and
`truncated_normal` go through NumPy's ``log``, ``sin`` and ``cos``, whose last digit may differ between
processors.

References
----------
.. [1] J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
   SC 2011.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "Purpose",
    "bits",
    "integers",
    "normal",
    "permutation",
    "philox4x32",
    "truncated_normal",
    "uniform",
]

_Words = NDArray[np.uint64]

_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_WEYL_0 = 0x9E3779B9
_WEYL_1 = 0xBB67AE85
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
_ROUNDS = 10
_CHUNK = 16384  # blocks at a time: few NumPy calls, and the work arrays stay in the cache


class Purpose(IntEnum):
    """What random numbers are for: the last word of the counter, so that no two uses share a stream."""

    INIT = 1
    SHUFFLE = 2
    DROPOUT = 3
    AUGMENT = 4
    SYNTHETIC = 5
    SPLIT = 6
    CHECK = 7


def philox4x32(counter: ArrayLike, key: Sequence[int]) -> NDArray[np.uint32]:
    """Apply the ten rounds of Philox4x32 to counters.

    Parameters
    ----------
    counter : array_like, shape (n, 4), uint32
        One counter a row, least significant word first.
    key : two ints in 0 ... 2**32 - 1
        Least significant word first.

    Returns
    -------
    ndarray, shape (n, 4), uint32
        The block of four random words of each counter.

    Raises
    ------
    ValueError
        If `counter` has another shape or `key` has not two words of 32 bits.
    TypeError
        If `counter` is not of dtype uint32.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.random import philox4x32
    >>> [hex(word) for word in philox4x32(np.zeros((1, 4), np.uint32), (0, 0))[0]]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    words = np.asarray(counter)
    if words.dtype != np.uint32:
        raise TypeError(f"philox4x32: counter must have dtype uint32, but has {words.dtype}")
    if words.ndim != 2 or words.shape[1] != 4:
        raise ValueError(f"philox4x32: counter must have shape (n, 4), but has {words.shape}")
    if len(key) != 2:
        raise ValueError(f"philox4x32: key must have 2 words, but has {len(key)}")
    key_0 = _integer("philox4x32", "key[0]", key[0], 2**32)
    key_1 = _integer("philox4x32", "key[1]", key[1], 2**32)
    even = words.T[0::2].astype(np.uint64, order="C")
    odd = words.T[1::2].astype(np.uint64, order="C")
    _rounds(even, odd, np.empty_like(even), key_0, key_1)
    out = np.empty(words.shape, np.uint32)
    out[:, 0::2] = even.T
    out[:, 1::2] = odd.T
    return out


def bits(seed: int, purpose: int, step: int, size: int, offset: int = 0) -> NDArray[np.uint32]:
    """Return words `offset` ... `offset + size - 1` of a stream of random 32-bit words.

    Parameters
    ----------
    seed : int, 0 <= seed < 2**64
        The key: its low and its high 32 bits.
    purpose : int, 0 <= purpose < 2**32
        A `Purpose`; numbers from 1000 are free for users.
    step : int, 0 <= step < 2**32
        The training step, the epoch or another count chosen by the caller.
    size : int
        How many words.
    offset : int, default 0
        The first word wanted.

    Returns
    -------
    ndarray, shape (size,), uint32

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If an argument is not an integer.

    Notes
    -----
    Word j of the stream is word j mod 4 of the block with counter (b mod 2**32, b div 2**32, step, purpose),
    where b = j div 4; words are numbered from the least significant.

    Examples
    --------
    >>> from fastnn.random import Purpose, bits
    >>> bits(7, Purpose.SHUFFLE, 0, 6)[4:].tolist() == bits(7, Purpose.SHUFFLE, 0, 2, offset=4).tolist()
    True
    """
    key = _integer("bits", "seed", seed, 2**64)
    purpose = _integer("bits", "purpose", purpose, 2**32)
    step = _integer("bits", "step", step, 2**32)
    size = _integer("bits", "size", size, 2**63)
    offset = _integer("bits", "offset", offset, 2**63)
    first = offset // 4
    blocks = (offset + size + 3) // 4 - first
    out = np.empty((blocks, 4), np.uint32)
    scratch = np.empty((3, 2, min(blocks, _CHUNK)), np.uint64)
    for start in range(0, blocks, _CHUNK):
        stop = min(start + _CHUNK, blocks)
        even, odd, product = scratch[:, :, : stop - start]
        index = np.arange(first + start, first + stop, dtype=np.uint64)
        np.bitwise_and(index, _LOW_32, out=even[0])
        np.right_shift(index, _SHIFT_32, out=odd[0])
        even[1] = step
        odd[1] = purpose
        _rounds(even, odd, product, key & 0xFFFFFFFF, key >> 32)
        out[start:stop, 0::2] = even.T
        out[start:stop, 1::2] = odd.T
    skip = offset - 4 * first
    return out.reshape(-1)[skip : skip + size]


def uniform(
    seed: int, purpose: int, step: int, shape: int | Sequence[int], dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Return numbers uniform on [0, 1).

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as in `bits`.
    shape : int or sequence of ints
        Of the result.
    dtype : float64 or float32, default float64
        Of the result.

    Returns
    -------
    ndarray of that shape and dtype

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If `dtype` is another one, or `seed`, `purpose`, `step` or `shape` are not integers.

    Notes
    -----
    float64: the upper 53 bits of words 2i (low half) and 2i + 1 (high half), times 2**-53. float32: the upper
    24 bits of word i, times 2**-24. Both are exact; the two dtypes give different numbers.

    Examples
    --------
    >>> from fastnn.random import Purpose, uniform
    >>> x = uniform(0, Purpose.CHECK, 0, (2, 3))
    >>> x.shape, bool(0 <= x.min() <= x.max() < 1)
    ((2, 3), True)
    """
    dims = _shape("uniform", shape)
    if _float_dtype("uniform", dtype) == np.float32:
        high_24 = bits(seed, purpose, step, math.prod(dims)) >> np.uint32(8)
        return (high_24.astype(np.float32) * np.float32(2.0**-24)).reshape(dims)
    return _doubles(seed, purpose, step, math.prod(dims)).reshape(dims)


def normal(
    seed: int, purpose: int, step: int, shape: int | Sequence[int], dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Return numbers from the standard normal distribution.

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as in `bits`.
    shape : int or sequence of ints
        Of the result.
    dtype : float64 or float32, default float64
        Of the result.

    Returns
    -------
    ndarray of that shape and dtype
        float32 values are the float64 ones, rounded.

    Raises
    ------
    ValueError, TypeError
        As in `uniform`.

    Notes
    -----
    Box-Muller in float64: with u, v the two float64 uniforms of a block, r = sqrt(-2 log(1 - u)), the values
    are r cos(2 pi v) and r sin(2 pi v). None is larger than 8.58 in size.

    Examples
    --------
    >>> from fastnn.random import Purpose, normal
    >>> z = normal(0, Purpose.INIT, 0, 10_000)
    >>> bool(abs(z.mean()) < 0.05 and abs(z.std() - 1) < 0.05)
    True
    """
    dims = _shape("normal", shape)
    target = _float_dtype("normal", dtype)
    count = math.prod(dims)
    return _normals(seed, purpose, step, (count + 1) // 2)[:count].reshape(dims).astype(target, copy=False)


def truncated_normal(
    seed: int,
    purpose: int,
    step: int,
    shape: int | Sequence[int],
    dtype: DTypeLike = np.float64,
    *,
    bound: float = 2.0,
) -> NDArray[Any]:
    """Return numbers from the standard normal distribution, given that they lie in [-bound, bound].

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as in `bits`.
    shape : int or sequence of ints
        Of the result.
    dtype : float64 or float32, default float64
        Of the result.
    bound : float, default 2.0
        In standard deviations of the distribution before truncation; at least 0.1.

    Returns
    -------
    ndarray of that shape and dtype

    Raises
    ------
    ValueError, TypeError
        As in `uniform`; ValueError if `bound` is NaN or below 0.1.

    Notes
    -----
    The values of the stream of `normal` that lie within the bound, in their order; the others are left out.
    With bound 2 the standard deviation is 0.8796.

    Examples
    --------
    >>> from fastnn.random import Purpose, truncated_normal
    >>> bool(abs(truncated_normal(0, Purpose.INIT, 0, 1000)).max() <= 2)
    True
    """
    dims = _shape("truncated_normal", shape)
    target = _float_dtype("truncated_normal", dtype)
    if not bound >= 0.1:  # also refuses NaN; below it nearly everything drawn would be thrown away
        raise ValueError(f"truncated_normal: bound must be at least 0.1, but is {bound}")
    out = np.empty(math.prod(dims))
    kept = 0
    block = 0
    while kept < out.size:
        expected = (out.size - kept) / math.erf(bound / math.sqrt(2.0))
        pairs = min(int(0.5 * expected) + 32, 1 << 20)
        drawn = _normals(seed, purpose, step, pairs, block)
        block += pairs
        inside = drawn[np.abs(drawn) <= bound][: out.size - kept]
        out[kept : kept + inside.size] = inside
        kept += inside.size
    return out.reshape(dims).astype(target, copy=False)


def integers(
    seed: int, purpose: int, step: int, low: int, high: int, shape: int | Sequence[int]
) -> NDArray[np.int64]:
    """Return integers uniform on low, ..., high - 1.

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as in `bits`.
    low, high : int
        Both within int64, 1 <= high - low <= 2**32.
    shape : int or sequence of ints
        Of the result.

    Returns
    -------
    ndarray of that shape, int64

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If an argument is not an integer.

    Notes
    -----
    floor(w (high - low) / 2**64), where w is the 64-bit number made of words 2i (low half) and 2i + 1 (high
    half). The probability of a value is off by less than one part in 2**32.

    Examples
    --------
    >>> from fastnn.random import Purpose, integers
    >>> sorted(set(integers(0, Purpose.CHECK, 0, -1, 2, 100).tolist()))
    [-1, 0, 1]
    """
    dims = _shape("integers", shape)
    low = _integer("integers", "low", low, 2**63, -(2**63))
    high = _integer("integers", "high", high, 2**63, -(2**63))
    if not 1 <= high - low <= 2**32:
        raise ValueError(f"integers: high - low must be in 1 ... 2**32, but low is {low} and high is {high}")
    words = bits(seed, purpose, step, 2 * math.prod(dims)).astype(np.uint64)
    span = np.uint64(high - low)
    scaled = (words[1::2] * span + (words[0::2] * span >> _SHIFT_32)) >> _SHIFT_32
    return (scaled.astype(np.int64) + low).reshape(dims)


def permutation(seed: int, purpose: int, step: int, n: int) -> NDArray[np.int64]:
    """Return the numbers 0 ... n - 1 in random order.

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as in `bits`.
    n : int, 0 <= n < 2**32
        How many.

    Returns
    -------
    ndarray, shape (n,), int64

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If an argument is not an integer.

    Notes
    -----
    The indices are sorted by word i of the stream; equal words (some n**2 / 2**33 pairs) leave the smaller
    index first.

    Examples
    --------
    >>> from fastnn.random import Purpose, permutation
    >>> sorted(permutation(3, Purpose.SHUFFLE, 0, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    n = _integer("permutation", "n", n, 2**32)
    keys = bits(seed, purpose, step, n).astype(np.uint64)
    keys <<= _SHIFT_32
    keys |= np.arange(n, dtype=np.uint64)
    keys.sort()  # one sort of whole numbers; an argsort would take several times as long
    keys &= _LOW_32
    return keys.view(np.int64)


def _rounds(even: _Words, odd: _Words, product: _Words, key_0: int, key_1: int) -> None:
    """Run the ten rounds in place.

    `even` holds words 0 and 2 of the counters, `odd` words 1 and 3, as 32-bit numbers in uint64 arrays of
    shape (2, n); `product` is scratch of that shape.
    """
    crossed = product[::-1]  # each product goes to the other half
    for turn in range(_ROUNDS):
        np.multiply(even, _MULTIPLIERS, out=product)
        np.right_shift(crossed, _SHIFT_32, out=even)
        even ^= odd
        even ^= np.array(
            [[(key_0 + turn * _WEYL_0) & 0xFFFFFFFF], [(key_1 + turn * _WEYL_1) & 0xFFFFFFFF]], np.uint64
        )
        np.bitwise_and(crossed, _LOW_32, out=odd)


def _doubles(seed: int, purpose: int, step: int, count: int, first: int = 0) -> NDArray[np.float64]:
    words = bits(seed, purpose, step, 2 * count, 2 * first).astype("<u4", copy=False)
    return (words.view("<u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _normals(seed: int, purpose: int, step: int, pairs: int, first_pair: int = 0) -> NDArray[np.float64]:
    halves = _doubles(seed, purpose, step, 2 * pairs, 2 * first_pair).reshape(pairs, 2)
    radius = np.sqrt(-2.0 * np.log(1.0 - halves[:, 0]))
    angle = (2.0 * np.pi) * halves[:, 1]
    np.multiply(radius, np.cos(angle), out=halves[:, 0])
    np.multiply(radius, np.sin(angle), out=halves[:, 1])
    return halves.reshape(-1)


def _integer(function: str, name: str, value: object, stop: int, start: int = 0) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{function}: {name} must be an integer, but is {value!r}")
    if not start <= number < stop:
        raise ValueError(f"{function}: {name} must be at least {start} and below {stop}, but is {number}")
    return number


def _shape(function: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    dims = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    return tuple(_integer(function, "shape", size, 2**62) for size in dims)


def _float_dtype(function: str, dtype: DTypeLike) -> np.dtype[Any]:
    target = np.dtype(dtype)
    if target not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"{function}: dtype must be float32 or float64, but is {target}")
    return target
