"""Copies of weights and optimiser state, packed into panels for as long as a training runs.

A panel holds as many columns of a matrix as a register tile is wide, row after row, so the tile reads and updates it as
one run of memory. A thread that owns whole panels shares no cache line with another thread, nor a line that the
hardware prefetches beside one. The model's own arrays stay in row-major order; values are copied between the two only
when somebody may look at them or may have changed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from numpy.typing import NDArray

from fastnn.kernels.backend import get, panel_columns
from fastnn.kernels.layout import zeros_on_line
from fastnn.program.compiled import Recording
from fastnn.program.record import Operation, same_memory

Array = NDArray[Any]

# Bytes by which the panels of each further state array begin later in their memory. A parameter and its states are
# read at the same offsets together; without the stagger they would compete for the same sets of the caches.
_STAGGER = 5 << 10


class Panels:
    """A packed copy of a matrix: panels of equal width, the last one padded with zeros.

    Parameters
    ----------
    matrix : (R, C) float32 or float64, C-contiguous
    width : int
        Columns of a panel.
    k : int
        The position of the matrix among those that are updated together; its panels begin ``k * _STAGGER`` bytes
        after the start of their memory.

    Attributes
    ----------
    matrix : (R, C)
        The array that was packed.
    panels : (⌈C / width⌉, R, width), dtype of the matrix
    """

    def __init__(self, matrix: Array, width: int, k: int = 0) -> None:
        rows, cols = matrix.shape
        self.matrix = matrix
        shape = (-(-cols // width), rows, width)
        self.panels = zeros_on_line(prod(shape), matrix.dtype, k * _STAGGER).reshape(shape)
        self.load()

    def load(self) -> None:
        """Copy the matrix into the panels."""
        get("to_panels", "native")(self.matrix, self.panels)

    def store(self) -> None:
        """Copy the panels into the matrix."""
        get("from_panels", "native")(self.panels, self.matrix)


def _can_be_packed(operations: Iterable[Operation], array: Array) -> bool:
    """Whether every kernel that touches `array` is given the whole of it and can work on panels."""
    touching = [(a, value) for op in operations for a, value in op.arrays() if same_memory(value, array)]
    return all(a.spaced and value is array for a, value in touching)


class ParameterPanels:
    """The packed copies of all matrices that compiled steps can use in this form.

    Parameters
    ----------
    recordings : iterable of Recording
        All steps that will use the copies.
    matrices : iterable of (value, states)
        Each parameter's array with the arrays of its optimiser state. A parameter is packed together with its states
        or not at all, because the update kernels expect them in one layout. A parameter with no more columns than a
        panel is not packed.
    """

    def __init__(
        self, recordings: Iterable[Recording] = (), matrices: Iterable[tuple[Array, list[Array]]] = ()
    ) -> None:
        operations = [op for recording in recordings for op in recording.operations]
        self._values: list[Panels] = []
        self._states: list[Panels] = []
        self._packed: list[int] = []  # which of the matrices
        for number, (value, states) in enumerate(matrices):
            width = panel_columns(value.dtype)
            if value.ndim != 2 or value.shape[1] <= width:
                continue
            if all(_can_be_packed(operations, array) for array in (value, *states)):
                self._packed.append(number)
                self._values.append(Panels(value, width))
                self._states += [Panels(state, width, k) for k, state in enumerate(states, 1)]

    @property
    def replacements(self) -> Mapping[int, Array]:
        """The packed copies by the ``id`` of the arrays that they replace."""
        return {id(p.matrix): p.panels for p in (*self._values, *self._states)}

    @property
    def nbytes(self) -> int:
        """The bytes of all panels."""
        return sum(p.panels.nbytes for p in (*self._values, *self._states))

    def rebind(self, matrices: Sequence[tuple[Array, list[Array]]]) -> None:
        """Pack other matrices of the same shapes and dtypes from now on, given as to the constructor."""
        chosen = [matrices[number] for number in self._packed]
        others = [*(value for value, _ in chosen), *(state for _, states in chosen for state in states)]
        for panels, matrix in zip((*self._values, *self._states), others, strict=True):
            panels.matrix = matrix
            panels.load()

    def release(self) -> None:
        """Let go of the matrices; `rebind` comes before the next use."""
        for panels in (*self._values, *self._states):
            panels.matrix = panels.panels[:0]

    def load(self) -> None:
        """Pack the parameters as the model holds them now."""
        for panels in self._values:
            panels.load()

    def store(self) -> None:
        """Unpack the parameters into the model's arrays."""
        for panels in self._values:
            panels.store()

    def load_state(self) -> None:
        """Pack the optimiser's state as its arrays hold it now."""
        for panels in self._states:
            panels.load()

    def store_state(self) -> None:
        """Unpack the optimiser's state into its arrays."""
        for panels in self._states:
            panels.store()
