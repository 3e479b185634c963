"""A recorded step, fused, planned and bound to the replay loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.backend import get
from fastnn.program.algorithms import choose_algorithms
from fastnn.program.fuse import fuse
from fastnn.program.fuse_gather import read_in_place
from fastnn.program.fuse_nchw16n import fuse_innermost
from fastnn.program.fuse_norm import fuse_norms
from fastnn.program.fuse_pool import fuse_pools
from fastnn.program.layout import images_innermost
from fastnn.program.plan import ALIGNMENT, Place, plan
from fastnn.program.record import Buffer, Operation, Recorder, Stream

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]

Array = NDArray[Any]

_GATHERS = ("gather_rows", "gather_nchw16n")  # source, index, out, …
_BRINGS = "gather_rows"  # whose rows can be brought to their place one by one
_BRINGS_BYTES = 2 << 20  # of a batch at most: more would not stay in the second cache until it is used


@dataclass(frozen=True)
class Recording:
    """A step as it was taken down, and after layout and fusion."""

    recorded: list[Operation]
    operations: list[Operation]
    dtype: np.dtype[Any]


def record(step: Callable[[Recorder], None], dtype: np.dtype[Any], beta: float = 0.0) -> Recording:
    """Take a step down, fuse it, lay its images out and choose algorithms.

    Parameters
    ----------
    step : callable
        Gets a `Recorder` and calls its kernels; stream k of `Compiled.run` is the k-th one it asks for.
    dtype : dtype
        Of the intermediate arrays.
    beta : float
        See `fastnn.kernels.eager.Ops.beta`.

    Raises
    ------
    NotRecordableError
        If the step computes with something other than kernels.
    """
    recorder = Recorder(dtype, beta)
    step(recorder)
    innermost = fuse_innermost(images_innermost(fuse(recorder.operations)))
    operations = fuse_pools(fuse_norms(choose_algorithms(innermost)))
    return Recording(recorder.operations, read_in_place(operations), recorder.dtype)


class Compiled:
    """A recording bound to memory and to the replay loop.

    Parameters
    ----------
    recording : Recording
    instead : mapping of id to array, optional
        Arrays to use in place of recorded ones, by the ``id`` of those.

    Attributes
    ----------
    recording : Recording
    places : dict of Buffer to Place
        Where the intermediate arrays lie.
    arena_bytes : int
        Memory for all of them.
    """

    def __init__(self, recording: Recording, instead: Mapping[int, Array] | None = None) -> None:
        self.recording = recording
        buffers = list(_buffers(recording.operations))
        moving = [
            (i, position, value.root.index, value.root.stride)
            for i, position, value in buffers
            if isinstance(value.root, Stream)
        ]
        gather = _gathers_by(recording.operations, moving)
        brought = None if gather < 0 else _brought(recording.operations[moving[gather][0]])
        self.places, self.arena_bytes = plan(recording.operations, brought)
        raw = np.empty(self.arena_bytes + ALIGNMENT, np.uint8)
        raw.fill(0)  # the pages exist before the first step
        start = -raw.ctypes.data % ALIGNMENT
        self._arena = raw[start : start + self.arena_bytes]
        self._instead = instead or {}
        swapping = [
            (i, position, self.places[brought].nbytes // 2)
            for i, position, value in buffers
            if brought is not None and value.root is brought
        ]
        bound = [(get(op.kernel, "native"), [self._bind(v) for v in op.arguments]) for op in recording.operations]
        self._native = _native.Program(bound, moving, gather, swapping)

    def _bind(self, value: Any) -> Any:
        if not isinstance(value, Buffer):
            return self._instead.get(id(value), value)
        if isinstance(value.root, Stream):
            return np.empty(value.shape, value.dtype)  # its pointer is set before each step
        place: Place = self.places[value.root]
        flat = self._arena[place.offset : place.offset + value.nbytes]
        return flat.view(value.dtype).reshape(value.shape)

    def run(
        self,
        streams: Sequence[Array],
        first: int,
        count: int,
        *,
        seconds: float = float("inf"),
        watch: Array | None = None,
    ) -> int:
        """Replay `count` steps from step `first`; return how many were done.

        Parameters
        ----------
        streams : sequence of arrays
            One for each that was asked for while recording, long enough for ``first + count`` steps.
        seconds : float
            Return after the step in which this time has passed.
        watch : (steps,) float64, optional
            Return behind the first step whose value here is not finite.
        """
        return self._native.run(streams, first, count, seconds, watch)

    def apply(self, x: Array, shape: tuple[int, ...], dtype: np.dtype[Any], numbers_only: bool) -> Array | None:
        """Run one step from `x` (stream 0) into a new array (stream 1); None where `x` is not C-contiguous."""
        return self._native.apply(x, shape, dtype.num, numbers_only)

    @property
    def seconds_per_operation(self) -> list[float]:
        """Mean time of each operation over the sampled steps (NaN before the first)."""
        return self._native.seconds_per_operation

    def forget_seconds(self) -> None:
        """Take that mean over the steps sampled from now on."""
        self._native.forget_seconds()


def replay(
    parts: Sequence[tuple[Compiled, Sequence[Array], int, Array | None]], seconds: float
) -> tuple[int, list[float]]:
    """Replay (program, streams, steps, watch) one behind the other, as `Compiled.run` does from step 0 on.

    Returns how many steps were done in all within about `seconds`, and the seconds of each part.
    """
    bound = [(program._native, streams, steps, watch) for program, streams, steps, watch in parts]
    return _native.replay(bound, seconds)


def _gathers_by(operations: Sequence[Operation], moving: Sequence[tuple[int, int, int, int]]) -> int:
    """Which of `moving` is the index by which a step gathers or reads its inputs; -1: none."""
    for k, (i, position, _, _) in enumerate(moving):
        gathers = operations[i].kernel in _GATHERS and position == 1
        if position == _native.ROW_INDEX or (gathers and isinstance(operations[i].arguments[0], np.ndarray)):
            return k
    return -1


def _brought(gather: Operation) -> Buffer | None:
    """The inputs, if the next step's can be brought to their place while a step computes."""
    if gather.kernel != _BRINGS:
        return None
    out = gather.arguments[2]
    return out.root if isinstance(out, Buffer) and out.nbytes <= _BRINGS_BYTES else None


def _buffers(operations: Sequence[Operation]) -> Iterator[tuple[int, int, Buffer]]:
    """Operation and position in its descriptor of every buffer, indices among them."""
    for i, operation in enumerate(operations):
        for position, value in [*enumerate(_array_arguments(operation)), (_native.ROW_INDEX, operation.index)]:
            if isinstance(value, Buffer):
                yield i, position, value


def _array_arguments(operation: Operation) -> list[Any]:
    """Array arguments by position in the descriptor, None included."""
    return [v for v in operation.arguments if v is None or isinstance(v, Buffer | np.ndarray)]
