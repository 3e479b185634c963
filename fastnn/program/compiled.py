"""A recorded step, fused, planned and bound to the replay loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.memory import LARGE_BYTES, MemoryEstimate, check_memory
from fastnn.kernels.backend import get
from fastnn.kernels.layout import zeros_on_line
from fastnn.program.algorithms import choose_algorithms
from fastnn.program.binding import Binding, Numbers, has_varying_rows, varying_scalars
from fastnn.program.fuse import fuse
from fastnn.program.fuse_gather import read_in_place
from fastnn.program.fuse_nchw16n import fuse_innermost
from fastnn.program.fuse_norm import fuse_norms
from fastnn.program.fuse_pool import fuse_pools
from fastnn.program.interruption import first_update, kept_arrays
from fastnn.program.layout import images_innermost
from fastnn.program.plan import Place, apart_bytes, plan
from fastnn.program.record import Buffer, Operation, Recorder, Stream

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]

Array = NDArray[Any]

_GATHERS = ("gather_rows", "gather_nchw16n")  # their arguments are source, index, out, …
_DOUBLE_BUFFERED = "gather_rows"  # the one that can gather the rows of the next step one by one
_DOUBLE_BUFFERED_BYTES = 2 << 20  # a larger batch would not stay in the second-level cache until it is used


@dataclass(frozen=True)
class Recording:
    """A step as it was recorded, and after all passes."""

    recorded: list[Operation]
    operations: list[Operation]
    dtype: np.dtype[Any]


def record(step: Callable[[Recorder], None], dtype: np.dtype[Any], beta: float = 0.0, precision: int = 0) -> Recording:
    """Record a step, fuse its operations, choose layouts and algorithms.

    Parameters
    ----------
    step : callable
        Gets a `Recorder` and calls kernels on it. Stream k of `Compiled.run` is the k-th one that it asks for.
    dtype : dtype
        The dtype of the intermediate arrays.
    beta, precision
        See `fastnn.kernels.eager.Ops`.

    Raises
    ------
    NotRecordableError
        If the step computes with something other than kernels.
    """
    recorder = Recorder(dtype, beta, precision)
    step(recorder)
    innermost = fuse_innermost(images_innermost(fuse(recorder.operations)))
    operations = fuse_pools(fuse_norms(choose_algorithms(innermost, precision)))
    return Recording(recorder.operations, read_in_place(operations), recorder.dtype)


class Compiled:
    """A recording that is bound to memory and to the replay loop.

    Parameters
    ----------
    recording : Recording
    replacements : mapping of id to array, optional
        Arrays to use in place of recorded ones, by the ``id`` of the recorded ones.
    arrays : sequence of array
        Those that `rebind` may later replace by others of the same shapes and dtypes.

    Attributes
    ----------
    recording : Recording
        With a `Slot` in place of each of these arrays.
    can_be_rebound : bool
        Whether all its arrays are among these, replaced, or constants, which are read-only.
    places : dict of Buffer to Place
        Where the intermediate arrays lie in the arena.
    arena_bytes : int
        The size of the arena.
    native
        The bound program as the replay loop knows it.
    """

    def __init__(
        self,
        recording: Recording,
        replacements: Mapping[int, Array] | None = None,
        arrays: Sequence[Array] = (),
    ) -> None:
        buffers = list(_buffers(recording.operations))
        stream_arguments = [
            (i, position, value.root.index, value.root.stride)
            for i, position, value in buffers
            if isinstance(value.root, Stream)
        ]
        gather = _gathers_by(recording.operations, stream_arguments)
        inputs = None if gather < 0 else _double_buffered(recording.operations[stream_arguments[gather][0]])
        self.places, self.arena_bytes = plan(recording.operations, inputs, apart_bytes(recording.operations))
        if self.arena_bytes > LARGE_BYTES:  # the system would grant it, and end the process when it is used
            estimate = MemoryEstimate(self.arena_bytes)
            check_memory(lambda: estimate, "program: the intermediate arrays of a step", "a smaller batch takes less")
        self._arena = zeros_on_line(self.arena_bytes, np.dtype(np.uint8))
        self._arena.fill(0)  # so that the pages are mapped before the first step
        self._replacements = replacements or {}
        double_buffers = [
            (i, position, self.places[inputs].nbytes // 2)
            for i, position, value in buffers
            if inputs is not None and value.root is inputs
        ]
        binding = Binding(arrays)
        operations = recording.operations
        bound = [(get(op.kernel, "native"), [self._bind(v, binding) for v in op.arguments]) for op in operations]
        held = self._held(recording.operations, binding)
        end, kept = first_update(recording.operations), kept_arrays(recording.operations)
        self.native = _native.Program(bound, stream_arguments, gather, double_buffers, held, end, kept)
        self.native.rebind(list(arrays))
        self._scalars = varying_scalars(recording.operations)
        without = [list(map(binding.without_arrays, ops)) for ops in (recording.recorded, recording.operations)]
        self.recording = Recording(without[0], without[1], recording.dtype)

    def _held(self, operations: Sequence[Operation], binding: Binding) -> list[tuple[int, int, int, int, bool]]:
        """(operation, position, number, offset, whether its rows may vary) of each argument among the bound arrays."""
        found, self.can_be_rebound = [], True
        for i, operation in enumerate(operations):
            for position, value in enumerate(_array_arguments(operation)):
                if not isinstance(value, np.ndarray) or id(value) in self._replacements:
                    continue
                where = binding.find(value)
                if where is None:
                    self.can_be_rebound &= not value.flags.writeable
                else:
                    found.append((i, position, *where, has_varying_rows(operation, position)))
        return found

    @property
    def nbytes(self) -> int:
        """The bytes that it holds while nothing uses it."""
        return self.arena_bytes

    def rebind(self, arrays: Sequence[Array], numbers: Numbers) -> None:
        """Use other arrays and numbers from now on.

        Parameters
        ----------
        arrays : sequence of array
            In the order of those that it was made with, of the same dtypes and shapes; an array from which rows are
            gathered may have another number of rows.
        numbers : Numbers
        """
        self.native.rebind(list(arrays))
        for i, position, name, value in self._scalars:
            self.native.set_scalar(i, position, numbers.named(name, value))
        self.forget_seconds()

    def release(self) -> None:
        """Let go of the arrays; `rebind` comes before the next `run`."""
        self.native.rebind(None)

    def _bind(self, value: Any, binding: Binding) -> Any:
        if not isinstance(value, Buffer):
            replaced = self._replacements.get(id(value), value)
            return binding.writeable(replaced) if isinstance(replaced, np.ndarray) else replaced
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
            One for each stream that was asked for while recording, long enough for ``first + count`` steps.
        seconds : float
            Return after the step in which this time has passed.
        watch : (steps,) float64, optional
            Return after the first step whose value here is not finite.
        """
        return self.native.run(streams, first, count, seconds, watch)

    @property
    def seconds_per_operation(self) -> list[float]:
        """Mean time of each operation over the sampled steps (NaN before the first)."""
        return self.native.seconds_per_operation

    def forget_seconds(self) -> None:
        """Take that mean over the steps sampled from now on."""
        self.native.forget_seconds()


