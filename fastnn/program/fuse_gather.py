"""Lets operations read the rows of a batch in the data set, so that they need not be gathered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.program.fuse import touches
from fastnn.program.record import Operation, Stream, same_memory


def _by_index(operation: Operation, gather: Operation) -> Operation | None:
    """The operation, reading the data set by the index in place of gathered rows; None if it cannot do that."""
    reading = [(argument, array) for argument, array in operation.arrays() if same_memory(array, gather["out"])]
    if len(reading) != 1 or not reading[0][0].by_index or reading[0][1].shape != gather["out"].shape:
        return None
    rows = gather["source"][: len(gather["index"])]  # only their shape matters; the index says which rows are read
    return Operation(operation.kernel, operation.change(**{reading[0][0].name: rows}).arguments, gather["index"])


def read_in_place(operations: Sequence[Operation]) -> list[Operation]:
    """gather_rows by an index that is a stream, kernels that read its rows → kernels that read the data set.

    This needs data of the step's dtype and without scaling, and only kernels that can read by an index.
    """
    current = list(operations)
    for gather in [op for op in current if op.kernel == "gather_rows"]:
        source, index, out = gather["source"], gather["index"], gather["out"]
        if not isinstance(source, np.ndarray) or not isinstance(index, Stream):
            continue
        if gather["scale"] != 1 or source.dtype != out.dtype or len(index) > len(source):
            continue
        users = {i: _by_index(op, gather) for i, op in enumerate(current) if op is not gather and touches(op, out)}
        if users and all(users.values()):
            current = [users.get(i) or op for i, op in enumerate(current) if op is not gather]
    return current
