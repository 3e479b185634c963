"""Joining neighbouring operations into kernels that do the same in one pass, with the same bits.

Each rule looks at one operation and at those after it, and either returns what replaces them or None. A rule
may drop an intermediate array only when nothing else touches it, and may move an operation forward only past
operations that neither touch what it writes nor write what it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn.kernels import Activation
from fastnn.program.record import Buffer, Operation, Stream, same_memory

Rule = Callable[[list[Operation], int], list[Operation] | None]

# weight gradients whose batch is longer keep their own array (csrc/gemm/gemm.h, GEMM_MAX_WHOLE_K)
_MAX_FUSED_BATCH = 4096


def touches(operation: Operation, array: Any) -> bool:
    return operation.reads(array) or operation.writes(array)


def writes_any(operations: Sequence[Operation], *arrays: Any) -> bool:
    """Whether one of the operations writes one of the arrays (None: an array that is not there)."""
    return any(operation.writes(array) for operation in operations for array in arrays)


def touches_any(operations: Sequence[Operation], *arrays: Any) -> bool:
    """Whether one of the operations reads or writes one of the arrays (None: an array that is not there)."""
    return any(touches(operation, array) for operation in operations for array in arrays)


def sole_user(operations: Sequence[Operation], array: Any, after: int) -> int | None:
    """Index of the only later operation that touches `array`, where that one reads it; none has a stream to itself."""
    if isinstance(array, Buffer) and isinstance(array.root, Stream):
        return None
    users = [i for i in range(after + 1, len(operations)) if touches(operations[i], array)]
    return users[0] if len(users) == 1 and operations[users[0]].reads(array) else None


# kernel → what it is called when it does the activation behind it, or the activation's derivative, as well
_WITH_ACTIVATION = {
    "affine_forward": "affine_activation_forward",
    "conv_forward": "conv_activation_forward",
    "affine_backward_input": "affine_activation_backward_input",
    "conv_backward_input": "conv_activation_backward_input",
}


def product_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_forward or conv_forward, activation_forward → one kernel."""
    if operations[i].kernel not in ("affine_forward", "conv_forward"):
        return None
    x, w, b, out, *options = operations[i].arguments
    j = sole_user(operations, out, i) if isinstance(out, Buffer) else None
    if j != i + 1 or operations[j].kernel != "activation_forward":
        return None
    _, activated, kind, alpha = operations[j].arguments
    if any(same_memory(activated, a) for a in (x, w, b)):
        return None
    # the activation takes arrays of any shape, the joined kernel rows or images
    arguments = (x, w, b, activated.reshape(out.shape), *options, kind, alpha)
    return [*operations[:i], Operation(_WITH_ACTIVATION[operations[i].kernel], arguments), *operations[j + 1 :]]


