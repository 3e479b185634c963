"""Random permutations."""

from fastnn.kernels.reference.arrays import Array
from fastnn.random import permutation


def permutations(order: Array, work: Array, seeds: Array, epoch: int, purpose: int) -> None:
    """``order[j, i]`` is `fastnn.random.permutation` of step ``epoch + i`` (mod 2**32); ``work`` is scratch."""
    for rows, seed in zip(order, seeds.tolist(), strict=True):
        for i, row in enumerate(rows):
            row[...] = permutation(seed % 2**64, purpose, (epoch + i) % 2**32, len(row))
