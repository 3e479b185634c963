"""Where each intermediate array of a step lies: one arena, places used again once their array is dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.program.record import Buffer, Operation, Stream

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Place:
    """Where one buffer lies, and from which to which operation it is alive."""

    offset: int
    nbytes: int
    first: int
    last: int


def lifetimes(operations: Sequence[Operation]) -> dict[Buffer, tuple[int, int]]:
    """First and last operation that touches each intermediate array."""
    alive: dict[Buffer, tuple[int, int]] = {}
    for i, operation in enumerate(operations):
        for _, value in operation.arrays():
            if isinstance(value, Buffer) and not isinstance(value.root, Stream):
                first, _ = alive.get(value.root, (i, i))
                alive[value.root] = (first, i)
    return alive


def plan(operations: Sequence[Operation], twice: Buffer | None = None) -> tuple[dict[Buffer, Place], int]:
    """Places of all buffers and the arena's size in bytes.

    Largest first, each at the lowest offset where no array lies that is alive at the same time (greedy by size,
    Pisarchyk & Lee 2020). `twice` gets room for two, from the first operation to the last.
    """
    placed: dict[Buffer, Place] = {}
    alive = lifetimes(operations)
    if twice is not None:
        alive[twice] = (0, len(operations) - 1)
    for buffer in sorted(alive, key=lambda b: (-b.nbytes, alive[b])):
        first, last = alive[buffer]
        nbytes = -(-max(buffer.nbytes, 1) // ALIGNMENT) * ALIGNMENT * (2 if buffer is twice else 1)
        offset = 0
        for other in sorted(placed.values(), key=lambda p: p.offset):
            if other.last < first or last < other.first:
                continue
            if offset + nbytes <= other.offset:
                break
            offset = max(offset, other.offset + other.nbytes)
        placed[buffer] = Place(offset, nbytes, first, last)
    return placed, max((p.offset + p.nbytes for p in placed.values()), default=0)
