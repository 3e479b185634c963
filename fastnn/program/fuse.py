"""Fuses neighbouring operations into kernels that do the same in one pass, with the same bits.

Each rule is given the operations and the index of one of them, and returns either new operations or None. A rule may
remove an intermediate array only if nothing else uses it, and may move an operation forward only past operations that
neither use what it writes nor write what it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.kernels import Activation, custom
from fastnn.kernels.limits import FUSED_BATCH
from fastnn.program.record import Buffer, Operation, Stream, same_memory

Rule = Callable[[list[Operation], int], list[Operation] | None]


def touches(operation: Operation, array: Any) -> bool:
    return operation.reads(array) or operation.writes(array)


def writes_any(operations: Sequence[Operation], *arrays: Any) -> bool:
    """Whether one of the operations writes one of the arrays; None stands for an absent array."""
    return any(operation.writes(array) for operation in operations for array in arrays)


def touches_any(operations: Sequence[Operation], *arrays: Any) -> bool:
    """Whether one of the operations reads or writes one of the arrays; None stands for an absent array."""
    return any(touches(operation, array) for operation in operations for array in arrays)


def sole_user(
    operations: Sequence[Operation], array: Any, after: int, *kernels: str, outside: bool = False
) -> int | None:
    """The index of the only operation behind `after` that touches `array`, if it reads it and is one of `kernels`.

    An output of the step has no sole user, and neither has an array that exists outside the step, unless `outside` says
    that nobody needs what it contains after the step (a gradient).
    """
    if isinstance(array.root, Stream) if isinstance(array, Buffer) else not outside:
        return None
    users = [i for i in range(after + 1, len(operations)) if touches(operations[i], array)]
    if len(users) != 1 or not operations[users[0]].reads(array) or operations[users[0]].kernel not in kernels:
        return None
    return users[0]


def rewrite(operations: Sequence[Operation], changes: Mapping[int, Sequence[Operation]]) -> list[Operation]:
    """Replace the operations at some indices by others, or remove them if there are no others."""
    return [new for i, old in enumerate(operations) for new in changes.get(i, (old,))]


def product_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_forward or conv_forward, activation_forward → one kernel."""
    product = operations[i]
    if product.kernel not in ("affine_forward", "conv_forward") or product["kind"] != Activation.IDENTITY:
        return None
    j = sole_user(operations, product["out"], i, "activation_forward")
    if j != i + 1:
        return None
    activation = operations[j]
    if any(same_memory(activation["out"], array) for _, array in product.arrays() if array is not product["out"]):
        return None
    # an activation takes arrays of any shape, the fused kernel only rows or images
    out = activation["out"].reshape(product["out"].shape)
    return rewrite(operations, {i: [product.change(out=out, **activation.pick("kind", "alpha"))], j: []})


