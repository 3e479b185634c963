"""The memory plan of a step: one arena for all intermediate arrays, whose memory is reused once they are dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastnn.kernels.layout import LINE_BYTES
from fastnn.program.record import Buffer, Operation, Stream

_APART_BYTES = 16 << 20  # stays in a third-level cache


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


def apart_bytes(operations: Sequence[Operation]) -> int:
    """Up to which size the arena of a step has arrays of different sizes apart: only if it has blocks of images."""
    return _APART_BYTES if any(operation.kernel.endswith("_nchw16n") for operation in operations) else 0


def plan(
    operations: Sequence[Operation], double_buffered: Buffer | None = None, most_apart: int = 0
) -> tuple[dict[Buffer, Place], int]:
    """Assign every intermediate array its memory in one arena.

    Parameters
    ----------
    operations : sequence of Operation
    double_buffered : Buffer, optional
        This buffer gets memory for two arrays, which nothing else uses from the first operation to the last.
    most_apart : int, optional
        In an arena of at most so many bytes, arrays share memory only with arrays of their size.

    Returns
    -------
    places : dict of Buffer to Place
    nbytes : int
        The size of the arena.

    Notes
    -----
    Threads work on the same blocks of images in all operations, and so on the same parts of arrays of one size; memory
    that held an array of another size is in the caches of other cores. In a larger arena arrays are placed from the
    largest to the smallest, each at the lowest offset at which it overlaps no array that is alive at the same time:
    greedy by size (Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference").
    """
    alive = lifetimes(operations)
    if double_buffered is not None:
        alive[double_buffered] = (0, len(operations) - 1)
    wanted = {
        buffer: Place(0, _whole_lines(buffer.nbytes) * (2 if buffer is double_buffered else 1), *alive[buffer])
        for buffer in sorted(alive, key=lambda b: (-b.nbytes, alive[b]))
    }
    if most_apart:
        placed, end = _share_by_size(wanted)
        if end <= most_apart:
            return placed, end
    return _share_greedily(wanted)


def _whole_lines(nbytes: int) -> int:
    return -(-max(nbytes, 1) // LINE_BYTES) * LINE_BYTES


def _together(place: Place, other: Place) -> bool:
    """Whether both arrays are alive at some time."""
    return place.first <= other.last and other.first <= place.last


def _share_by_size(wanted: Mapping[Buffer, Place]) -> tuple[dict[Buffer, Place], int]:
    """Each array in the first memory of its size in which no other is alive at the same time."""
    slots: list[list[Place]] = []
    placed: dict[Buffer, Place] = {}
    end = 0
    for buffer, place in wanted.items():
        fitting = (s for s in slots if s[0].nbytes == place.nbytes and not any(_together(place, p) for p in s))
        slot = next(fitting, None)
        if slot is None:
            slot = []
            slots.append(slot)
            placed[buffer] = replace(place, offset=end)
            end += place.nbytes
        else:
            placed[buffer] = replace(place, offset=slot[0].offset)
        slot.append(placed[buffer])
    return placed, end


def _share_greedily(wanted: Mapping[Buffer, Place]) -> tuple[dict[Buffer, Place], int]:
    """Each array at the lowest offset at which it overlaps none that is alive at the same time."""
    placed: dict[Buffer, Place] = {}
    for buffer, place in wanted.items():
        offset = 0
        for other in sorted(placed.values(), key=lambda p: p.offset):
            if not _together(place, other):
                continue
            if offset + place.nbytes <= other.offset:
                break
            offset = max(offset, other.offset + other.nbytes)
        placed[buffer] = replace(place, offset=offset)
    return placed, max((p.offset + p.nbytes for p in placed.values()), default=0)
