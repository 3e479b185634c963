"""The generator Philox4x32-10, vectorised over blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import whole, wholes

Seeds = int | Sequence[int]
_Words = NDArray[np.uint64]

MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)
ROUNDS = 10
_WIDE = 2**53  # block numbers from here on are not handed to compiled code, which takes them as float64
_CHUNK = 16384  # blocks at a time: few calls of NumPy, and temporary arrays that fit into the cache


_compiled: Callable[..., None] | None = None  # see `use_compiled`


class Purpose(IntEnum):
    """What random numbers are used for; it is the last word of the counter, so that no two purposes share a stream."""

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
        One counter per row, least significant word first.
    key : two ints in 0 ... 2**32 - 1
        Least significant word first.

    Returns
    -------
    ndarray, shape (n, 4), uint32
        The block of four random words for each counter.

    Raises
    ------
    ValueError
        If `counter` has another shape, or `key` does not consist of two words of 32 bits.
    TypeError
        If the dtype of `counter` is not uint32.

    Notes
    -----
    J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.random import philox4x32
    >>> [hex(word) for word in philox4x32(np.zeros((1, 4), np.uint32), (0, 0))[0]]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    words = np.asarray(counter)
    if words.dtype != np.uint32:
        raise TypeError(f"philox4x32: counter: expected dtype uint32, got {words.dtype}")
    if words.ndim != 2 or words.shape[1] != 4:
        raise ValueError(f"philox4x32: counter: expected shape (n, 4), got {words.shape}")
    if len(key) != 2:
        raise ValueError(f"philox4x32: key: expected 2 words, got {len(key)}")
    key_0 = whole("philox4x32", "key[0]", key[0], at_least=0, below=2**32)
    key_1 = whole("philox4x32", "key[1]", key[1], at_least=0, below=2**32)
    even = words.T[0::2].astype(np.uint64, order="C")
    odd = words.T[1::2].astype(np.uint64, order="C")
    _rounds(even, odd, np.empty_like(even), key_0, key_1)
    out = np.empty(words.shape, np.uint32)
    out[:, 0::2] = even.T
    out[:, 1::2] = odd.T
    return out


def bits(seed: Seeds, purpose: int, step: int, size: int, offset: int = 0) -> NDArray[np.uint32]:
    """Return words `offset` ... `offset + size - 1` of a stream of random 32-bit words.

    Parameters
    ----------
    seed : int, 0 <= seed < 2**64, or sequence of K such
        The key: its low and its high 32 bits. Of several seeds, each has a row of the result.
    purpose : int, 0 <= purpose < 2**32
        A `Purpose`. Numbers from 1000 to 65,535 are free for users; larger ones add the number of a layer, times
        65,536, to a purpose.
    step : int, 0 <= step < 2**32
        The training step, the epoch or another number that the caller chooses.
    size : int
        The number of words.
    offset : int, default 0
        The index of the first word.

    Returns
    -------
    ndarray, shape (size,) or (K, size), uint32

    Raises
    ------
    ValueError
        If an argument is out of range.
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
    purpose, step = _stream("bits", purpose, step)
    if several(seed):
        keys = wholes("bits", "seed", seed, at_least=0, below=2**64)
    else:
        keys = [whole("bits", "seed", seed, at_least=0, below=2**64)]
    size = whole("bits", "size", size, at_least=0, below=2**63)
    offset = whole("bits", "offset", offset, at_least=0, below=2**63)
    first = offset // 4
    blocks = (offset + size + 3) // 4 - first
    skip = offset - 4 * first
    if _compiled is not None and first + blocks < _WIDE:
        halves = np.empty((len(keys), 2 * blocks), np.int64)
        _compiled(halves, np.array(keys, np.uint64).view(np.int64), first, step, purpose)
        words = halves.view(np.uint32)
    else:
        words = np.empty((len(keys), 4 * blocks), np.uint32)
        for row, key in zip(words.reshape(len(keys), blocks, 4), keys, strict=True):
            for start in range(0, blocks, _CHUNK):
                stop = min(start + _CHUNK, blocks)
                _blocks(np.arange(first + start, first + stop, dtype=np.uint64), step, purpose, key, row[start:stop])
    words = words[:, skip : skip + size]
    return words if several(seed) else words[0]


def several(seed: Seeds) -> TypeGuard[Sequence[int]]:
    """Whether this is a sequence of seeds."""
    return isinstance(seed, Sequence) and not isinstance(seed, str)


