"""How far a step may be left before its end, because of Ctrl-C, and what it must give back then.

A step of a large batch takes many seconds. It is left as if it had never begun, so that the model is always that after
some number of whole steps: until its first update nothing changes but intermediate arrays and gradients, which the next
step writes anew, and running statistics, of which there is a copy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.kernels import SIGNATURES
from fastnn.program.record import Operation

_UPDATES = "rate"  # the array that every kernel has which updates parameters: the learning rate
_REWRITTEN = frozenset(["dw", "db", "g"])  # gradients, which no step finds of use that another has left


def first_update(operations: Sequence[Operation]) -> int:
    """The number of the first operation that updates a parameter; that of all operations if none does."""
    return next(
        (i for i, op in enumerate(operations) if any(a.name == _UPDATES for a, _ in op.arrays())), len(operations)
    )


def kept_arrays(operations: Sequence[Operation]) -> list[tuple[int, int]]:
    """(operation, position among its arrays) of what a step changes for the next one before its first update."""
    found: dict[int, tuple[int, int]] = {}
    for i, operation in enumerate(operations[: first_update(operations)]):
        arrays = SIGNATURES[operation.kernel].arrays
        for position, (argument, value) in enumerate(zip(arrays, operation.arguments, strict=False)):
            if isinstance(value, np.ndarray) and argument.writes and argument.name not in _REWRITTEN:
                found.setdefault(id(value), (i, position))
    return list(found.values())