def input_gradient_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_input or conv_backward_input, activation_backward → one kernel."""
    if operations[i].kernel not in ("affine_backward_input", "conv_backward_input"):
        return None
    dout, w, dx, *options = operations[i].arguments
    j = sole_user(operations, dx, i) if isinstance(dx, Buffer) else None
    if j is None or operations[j].kernel != "activation_backward":
        return None
    into_dx, x, out, into, kind, alpha = operations[j].arguments
    if x is not None or not same_memory(into_dx, dx) or any(same_memory(into, a) for a in (dout, w, out)):
        return None
    if writes_any(operations[i + 1 : j], out) or touches_any(operations[i + 1 : j], into):
        return None
    arguments = (dout, w, out.reshape(dx.shape), into.reshape(dx.shape), *options, kind, alpha)
    fused = Operation(_WITH_ACTIVATION[operations[i].kernel], arguments)
    return [*operations[:i], fused, *operations[i + 1 : j], *operations[j + 1 :]]


# the updates whose decay is added to the gradient, as a penalty's is
_DECAYING = ("sgd_update", "momentum_update", "nesterov_update", "rmsprop_update", "adagrad_update", "adam_update")


def penalty_then_update(operations: list[Operation], i: int) -> list[Operation] | None:
    """Penalty with l2 alone, *_update without decay → what it adds to the loss, an update with decay l2."""
    if operations[i].kernel != "penalty":
        return None
    w, dw, loss, l1, l2 = operations[i].arguments
    j = None if dw is None or l1 else sole_user(operations, dw, i)
    if j is None or operations[j].kernel not in _DECAYING:
        return None
    update = operations[j].arguments
    if update[0] is not w or update[-1] or not any(a is dw for a in update) or writes_any(operations[:j], w):
        return None
    # behind whoever writes the loss last, out of the way of what becomes of the gradient
    first = max((k + 1 for k in range(i) if operations[k].writes(loss)), default=i)
    share = Operation("penalty", (w, None, loss, l1, l2))
    decayed = Operation(operations[j].kernel, (*update[:-1], l2))
    before, between = operations[:first], operations[first:i]
    return [*before, share, *between, *operations[i + 1 : j], decayed, *operations[j + 1 :]]


def pool_gradient_then_activation(operations: list[Operation], i: int) -> list[Operation] | None:
    """max_pool_backward, activation_backward of what was pooled → the same the other way round, on fewer elements.

    A gradient reaches only the cells that won, and what won is the pool's output: there the derivative is taken. Where
    windows overlap a cell's gradients are added before it is multiplied, so there only with a factor of 0 or 1.
    """
    if operations[i].kernel != "max_pool_backward":
        return None
    dout, argmax, dx, *window = operations[i].arguments
    j = sole_user(operations, dx, i) if isinstance(dx, Buffer) else None
    if j is None or operations[j].kernel != "activation_backward":
        return None
    into_dx, x, out, into, kind, alpha = operations[j].arguments
    size_h, size_w, stride_h, stride_w, *_ = window
    if (stride_h < size_h or stride_w < size_w) and kind != Activation.RELU:
        return None
    pools = [k for k in range(i) if operations[k].kernel == "max_pool_forward" and operations[k].writes(argmax)]
    if x is not None or not same_memory(into_dx, dx) or len(pools) != 1:
        return None
    image, pooled, *_ = operations[pools[0]].arguments
    if not same_memory(image, out) or same_memory(into, out):
        return None
    if writes_any(operations[pools[0] + 1 : j], pooled):
        return None
    if touches_any(operations[i:j], into) and not same_memory(into, dx):
        return None
    share = Buffer(dout.shape, dout.dtype)
    first = Operation("activation_backward", (dout, None, pooled, share, kind, alpha))
    second = Operation("max_pool_backward", (share, argmax, into.reshape(dx.shape), *window))
    return [*operations[:i], first, second, *operations[i + 1 : j], *operations[j + 1 :]]


# update kernel → (fused kernel, number of state arrays, arguments shared by w and b behind them)
_UPDATES = {
    "sgd_update": ("affine_backward_weight_sgd", 0),
    "momentum_update": ("affine_backward_weight_momentum", 1),
    "adam_update": ("affine_backward_weight_adam", 2),
    "adamw_update": ("affine_backward_weight_adamw", 2),
}


def weight_gradient_then_update(operations: list[Operation], i: int) -> list[Operation] | None:
    """affine_backward_weight, *_update of w and of b → affine_backward_weight_*: no gradient in memory."""
    if operations[i].kernel != "affine_backward_weight":
        return None
    x, dout, dw, db, beta = operations[i].arguments
    if beta != 0 or x.shape[0] > _MAX_FUSED_BATCH:
        return None
    gradients = [g for g in (dw, db) if g is not None]
    found = [j for g in gradients if (j := sole_user(operations, g, i)) is not None]
    updates = [operations[j] for j in found]
    kernel = updates[0].kernel if updates else ""
    if len(found) != len(gradients) or kernel not in _UPDATES or any(u.kernel != kernel for u in updates):
        return None
    fused, slots = _UPDATES[kernel]
    split = 1 + slots  # w (or b), its state arrays; then the gradient; then rate … decay
    for update, gradient in zip(updates, gradients, strict=True):
        if update.arguments[split] is not gradient or update.arguments[0].shape != gradient.shape:
            return None
    w_arrays, w_rest = updates[0].arguments[:split], updates[0].arguments[split + 1 :]
    b_arrays: tuple[Any, ...] = (None,) * split
    b_rest = w_rest
    if db is not None:
        b_arrays, b_rest = updates[1].arguments[:split], updates[1].arguments[split + 1 :]
    if not all(same(p, q) for p, q in zip(w_rest[:-1], b_rest[:-1], strict=True)):
        return None
    last = max(found)
    between = [op for j, op in enumerate(operations[i + 1 : last], i + 1) if j not in found]
    if touches_any(between, *w_arrays, *b_arrays):
        return None
    joined = Operation(fused, (x, dout, *w_arrays, *b_arrays, *w_rest, b_rest[-1]))
    rest = [op for j, op in enumerate(operations[i + 1 :], i + 1) if j not in found]
    return [*operations[:i], joined, *rest]


def _is_plain_copy(operation: Operation) -> bool:
    if operation.kernel != "gather_rows":
        return False
    source, index, out, scale = operation.arguments
    return index is None and scale == 1 and source.dtype == out.dtype and source.shape == out.shape


def _renamed(operation: Operation, old: Buffer, new: Buffer) -> Operation:
    """The operation with the memory of `new` for that of `old`."""
    swapped = (
        new.reshape(v.shape) if isinstance(v, Buffer) and same_memory(v, old) else v for v in operation.arguments
    )
    return Operation(operation.kernel, tuple(swapped))


def copy_of_input(operations: list[Operation], i: int) -> list[Operation] | None:
    """A step's input, copied unchanged → read where it is."""
    if not _is_plain_copy(operations[i]):
        return None
    source, _, out, _ = operations[i].arguments
    later = operations[i + 1 :]
    if not isinstance(source, Stream) or not isinstance(out, Buffer) or isinstance(out.root, Stream):
        return None
    if writes_any(later, source, out):
        return None
    return [*operations[:i], *(_renamed(op, out, source) for op in later)]


def copy_to_output(operations: list[Operation], i: int) -> list[Operation] | None:
    """An intermediate array, copied unchanged into an output → written there at once."""
    if not _is_plain_copy(operations[i]):
        return None
    source, _, out, _ = operations[i].arguments
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
    """Apply every rule wherever it fits."""
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