def replay(
    parts: Sequence[tuple[Compiled, Sequence[Array], int, Array | None]], seconds: float
) -> tuple[int, list[float]]:
    """Replay parts (program, streams, steps, watch) in turn, each from step 0, as `Compiled.run` does.

    Returns how many steps were done in all within about `seconds`, and the seconds that each part took.
    """
    bound = [(program.native, streams, steps, watch) for program, streams, steps, watch in parts]
    return _native.replay(bound, seconds)


def _gathers_by(operations: Sequence[Operation], stream_arguments: Sequence[tuple[int, int, int, int]]) -> int:
    """The place among `stream_arguments` of the index by which a step gathers or reads its inputs; -1 without one."""
    for k, (i, position, _, _) in enumerate(stream_arguments):
        gathers = operations[i].kernel in _GATHERS and position == 1
        if position == _native.ROW_INDEX or (gathers and isinstance(operations[i].arguments[0], np.ndarray)):
            return k
    return -1


def _double_buffered(gather: Operation) -> Buffer | None:
    """The gathered inputs, if those of the next step can be gathered while a step computes; else None."""
    if gather.kernel != _DOUBLE_BUFFERED:
        return None
    out = gather.arguments[2]
    return out.root if isinstance(out, Buffer) and out.nbytes <= _DOUBLE_BUFFERED_BYTES else None


def _buffers(operations: Sequence[Operation]) -> Iterator[tuple[int, int, Buffer]]:
    """Every buffer, row indices included, with the number of its operation and its position in the descriptor."""
    for i, operation in enumerate(operations):
        for position, value in [*enumerate(_array_arguments(operation)), (_native.ROW_INDEX, operation.index)]:
            if isinstance(value, Buffer):
                yield i, position, value


def _array_arguments(operation: Operation) -> list[Any]:
    """The array arguments in the order of the descriptor; absent ones are None."""
    return [v for v in operation.arguments if v is None or isinstance(v, Buffer | np.ndarray)]
