"""Weights and their optimiser state kept in panels while a training runs.

A panel holds a tile's width of columns, row after row: the register tile reads and updates it as one run of memory,
and a thread that owns panels shares no cache line, nor what is prefetched beside one, with another thread. The model's
own arrays lie row after row; values are copied in and out where somebody may look at them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.backend import get, panel_columns
from fastnn.program.compiled import Recording
from fastnn.program.plan import ALIGNMENT
from fastnn.program.record import Operation, same_memory

Array = NDArray[Any]


# bytes by which a state's panels begin further on, so that what is updated together shares no set of the caches
_STAGGER = 5 << 10


class Panels:
    """A matrix (rows, cols) in panels (P, rows, width), the last one filled up with zeros.

    The k-th of those that are used together begins ``k * _STAGGER`` bytes behind its memory.
    """

    def __init__(self, matrix: Array, width: int, k: int = 0) -> None:
        rows, cols = matrix.shape
        self.matrix = matrix
        shape = (-(-cols // width), rows, width)
        size = int(np.prod(shape)) * matrix.itemsize
        raw = np.zeros(size + ALIGNMENT + k * _STAGGER, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT + k * _STAGGER
        self.panels = raw[start : start + size].view(matrix.dtype).reshape(shape)
        self.load()

    def load(self) -> None:
        """Copy the matrix into the panels."""
        get("to_panels", "native")(self.matrix, self.panels)

    def store(self) -> None:
        """Copy the panels into the matrix."""
        get("from_panels", "native")(self.panels, self.matrix)


def _may_be_kept_in_panels(operations: Iterable[Operation], array: Array) -> bool:
    """Whether every kernel that touches `array` gets it whole and can follow panels."""
    touching = [(a, value) for op in operations for a, value in op.arrays() if same_memory(value, array)]
    return all(a.spaced and value is array for a, value in touching)


class Resident:
    """Panels that stand in for a model's matrices.

    Parameters
    ----------
    recordings : iterable of Recording
        All steps that are going to use the stand-ins.
    matrices : iterable of (value, states)
        Each parameter with its state arrays: values are looked at between steps, states are used by steps only.
        Kernels want a parameter and its states kept alike; one narrower than a panel stays as it is.
    """

    def __init__(self, recordings: Iterable[Recording], matrices: Iterable[tuple[Array, list[Array]]]) -> None:
        operations = [op for recording in recordings for op in recording.operations]
        self._values: list[Panels] = []
        self._states: list[Panels] = []
        for value, states in matrices:
            width = panel_columns(value.dtype)
            if value.ndim != 2 or value.shape[1] <= width:
                continue
            if all(_may_be_kept_in_panels(operations, array) for array in (value, *states)):
                self._values.append(Panels(value, width))
                self._states += [Panels(state, width, k) for k, state in enumerate(states, 1)]

    @property
    def instead(self) -> Mapping[int, Array]:
        """Stand-ins by the ``id`` of what they stand for."""
        return {id(p.matrix): p.panels for p in (*self._values, *self._states)}

    def load(self) -> None:
        """Take over the values that the model holds now."""
        for panels in self._values:
            panels.load()

    def store(self) -> None:
        """Hand the values back to the model."""
        for panels in self._values:
            panels.store()

    def load_state(self) -> None:
        """Take over the optimiser's state."""
        for panels in self._states:
            panels.load()

    def store_state(self) -> None:
        """Hand the optimiser's state back."""
        for panels in self._states:
            panels.store()