def input_gradient_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_input or conv_backward_input, activation_backward → one kernel."""
    product = operations[i]
    if product.kernel not in ("affine_backward_input", "conv_backward_input") or product["saved"] is not None:
        return None
    j = sole_user(operations, product["dx"], i, "activation_backward")
    if j is None:
        return None
    activation = operations[j]
    saved, into, between = activation["saved"], activation["dx"], operations[i + 1 : j]
    reads = [array for argument, array in product.arrays() if argument.reads]
    if not same_memory(activation["dout"], product["dx"]) or any(same_memory(into, a) for a in (*reads, saved)):
        return None
    if writes_any(between, saved) or touches_any(between, into):
        return None
    shape = product["dx"].shape
    joined = product.change(dx=into.reshape(shape), saved=saved.reshape(shape), **activation.pick("kind", "alpha"))
    return rewrite(operations, {i: [joined], j: []})


def penalty_then_update(operations: list[Operation], i: int) -> list[Operation] | None:
    """A penalty with l2 alone, an update without decay → the penalty of the loss, an update with decay l2."""
    penalty = operations[i]
    if penalty.kernel != "penalty" or penalty["dw"] is None or penalty["l1"]:
        return None
    w, dw, loss = penalty["w"], penalty["dw"], penalty["loss"]
    j = sole_user(operations, dw, i, "update", outside=True)
    if j is None:
        return None
    update = operations[j]
    # decoupled decay is not the gradient of a penalty
    if (
        custom.update_rule(update["rule"]).decoupled
        or update["decay"]
        or update["w"] is not w
        or update["dw"] is not dw
    ):
        return None
    if writes_any(operations[:j], w):
        return None
    # behind the last operation that writes the loss, so that the gradient and its update become neighbours
    first = max((k + 1 for k in range(i) if operations[k].writes(loss)), default=i)
    share, decayed = penalty.change(dw=None), update.change(decay=penalty["l2"])
    moved = rewrite(operations, {i: [], j: [decayed]})
    return [*moved[:first], share, *moved[first:]]


def pool_gradient_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """max_pool_backward, activation_backward of what was pooled → the same in reverse order, on fewer elements.

    Only the largest cells get a gradient, and they are the outputs of the pool, so the derivative can be computed from
    these. If windows overlap, the gradients of a cell are added up before they are multiplied by the derivative, so the
    order may change only if that is 0 or 1.
    """
    pool = operations[i]
    if pool.kernel != "max_pool_backward":
        return None
    j = sole_user(operations, pool["dx"], i, "activation_backward")
    if j is None:
        return None
    activation = operations[j]
    kind, saved, into = custom.activation(activation["kind"]), activation["saved"], activation["dx"]
    overlap = pool["stride_h"] < pool["size_h"] or pool["stride_w"] < pool["size_w"]
    if kind.backward_needs_input or (overlap and kind is not Activation.RELU):
        return None
    pools = [k for k in range(i) if operations[k].kernel == "max_pool_forward" and operations[k].writes(pool["argmax"])]
    if not same_memory(activation["dout"], pool["dx"]) or len(pools) != 1:
        return None
    forward = operations[pools[0]]
    if not same_memory(forward["x"], saved) or same_memory(into, saved):
        return None
    if writes_any(operations[pools[0] + 1 : j], forward["out"]):
        return None
    if touches_any(operations[i:j], into) and not same_memory(into, pool["dx"]):
        return None
    scaled = Buffer(pool["dout"].shape, pool["dout"].dtype)
    first = activation.change(dout=pool["dout"], saved=forward["out"], dx=scaled)
    second = pool.change(dout=scaled, dx=into.reshape(pool["dx"].shape))
    return rewrite(operations, {i: [first, second], j: []})


# the arguments of an update that w and b must have in common
_SHARED = ("rate", "t", "rule", "c0", "c1", "c2")


def weight_gradient_then_update(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_weight, update of w and of b → affine_backward_weight_update: no gradient in memory."""
    gradient = operations[i]
    if gradient.kernel != "affine_backward_weight":
        return None
    if gradient["beta"] != 0 or gradient["x"].shape[0] > FUSED_BATCH:
        return None
    gradients = [g for g in (gradient["dw"], gradient["db"]) if g is not None]
    found = [j for g in gradients if (j := sole_user(operations, g, i, "update", outside=True)) is not None]
    updates = [operations[j] for j in found]
    if not updates or len(found) != len(gradients):
        return None
    for update, array in zip(updates, gradients, strict=True):
        if update["dw"] is not array or update["w"].shape != array.shape:
            return None
    w, b = updates[0], updates[1] if len(updates) > 1 else None
    if b is not None and not all(same(w[name], b[name]) for name in _SHARED):
        return None
    last = max(found)
    between = [op for j, op in enumerate(operations[i + 1 : last], i + 1) if j not in found]
    if touches_any(between, *(update[name] for update in updates for name in ("w", "m", "v"))):
        return None
    joined = Operation.of(
        "affine_backward_weight_update",
        **gradient.pick("x", "dout", "precision"),
        **w.pick("w", "decay", *_SHARED),
        mw=w["m"],
        vw=w["v"],
        b=b and b["w"],
        mb=b and b["m"],
        vb=b and b["v"],
        decay_b=b["decay"] if b else 0.0,
    )
    return rewrite(operations, {i: [joined], **{j: [] for j in found}})


def _is_plain_copy(operation: Operation) -> bool:
    if operation.kernel != "gather_rows":
        return False
    source, index, out, scale = operation.arguments
    return index is None and scale == 1 and source.dtype == out.dtype and source.shape == out.shape


def _renamed(operation: Operation, old: Buffer, new: Buffer) -> Operation:
    """The operation with the memory of `new` in place of that of `old`."""
    arguments = (
        new.reshape(v.shape) if isinstance(v, Buffer) and same_memory(v, old) else v for v in operation.arguments
    )
    return Operation(operation.kernel, tuple(arguments))


def copy_of_input(operations: list[Operation], i: int) -> list[Operation] | None:
    """A copy of an input of the step → the input is read in place."""
    if not _is_plain_copy(operations[i]):
        return None
    source, out = operations[i]["source"], operations[i]["out"]
    later = operations[i + 1 :]
    if not isinstance(source, Stream) or not isinstance(out, Buffer) or isinstance(out.root, Stream):
        return None
    if writes_any(later, source, out):
        return None
    return [*operations[:i], *(_renamed(op, out, source) for op in later)]


def copy_to_output(operations: list[Operation], i: int) -> list[Operation] | None:
    """A copy of an intermediate array to an output → the output is written directly."""
    if not _is_plain_copy(operations[i]):
        return None
    source, out = operations[i]["source"], operations[i]["out"]
    if not isinstance(source, Buffer) or isinstance(source.root, Stream) or not isinstance(out, Stream):
        return None
    if touches_any(operations[:i], out) or touches_any(operations[i + 1 :], source):
        return None
    return [*(_renamed(op, source, out) for op in operations[:i]), *operations[i + 1 :]]


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are the same array or the same number."""
    if isinstance(a, Buffer | np.ndarray) or isinstance(b, Buffer | np.ndarray):
        return a is b
    return bool(a == b)


RULES: tuple[Rule, ...] = (
    copy_of_input,
    copy_to_output,
    product_then_activation,
    pool_gradient_then_activation,
    input_gradient_then_activation,
    penalty_then_update,
    weight_gradient_then_update,
)


def fuse(operations: Sequence[Operation], rules: Sequence[Rule] = RULES) -> list[Operation]:
    """Apply every rule wherever it applies."""
    current = list(operations)
    for rule in rules:
        i = 0
        while i < len(current):
            changed = rule(current, i)
            if changed is None:
                i += 1
            else:
                current = changed
    return current
