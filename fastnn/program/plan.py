"""The memory plan of a step: one arena for all intermediate arrays, whose memory is reused once they are dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.kernels.layout import LINE_BYTES
from fastnn.program.record import Buffer, Operation, Stream


@dataclass(frozen=True)
class Place:
    """The memory of one buffer in the arena, in bytes, and the first and last operation that use it."""

    offset: int
    nbytes: int
    first: int
    last: int


def lifetimes(operations: Sequence[Operation]) -> dict[Buffer, tuple[int, int]]:
    """The first and the last operation that touch each intermediate array."""
    alive: dict[Buffer, tuple[int, int]] = {}
    for i, operation in enumerate(operations):
        for _, value in operation.arrays():
            if isinstance(value, Buffer) and not isinstance(value.root, Stream):
                first, _ = alive.get(value.root, (i, i))
                alive[value.root] = (first, i)
    return alive


def plan(operations: Sequence[Operation], double_buffered: Buffer | None = None) -> tuple[dict[Buffer, Place], int]:
    """Assign every intermediate array its memory in one arena.

    Parameters
    ----------
    operations : sequence of Operation
    double_buffered : Buffer, optional
        This buffer gets memory for two arrays, which nothing else uses from the first operation to the last.

    Returns
    -------
    places : dict of Buffer to Place
    nbytes : int
        The size of the arena.

    Notes
    -----
    Arrays are placed from the largest to the smallest, each at the lowest offset at which it overlaps no array that
    is alive at the same time: greedy by size (Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net
    Inference").
    """
    placed: dict[Buffer, Place] = {}
    alive = lifetimes(operations)
    if double_buffered is not None:
        alive[double_buffered] = (0, len(operations) - 1)
    for buffer in sorted(alive, key=lambda b: (-b.nbytes, alive[b])):
        first, last = alive[buffer]
        nbytes = -(-max(buffer.nbytes, 1) // LINE_BYTES) * LINE_BYTES * (2 if buffer is double_buffered else 1)
        offset = 0
        for other in sorted(placed.values(), key=lambda p: p.offset):
            if other.last < first or last < other.first:
                continue
            if offset + nbytes <= other.offset:
                break
            offset = max(offset, other.offset + other.nbytes)
        placed[buffer] = Place(offset, nbytes, first, last)
    return placed, max((p.offset + p.nbytes for p in placed.values()), default=0)