def use_compiled(words: Callable[..., None] | None) -> None:
    """Let `bits` call compiled code for its words, or compute them with NumPy (None); they are the same ones.

    Parameters
    ----------
    words : callable, optional
        ``words(out, seeds, first, step, purpose)`` writes for each of the `seeds` (K,), whose 64 bits are in int64, the
        words of the blocks from number `first` on to a row of `out` (K, n) int64, two in each element.
    """
    global _compiled
    _compiled = words


def sample_bits(seed: int, purpose: int, step: int, samples: ArrayLike, size: int) -> NDArray[np.uint32]:
    """Return the random words that belong to each sample.

    Parameters
    ----------
    seed, purpose, step : int
        The stream, as for `bits`.
    samples : array_like, shape (n,), integers, at least 0
        The numbers of the samples, in any order.
    size : int
        The number of words per sample.

    Returns
    -------
    ndarray, shape (n, size), uint32

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If an argument is not an integer.

    Notes
    -----
    With B = ceil(size / 4), sample i has the blocks i B ... (i + 1) B - 1 of the stream, so that its words do not
    depend on which other samples are in the call.

    Examples
    --------
    >>> from fastnn.random import Purpose, bits, sample_bits
    >>> sample_bits(7, Purpose.AUGMENT, 3, [5, 0], 6)[1].tolist() == bits(7, Purpose.AUGMENT, 3, 6).tolist()
    True
    """
    purpose, step = _stream("sample_bits", purpose, step)
    key = whole("sample_bits", "seed", seed, at_least=0, below=2**64)
    blocks = -(-whole("sample_bits", "size", size, at_least=0, below=2**32) // 4)
    numbers = np.asarray(samples)
    if numbers.dtype.kind not in "iu" and numbers.size:
        raise TypeError(f"sample_bits: samples: expected integers, got dtype {numbers.dtype}")
    if numbers.ndim != 1 or (numbers.size and not 0 <= int(numbers.min()) <= int(numbers.max()) < 2**31):
        raise ValueError(
            f"sample_bits: samples: expected shape (n,) and numbers in 0 ... 2**31 - 1, got shape {numbers.shape}"
        )
    first = numbers.astype(np.uint64) * np.uint64(blocks)
    out = np.empty((len(first), blocks, 4), np.uint32)
    rows = max(1, _CHUNK // max(1, blocks))
    for start in range(0, len(first), rows):
        index: _Words = np.add(first[start : start + rows, None], np.arange(blocks), dtype=np.uint64, casting="unsafe")
        _blocks(index.reshape(-1), step, purpose, key, out[start : start + rows].reshape(-1, 4))
    return out.reshape(len(first), 4 * blocks)[:, :size]


def _stream(function: str, purpose: int, step: int) -> tuple[int, int]:
    """Return the checked arguments that name a stream of a seed."""
    purpose = whole(function, "purpose", purpose, at_least=0, below=2**32)
    return purpose, whole(function, "step", step, at_least=0, below=2**32)


def _blocks(index: _Words, step: int, purpose: int, key: int, out: NDArray[np.uint32]) -> None:
    """Write the blocks of a stream whose numbers are `index` (n,) to `out` (n, 4)."""
    even, odd, product = np.empty((3, 2, len(index)), np.uint64)
    np.bitwise_and(index, LOW_32, out=even[0])
    np.right_shift(index, SHIFT_32, out=odd[0])
    even[1] = step
    odd[1] = purpose
    _rounds(even, odd, product, key & 0xFFFFFFFF, key >> 32)
    out[:, 0::2] = even.T
    out[:, 1::2] = odd.T


def _rounds(even: _Words, odd: _Words, product: _Words, key_0: int, key_1: int) -> None:
    """Run the ten rounds in place.

    `even` holds words 0 and 2 of the counters and `odd` words 1 and 3, as 32-bit numbers in uint64 arrays of shape (2,
    n); `product` is a temporary array of that shape.
    """
    crossed = product[::-1]  # each product goes to the other half
    for i in range(ROUNDS):
        np.multiply(even, MULTIPLIERS, out=product)
        np.right_shift(crossed, SHIFT_32, out=even)
        even ^= odd
        even ^= np.array([[(key_0 + i * WEYL[0]) & 0xFFFFFFFF], [(key_1 + i * WEYL[1]) & 0xFFFFFFFF]], np.uint64)
        np.bitwise_and(crossed, LOW_32, out=odd)
