"""Products of factors that are split into bf16 numbers, in the arithmetic of AMX's tile registers.

A bf16 number has the exponent of a float32 and 8 of its 24 binary digits. What is said of numbers below the smallest
normal one holds for float32: they count as zero, in factors and in results.
"""

import numpy as np

from fastnn.kernels.precisions import Precision
from fastnn.kernels.reference.arrays import Array

_BLOCK = 32  # products that one instruction adds up
_SMALLEST = 2.0**-126  # normal number


def nearest_bf16(x: Array) -> Array:
    """The bf16 number nearest to each float32, ties to even, as float32; the largest where that would be infinite."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    magnitude = bits & 0x7FFFFFFF
    nearest = np.where(magnitude >= 0x7F7F8000, bits, bits + 0x7FFF + (bits >> 16 & 1))
    nearest = np.where(magnitude > 0x7F800000, nearest | 0x00400000, nearest)  # NaN, whatever lower bits said so
    digits = np.where(magnitude < 0x00800000, 0x80000000, 0xFFFF0000)
    return (nearest & digits).astype(np.uint32).view(np.float32)


@np.errstate(all="ignore")
def parts_of(x: Array, count: int) -> list[Array]:
    """`count` bf16 numbers, as float32, whose sum is x or nearly so: each the nearest to what those before it leave."""
    parts, rest = [], np.asarray(x, np.float32)
    for _ in range(count):
        parts.append(nearest_bf16(rest))
        rest = rest - parts[-1]
    return parts


def pairs_of_parts(count: int) -> list[tuple[int, int]]:
    """Which parts of two factors are multiplied, in the order in which a block of products is added up.

    The products of the parts 0 have a sum of their own. Of the others those of the smallest parts come first.
    """
    others = [(s - t, t) for s in range(count - 1, 0, -1) for t in range(s + 1)]
    return [(0, 0), *others]


def _rounded(x: Array) -> Array:
    """Float32 of float64: to nearest, and zero where the result would be below the smallest normal number."""
    flushed = np.abs(x) < _SMALLEST * (1 - 2.0**-25)  # what is nearer to the smallest one, or a tie, becomes that
    return np.where(flushed, np.copysign(0.0, x), x).astype(np.float32)


def _block(a: Array, b: Array) -> Array:
    """The product of bf16 a (m, 32) and b (32, n): chains of the even and of the odd places, then their sum.

    A product of two bf16 numbers is exact in float64, and rounding its sum with a float32 first to float64 and then to
    float32 gives what one rounding gives (S. Figueroa, When is double rounding innocuous?, 1995).
    """
    chains = []
    for odd in (0, 1):
        chain = np.zeros((len(a), b.shape[1]), np.float32)
        for p in range(odd, _BLOCK, 2):
            chain = _rounded(a[:, p : p + 1].astype(np.float64) * b[p].astype(np.float64) + chain)
        chains.append(chain.astype(np.float64))
    return _rounded(chains[0] + chains[1])


@np.errstate(all="ignore")
def product(a: Array, b: Array, precision: int, out: Array | None = None) -> Array:
    """``a b`` of a (m, k) and b (k, n), in `out` if it is given; with a `Precision` other than 0 from its parts.

    A result is the sum of two chains over blocks of 32 products: those of the parts 0, and all others. Where the first
    chain is not finite it is the result, because the other may have infinities of both signs then.
    """
    if precision == Precision.FLOAT32 or a.dtype != np.float32:
        return np.matmul(a, b, out=out)
    missing = -a.shape[1] % _BLOCK
    left = [np.pad(part, ((0, 0), (0, missing))) for part in parts_of(a, precision)]
    right = [np.pad(part, ((0, missing), (0, 0))) for part in parts_of(b, precision)]
    first, others = (np.zeros((len(a), b.shape[1]), np.float32) for _ in range(2))
    for p in range(0, a.shape[1], _BLOCK):
        for s, t in pairs_of_parts(precision):
            block = _block(left[s][:, p : p + _BLOCK], right[t][p : p + _BLOCK]).astype(np.float64)
            if s + t == 0:
                first = _rounded(first + block)
            else:
                others = _rounded(others + block)
    both = _rounded(first.astype(np.float64) + others)
    found = np.empty_like(first) if out is None else out
    found[...] = np.where(np.isfinite(first), both, first)
    return found
