"""Joining batch normalisation, images innermost, with what stands beside it; rules as in `fastnn.program.fuse`.

What a normalisation gives is then never in memory where a pool follows, and the statistics are taken while the
convolution's outputs are close.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.kernels import Activation
from fastnn.kernels.convolution import moments_work
from fastnn.program.fuse import Rule, fuse, sole_user, touches_any, writes_any
from fastnn.program.fuse_pool import tiles
from fastnn.program.record import Buffer, Operation, same_memory


def _work(image: Buffer) -> Buffer:
    groups, channels, *_ = image.shape
    return Buffer((moments_work(groups, channels),), np.dtype(np.float64))


def norm_then_pool(operations: list[Operation], i: int) -> list[Operation] | None:
    """batch_norm_forward or batch_norm_apply, then max_pool_forward → statistics, then both in one pass."""
    first = operations[i]
    if first.kernel == "batch_norm_forward_nchw16n":
        x, w, b, running_mean, running_var, out, mean, var, images, eps, momentum = first.arguments
    elif first.kernel == "batch_norm_apply_nchw16n":
        x, w, b, mean, var, out, eps = first.arguments
    else:
        return None
    j = sole_user(operations, out, i) if isinstance(out, Buffer) else None
    if j is None or operations[j].kernel != "max_pool_forward_nchw16n":
        return None
    image, pooled, argmax, *window = operations[j].arguments
    if not tiles(image, pooled, window) or writes_any(operations[i + 1 : j], x, w, b, mean, var):
        return None
    x = x.reshape(image.shape)
    before = operations[:i]
    if first.kernel == "batch_norm_forward_nchw16n":
        statistics = (x, running_mean, running_var, mean, var, _work(x), images, momentum)
        before = [*before, Operation("batch_norm_statistics_nchw16n", statistics)]
    joined = Operation("batch_norm_max_pool_forward_nchw16n", (x, w, b, mean, var, pooled, argmax, eps))
    return [*before, *operations[i + 1 : j], joined, *operations[j + 1 :]]


def pool_gradient_then_norm(operations: list[Operation], i: int) -> list[Operation] | None:
    """max_pool_backward, batch_norm_backward (, activation_backward of what was normalised) → one kernel."""
    if operations[i].kernel != "max_pool_backward_nchw16n":
        return None
    dout, argmax, share, *window = operations[i].arguments
    j = sole_user(operations, share, i) if isinstance(share, Buffer) else None
    if j is None or operations[j].kernel != "batch_norm_backward_nchw16n" or not tiles(share, dout, window):
        return None
    _, x, w, mean, var, dx, dw, db, images, eps, fixed, beta = operations[j].arguments
    if dx is None or writes_any(operations[i + 1 : j], dout, argmax, x, w, mean, var):
        return None
    kind, alpha, rest = Activation.IDENTITY, 0.0, operations[j + 1 :]
    k = sole_user(operations, dx, j) if isinstance(dx, Buffer) else None
    if k is not None and operations[k].kernel == "activation_backward":
        gradient, given, out, into, its_kind, its_alpha = operations[k].arguments
        between = operations[j + 1 : k]
        fits = given is None and same_memory(gradient, dx) and same_memory(out, x)
        if fits and not writes_any(between, x, into):
            dx, kind, alpha, rest = into, its_kind, its_alpha, [*between, *operations[k + 1 :]]
    image = share.shape
    arrays = (dout, argmax, x.reshape(image), w, mean, var, dx.reshape(image), dw, db, _work(share))
    joined = Operation("batch_norm_max_pool_backward_nchw16n", (*arrays, images, eps, fixed, beta, kind, alpha))
    return [*operations[:i], *operations[i + 1 : j], joined, *rest]


def convolution_then_statistics(operations: list[Operation], i: int) -> list[Operation] | None:
    """A direct convolution, then batch_norm_statistics or batch_norm_forward → statistics taken while it runs."""
    if operations[i].kernel not in ("conv_forward_nchw16n", "conv_activation_forward_nchw16n"):
        return None
    x, weight, b, out, *options = operations[i].arguments
    j = next((j for j in range(i + 1, len(operations)) if operations[j].reads(out)), None)
    if j is None:
        return None
    found, apply = operations[j], []
    if found.kernel == "batch_norm_statistics_nchw16n":
        _, running_mean, running_var, mean, var, work, images, momentum = found.arguments
    elif found.kernel == "batch_norm_forward_nchw16n":
        normal, w, shift, running_mean, running_var, to, mean, var, images, eps, momentum = found.arguments
        apply, work = [Operation("batch_norm_apply_nchw16n", (normal, w, shift, mean, var, to, eps))], _work(out)
    else:
        return None
    state = (running_mean, running_var, mean, var)
    if touches_any(operations[i:j], *state):
        return None
    if operations[i].kernel == "conv_forward_nchw16n":
        options += [Activation.IDENTITY, 0.0]
    joined = Operation("conv_statistics_forward_nchw16n", (x, weight, b, out, *state, work, *options, images, momentum))
    return [*operations[:i], joined, *operations[i + 1 : j], *apply, *operations[j + 1 :]]


RULES: tuple[Rule, ...] = (norm_then_pool, pool_gradient_then_norm, convolution_then_statistics)


def fuse_norms(operations: Sequence[Operation]) -> list[Operation]:
    """Apply every rule wherever it fits; after the algorithms are chosen, for only direct convolutions take part."""
    return fuse(operations, RULES)
