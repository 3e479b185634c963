"""A recorded step, fused, planned and bound to the replay loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.backend import get
from fastnn.program.fuse import fuse
from fastnn.program.plan import ALIGNMENT, Place, plan
from fastnn.program.record import Buffer, Operation, Recorder, Stream

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]

Array = NDArray[Any]


class Compiled:
    """A step that runs in C.

    Parameters
    ----------
    record : callable
        Gets a `Recorder` and takes the step down with it; stream k of `run` is the k-th one it asks for.
    dtype : dtype
        Of the intermediate arrays.
    beta : float
        See `fastnn.kernels.eager.Ops.beta`.

    Attributes
    ----------
    operations : list of Operation
        After fusion, in the order in which they run.
    arena_bytes : int
        Memory for all intermediate arrays.

    Raises
    ------
    NotRecordableError
        If the step computes with something other than kernels.
    """

    def __init__(self, record: Callable[[Recorder], None], dtype: np.dtype[Any], beta: float = 0.0) -> None:
        recorder = Recorder(dtype, beta)
        record(recorder)
        self.recorded = recorder.operations
        self.operations = fuse(recorder.operations)
        self.places, self.arena_bytes = plan(self.operations)
        raw = np.zeros(self.arena_bytes + ALIGNMENT, np.uint8)  # zeros: the pages exist before the first step
        start = -raw.ctypes.data % ALIGNMENT
        self._arena = raw[start : start + self.arena_bytes]
        self._streams = recorder.streams
        moving = [
            (i, position, value.root.index, value.root.stride)
            for i, operation in enumerate(self.operations)
            for position, value in enumerate(_array_arguments(operation))
            if isinstance(value, Buffer) and isinstance(value.root, Stream)
        ]
        bound = [(get(op.kernel, "native"), [self._bind(v) for v in op.arguments]) for op in self.operations]
        self._native = _native.Program(bound, moving)

    def _bind(self, value: Any) -> Any:
        if not isinstance(value, Buffer):
            return value
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

    @property
    def seconds_per_operation(self) -> list[float]:
        """Mean time of each operation over the sampled steps (NaN before the first)."""
        return self._native.seconds_per_operation


def _array_arguments(operation: Operation) -> list[Any]:
    """Array arguments by position in the descriptor, None included."""
    return [v for v in operation.arguments if v is None or isinstance(v, Buffer | np.ndarray)]
