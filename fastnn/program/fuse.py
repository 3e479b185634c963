"""Joining neighbouring operations into kernels that do the same in one pass, with the same bits.

Each rule looks at one operation and at those after it, and either returns what replaces them or None. A rule may
drop an intermediate array only when nothing else reads it, and may move an operation forward only past operations
that do not touch what it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn.program.record import Buffer, Operation, same_memory

Rule = Callable[[list[Operation], int], list[Operation] | None]

# weight gradients whose batch is longer keep their own array (csrc/gemm.h, GEMM_MAX_WHOLE_K)
_MAX_FUSED_BATCH = 4096


def _readers(operations: Sequence[Operation], array: Any, after: int) -> list[int]:
    return [i for i in range(after + 1, len(operations)) if operations[i].reads(array)]


def _sole_reader(operations: Sequence[Operation], array: Any, after: int) -> int | None:
    """Index of the only later operation that reads the intermediate `array`."""
    readers = _readers(operations, array, after)
    return readers[0] if isinstance(array, Buffer) and len(readers) == 1 else None


def affine_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_forward, activation_forward → affine_activation_forward."""
    if operations[i].kernel != "affine_forward":
        return None
    x, w, b, out = operations[i].arguments
    j = _sole_reader(operations, out, i)
    if j != i + 1 or operations[j].kernel != "activation_forward":
        return None
    _, activated, kind, alpha = operations[j].arguments
    fused = Operation("affine_activation_forward", (x, w, b, activated, kind, alpha))
    return [*operations[:i], fused, *operations[j + 1 :]]


def input_gradient_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_input, activation_backward → affine_activation_backward_input."""
    if operations[i].kernel != "affine_backward_input":
        return None
    dout, w, dx = operations[i].arguments
    j = _sole_reader(operations, dx, i)
    if j is None or operations[j].kernel != "activation_backward":
        return None
    dout_, x, out, into, kind, alpha = operations[j].arguments
    if x is not None or not same_memory(dout_, dx) or any(op.writes(w) for op in operations[i:j]):
        return None
    fused = Operation("affine_activation_backward_input", (dout, w, out, into, kind, alpha))
    return [*operations[:i], fused, *operations[i + 1 : j], *operations[j + 1 :]]


# update kernel → (fused kernel, number of state arrays, arguments shared by w and b behind them)
_UPDATES = {
    "sgd_update": ("affine_backward_weight_sgd", 0),
    "momentum_update": ("affine_backward_weight_momentum", 1),
    "adam_update": ("affine_backward_weight_adam", 2),
}


def weight_gradient_then_update(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_weight, *_update of w and of b → affine_backward_weight_*: no gradient in memory."""
    if operations[i].kernel != "affine_backward_weight":
        return None
    x, dout, dw, db, beta = operations[i].arguments
    if beta != 0 or x.shape[0] > _MAX_FUSED_BATCH:
        return None
    found = [(j, g) for g in (dw, db) if g is not None for j in _readers(operations, g, i)]
    if len(found) != (1 if db is None else 2):
        return None
    updates = [operations[j] for j, _ in found]
    kernel = updates[0].kernel
    if kernel not in _UPDATES or any(u.kernel != kernel for u in updates):
        return None
    fused, slots = _UPDATES[kernel]
    split = 1 + slots  # w (or b), its state arrays; then the gradient; then rate … decay
    w_arrays, w_rest = updates[0].arguments[:split], updates[0].arguments[split + 1 :]
    b_arrays: tuple[Any, ...] = (None,) * split
    b_rest = w_rest
    if db is not None:
        b_arrays, b_rest = updates[1].arguments[:split], updates[1].arguments[split + 1 :]
    if not all(same(p, q) for p, q in zip(w_rest[:-1], b_rest[:-1], strict=True)):
        return None
    last = max(j for j, _ in found)
    touched = [a for a in (*w_arrays, *b_arrays) if a is not None]
    skipped = {j for j, _ in found}
    between = [op for j, op in enumerate(operations[i + 1 : last], i + 1) if j not in skipped]
    if any(op.reads(a) or op.writes(a) for op in between for a in touched):
        return None
    joined = Operation(fused, (x, dout, *w_arrays, *b_arrays, *w_rest, b_rest[-1]))
    rest = [op for j, op in enumerate(operations[i + 1 :], i + 1) if j not in skipped]
    return [*operations[:i], joined, *rest]


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are the same array or the same number."""
    if isinstance(a, Buffer | np.ndarray) or isinstance(b, Buffer | np.ndarray):
        return a is b
    return bool(a == b)


RULES: tuple[Rule, ...] = (affine_then_activation, input_gradient_then_activation, weight_gradient_then_update)


def fuse(operations: Sequence[Operation]) -> list[Operation]:
    """Apply every rule wherever it fits."""
    current = list(operations)
    for rule in RULES:
        i = 0
        while i < len(current):
            changed = rule(current, i)
            if changed is None:
                i += 1
            else:
                current = changed
    return current
