"""Weights and their optimiser state kept with padded rows while a training runs.

A row that ends with a cache line is never written by two threads at once, and whole vectors of it are aligned. The
model's own arrays lie close together; they are copied in and out where somebody may look at them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.program.compiled import Recording
from fastnn.program.plan import ALIGNMENT
from fastnn.program.record import Operation, same_memory

Array = NDArray[Any]


def padded(array: Array) -> Array:
    """A copy of a 2-D array whose rows begin at cache lines."""
    rows, cols = array.shape
    item = array.dtype.itemsize
    row = -(-cols * item // ALIGNMENT) * ALIGNMENT
    raw = np.zeros(rows * row + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    copy = raw[start : start + rows * row].view(array.dtype).reshape(rows, row // item)[:, :cols]
    copy[...] = array
    return copy


def _may_be_padded(operations: Iterable[Operation], array: Array) -> bool:
    """Whether every kernel that touches `array` gets it whole and can follow padded rows."""
    touching = [(a, value) for op in operations for a, value in op.arrays() if same_memory(value, array)]
    return all(a.spaced and value is array for a, value in touching)


class Resident:
    """Padded stand-ins for a model's matrices.

    Parameters
    ----------
    recordings : iterable of Recording
        All steps that are going to use the stand-ins.
    values : iterable of arrays
        Matrices that others look at between steps.
    states : iterable of arrays
        Matrices that only the steps use.
    """

    def __init__(self, recordings: Iterable[Recording], values: Iterable[Array], states: Iterable[Array]) -> None:
        operations = [op for recording in recordings for op in recording.operations]
        matrices = [[a for a in group if a.ndim == 2] for group in (values, states)]
        if not all(_may_be_padded(operations, a) for group in matrices for a in group):
            matrices = [[], []]  # kernels follow one row stride: all are padded, or none
        self._values = [(a, padded(a)) for a in matrices[0]]
        self._states = [(a, padded(a)) for a in matrices[1]]

    @property
    def instead(self) -> Mapping[int, Array]:
        """Stand-ins by the ``id`` of what they stand for."""
        return {id(a): stand_in for a, stand_in in (*self._values, *self._states)}

    def load(self) -> None:
        """Take over the values that the model holds now."""
        for array, stand_in in self._values:
            stand_in[...] = array

    def store(self) -> None:
        """Hand the values back to the model."""
        for array, stand_in in self._values:
            array[...] = stand_in
