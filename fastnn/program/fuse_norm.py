"""Fuses batch normalisation in the layout NCHW16n with its neighbours, by rules as in `fastnn.program.fuse`.

Normalised values that are pooled are then never written to memory, and statistics are computed while the outputs of the
convolution are in cache.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.kernels import Activation, custom
from fastnn.kernels.convolution import moments_work
from fastnn.program.fuse import Rule, fuse, rewrite, sole_user, touches_any, writes_any
from fastnn.program.fuse_pool import tiles
from fastnn.program.record import Buffer, Operation, same_memory

# a smaller eps does not hide a variance that underflows, which the statistics by themselves do not see
_LEAST_EPS = 1e-30
_STATE = ("running_mean", "running_var", "mean", "var")


def _work(image: Buffer) -> Buffer:
    groups, channels, *_ = image.shape
    return Buffer((moments_work(groups, channels),), np.dtype(np.float64))


def norm_then_pool(operations: list[Operation], i: int) -> list[Operation] | None:
    """batch_norm_forward or batch_norm_apply, max_pool_forward → statistics, then both in one pass."""
    norm = operations[i]
    if norm.kernel not in ("batch_norm_forward_nchw16n", "batch_norm_apply_nchw16n"):
        return None
    j = sole_user(operations, norm["out"], i, "max_pool_forward_nchw16n")
    if j is None:
        return None
    pool = operations[j]
    used = norm.pick("w", "b", "mean", "var", "eps")
    if (
        norm["eps"] < _LEAST_EPS
        or not tiles(pool["x"], pool["out"], pool)
        or writes_any(operations[i + 1 : j], norm["x"], *used.values())
    ):
        return None
    x = norm["x"].reshape(pool["x"].shape)
    before = []
    if norm.kernel == "batch_norm_forward_nchw16n":
        statistics = norm.pick(*_STATE, "images", "momentum")
        before = [Operation.of("batch_norm_statistics_nchw16n", x=x, work=_work(x), **statistics)]
    joined = Operation.of("batch_norm_max_pool_forward_nchw16n", x=x, **used, **pool.pick("out", "argmax"))
    return rewrite(operations, {i: before, j: [joined]})


def pool_gradient_then_norm(operations: list[Operation], i: int) -> list[Operation] | None:
    """max_pool_backward, batch_norm_backward (, activation_backward of what was normalised) → one kernel."""
    pool = operations[i]
    if pool.kernel != "max_pool_backward_nchw16n":
        return None
    share = pool["dx"]
    j = sole_user(operations, share, i, "batch_norm_backward_nchw16n")
    if j is None or not tiles(share, pool["dout"], pool):
        return None
    norm = operations[j]
    x, dx = norm["x"], norm["dx"]
    if dx is None or writes_any(
        operations[i + 1 : j], pool["dout"], pool["argmax"], x, norm["w"], norm["mean"], norm["var"]
    ):
        return None
    kind, alpha, left_out = Activation.IDENTITY, 0.0, [i]
    k = sole_user(operations, dx, j, "activation_backward")
    if k is not None:
        activation = operations[k]
        # the kernel computes the derivative from what was normalised, which is the output of the activation
        from_output = not custom.activation(activation["kind"]).backward_needs_input and same_memory(
            activation["saved"], x
        )
        if (
            from_output
            and same_memory(activation["dout"], dx)
            and not writes_any(operations[j + 1 : k], x, activation["dx"])
        ):
            dx, kind, alpha, left_out = activation["dx"], activation["kind"], activation["alpha"], [i, k]
    joined = Operation.of(
        "batch_norm_max_pool_backward_nchw16n",
        **pool.pick("dout", "argmax"),
        **norm.pick("w", "mean", "var", "dw", "db", "images", "eps", "fixed", "beta"),
        x=x.reshape(share.shape),
        dx=dx.reshape(share.shape),
        work=_work(share),
        kind=kind,
        alpha=alpha,
    )
    return rewrite(operations, {**{k: [] for k in left_out}, j: [joined]})


def convolution_then_statistics(operations: list[Operation], i: int) -> list[Operation] | None:
    """A direct convolution, batch_norm_statistics or batch_norm_forward → a convolution with statistics."""
    conv = operations[i]
    if conv.kernel != "conv_forward_nchw16n":
        return None
    j = next((j for j in range(i + 1, len(operations)) if operations[j].reads(conv["out"])), None)
    if j is None:
        return None
    norm, rest = operations[j], []
    if norm.kernel == "batch_norm_forward_nchw16n" and norm["eps"] >= _LEAST_EPS:
        work = _work(conv["out"])
        rest = [Operation.of("batch_norm_apply_nchw16n", **norm.pick("x", "w", "b", "mean", "var", "out", "eps"))]
    elif norm.kernel == "batch_norm_statistics_nchw16n":
        work = norm["work"]
    else:
        return None
    state = norm.pick(*_STATE)
    if touches_any(operations[i:j], *state.values()):
        return None
    joined = Operation.of(
        "conv_statistics_forward_nchw16n", **conv.named, **state, **norm.pick("images", "momentum"), work=work
    )
    return rewrite(operations, {i: [joined], j: rest})


RULES: tuple[Rule, ...] = (norm_then_pool, pool_gradient_then_norm, convolution_then_statistics)


def fuse_norms(operations: Sequence[Operation]) -> list[Operation]:
    """Apply every rule wherever it applies. Algorithms must be chosen before, because only direct convolutions fuse."""
    return fuse(operations, RULES)
