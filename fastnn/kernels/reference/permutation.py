"""Random permutations."""

from fastnn.kernels.reference.arrays import Array
from fastnn.random import permutation


def permutations(order: Array, work: Array, epoch: int, seed_low: int, seed_high: int, purpose: int) -> None:
    """Row ``i`` of ``order`` is `fastnn.random.permutation` of step ``epoch + i`` (mod 2**32); ``work`` is scratch."""
    for i, row in enumerate(order):
        row[...] = permutation(seed_low | seed_high << 32, purpose, (epoch + i) & 0xFFFFFFFF, len(row))
