"""Joining operations on images innermost; rules as in `fastnn.program.fuse`."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.program.fuse import Rule, fuse, sole_user
from fastnn.program.record import Buffer, Operation, same_memory


def gather_into_lanes(operations: list[Operation], i: int) -> list[Operation] | None:
    """gather_rows, rows_to_n16 → gather_n16."""
    if operations[i].kernel != "gather_rows":
        return None
    source, index, out, scale = operations[i].arguments
    j = sole_user(operations, out, i) if isinstance(out, Buffer) else None
    if j is None or operations[j].kernel != "rows_to_n16":
        return None
    _, inner = operations[j].arguments
    if index is None and source.shape[0] != out.shape[0]:
        return None
    joined = Operation("gather_n16", (source, index, inner, scale))
    return [*operations[:i], joined, *operations[i + 1 : j], *operations[j + 1 :]]


def conv_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """conv_forward_n16, activation_forward → conv_activation_forward_n16."""
    if operations[i].kernel != "conv_forward_n16":
        return None
    x, w, b, out, *window = operations[i].arguments
    j = sole_user(operations, out, i)
    if j != i + 1 or operations[j].kernel != "activation_forward":
        return None
    _, activated, kind, alpha = operations[j].arguments
    if same_memory(activated, x):
        return None
    arguments = (x, w, b, activated.reshape(out.shape), *window, kind, alpha)
    return [*operations[:i], Operation("conv_activation_forward_n16", arguments), *operations[j + 1 :]]


def input_gradient_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """conv_backward_input_n16, activation_backward → conv_activation_backward_input_n16."""
    if operations[i].kernel != "conv_backward_input_n16":
        return None
    dout, w, dx, *window = operations[i].arguments
    j = sole_user(operations, dx, i)
    if j is None or operations[j].kernel != "activation_backward":
        return None
    into_dx, x, out, into, kind, alpha = operations[j].arguments
    if x is not None or not same_memory(into_dx, dx) or any(same_memory(into, a) for a in (dout, out)):
        return None
    if any(op.writes(out) or op.reads(into) or op.writes(into) for op in operations[i + 1 : j]):
        return None
    arguments = (dout, w, out.reshape(dx.shape), into.reshape(dx.shape), *window, kind, alpha)
    joined = Operation("conv_activation_backward_input_n16", arguments)
    return [*operations[:i], joined, *operations[i + 1 : j], *operations[j + 1 :]]


RULES: tuple[Rule, ...] = (gather_into_lanes, conv_then_activation, input_gradient_then_activation)


def fuse_innermost(operations: Sequence[Operation]) -> list[Operation]:
    """Apply every rule wherever it fits."""
    return fuse(operations, RULES)
