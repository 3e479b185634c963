"""Reading a batch's rows where the data hold them, instead of copying them together first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.program.fuse import touches
from fastnn.program.record import Operation, Stream, same_memory


def _by_index(operation: Operation, gather: Operation) -> Operation | None:
    """The operation with the rows read by the index where it reads what was gathered; None where it cannot."""
    reading = [(argument, array) for argument, array in operation.arrays() if same_memory(array, gather["out"])]
    if len(reading) != 1 or not reading[0][0].by_index or reading[0][1].shape != gather["out"].shape:
        return None
    rows = gather["source"][: len(gather["index"])]  # of their shape: which ones they are, the index says
    return Operation(operation.kernel, operation.change(**{reading[0][0].name: rows}).arguments, gather["index"])


def read_in_place(operations: Sequence[Operation]) -> list[Operation]:
    """gather_rows by a moving index, kernels that read its rows → the same kernels, reading the data.

    Only where the data are of the step's dtype and not scaled, and where all that touch the rows can do so.
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
