"""Joining operations on images innermost; rules as in `fastnn.program.fuse`."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.kernels import SIGNATURES
from fastnn.program.fuse import Rule, fuse, sole_user, writes_any
from fastnn.program.record import Buffer, Operation, same_memory


def gather_into_lanes(operations: list[Operation], i: int) -> list[Operation] | None:
    """gather_rows, rows_to_nchw16n → gather_nchw16n."""
    if operations[i].kernel != "gather_rows":
        return None
    source, index, out, scale = operations[i].arguments
    j = sole_user(operations, out, i) if isinstance(out, Buffer) else None
    if j is None or operations[j].kernel != "rows_to_nchw16n":
        return None
    _, inner = operations[j].arguments
    if index is None and source.shape[0] != out.shape[0]:
        return None
    joined = Operation("gather_nchw16n", (source, index, inner, scale))
    return [*operations[:i], joined, *operations[i + 1 : j], *operations[j + 1 :]]


# images up to which reading w once more for each vector of them is cheaper than packing it
_FEW_IMAGES = 64


def input_gradient_into_lanes(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_input, rows_to_nchw16n → affine_backward_input_nchw16n."""
    if operations[i].kernel != "affine_backward_input":
        return None
    dout, w, dx = operations[i].arguments
    j = sole_user(operations, dx, i) if isinstance(dx, Buffer) else None
    if j is None or operations[j].kernel != "rows_to_nchw16n" or dout.shape[0] > _FEW_IMAGES:
        return None
    joined = Operation("affine_backward_input_nchw16n", (dout, w, operations[j].arguments[1]))
    return [*operations[:i], joined, *operations[i + 1 : j], *operations[j + 1 :]]


_WITH_UPDATE = "affine_backward_weight_"


def backward_in_one_sweep(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_input_nchw16n, affine_backward_weight_* → affine_backward_nchw16n_*: w comes from memory once."""
    if operations[i].kernel != "affine_backward_input_nchw16n":
        return None
    dout, w, dx = operations[i].arguments
    j = next((j for j in range(i + 1, len(operations)) if operations[j].writes(w)), None)
    if j is None or not operations[j].kernel.startswith(_WITH_UPDATE):
        return None
    signature = SIGNATURES[operations[j].kernel]
    arrays, scalars = operations[j].arguments[: len(signature.arrays)], operations[j].arguments[len(signature.arrays) :]
    if not same_memory(arrays[1], dout) or writes_any(operations[i:j], *arrays):
        return None
    written = [a for a, s in zip(arrays, signature.arrays, strict=True) if s.writes and a is not None]
    if any(op.reads(a) for op in operations[i + 1 : j] for a in written):
        return None
    kernel = operations[j].kernel.replace(_WITH_UPDATE, "affine_backward_nchw16n_")
    joined = Operation(kernel, (*arrays, dx, *scalars))
    return [*operations[:i], joined, *operations[i + 1 : j], *operations[j + 1 :]]


RULES: tuple[Rule, ...] = (gather_into_lanes, input_gradient_into_lanes, backward_in_one_sweep)


def fuse_innermost(operations: Sequence[Operation]) -> list[Operation]:
    """Apply every rule wherever it fits."""
    return fuse(operations, RULES)
