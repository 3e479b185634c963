"""Fuses operations on images in the layout NCHW16n, by rules as in `fastnn.program.fuse`."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.program.fuse import Rule, fuse, rewrite, sole_user, writes_any
from fastnn.program.record import Operation, same_memory


def gather_into_lanes(operations: list[Operation], i: int) -> list[Operation] | None:
    """gather_rows, rows_to_nchw16n → gather_nchw16n."""
    gather = operations[i]
    if gather.kernel != "gather_rows":
        return None
    j = sole_user(operations, gather["out"], i, "rows_to_nchw16n")
    if j is None or (gather["index"] is None and gather["source"].shape[0] != gather["out"].shape[0]):
        return None
    joined = Operation.of("gather_nchw16n", out=operations[j]["out"], **gather.pick("source", "index", "scale"))
    return rewrite(operations, {i: [joined], j: []})


# up to so many images, it is cheaper to read w again for each vector of images than to pack it
_FEW_IMAGES = 64


def input_gradient_into_lanes(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_input, rows_to_nchw16n → affine_backward_input_nchw16n."""
    product = operations[i]
    if product.kernel != "affine_backward_input" or product["saved"] is not None or product["precision"]:
        return None
    j = sole_user(operations, product["dx"], i, "rows_to_nchw16n")
    if j is None or product["dout"].shape[0] > _FEW_IMAGES:
        return None
    joined = Operation.of("affine_backward_input_nchw16n", dx=operations[j]["out"], **product.pick("dout", "w"))
    return rewrite(operations, {i: [joined], j: []})


def backward_in_one_pass(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_input_nchw16n, affine_backward_weight_update → one kernel, which reads w from memory once."""
    product = operations[i]
    if product.kernel != "affine_backward_input_nchw16n":
        return None
    j = next((j for j in range(i + 1, len(operations)) if operations[j].writes(product["w"])), None)
    if j is None or operations[j].kernel != "affine_backward_weight_update":
        return None
    update = operations[j]
    if not same_memory(update["dout"], product["dout"]):
        return None
    if writes_any(operations[i:j], *(array for _, array in update.arrays())):
        return None
    if any(op.reads(array) for op in operations[i + 1 : j] for argument, array in update.arrays() if argument.writes):
        return None
    joined = Operation.of(
        "affine_backward_update_nchw16n",
        dx=product["dx"],
        **{name: value for name, value in update.named.items() if name != "precision"},
    )
    return rewrite(operations, {i: [joined], j: []})


RULES: tuple[Rule, ...] = (gather_into_lanes, input_gradient_into_lanes, backward_in_one_pass)


def fuse_innermost(operations: Sequence[Operation]) -> list[Operation]:
    """Apply every rule wherever it applies."""
    return fuse(operations, RULES)
