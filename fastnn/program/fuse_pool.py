"""Fuses max-pooling in the layout NCHW16n with the convolution before it, by a rule as in `fastnn.program.fuse`.

Only a strip of the convolution's outputs then exists at a time, in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.kernels.limits import WINDOW_CELLS
from fastnn.program.fuse import Rule, fuse, rewrite, sole_user, writes_any
from fastnn.program.record import Buffer, Operation


def tiles(image: Buffer, windows: Buffer, pool: Operation) -> bool:
    """Whether the windows of a pool tile the image."""
    size = (pool["size_h"], pool["size_w"])
    tiled = (windows.shape[2] * size[0], windows.shape[3] * size[1]) == image.shape[2:4]
    return tiled and (pool["stride_h"], pool["stride_w"], pool["pad_h"], pool["pad_w"]) == (*size, 0, 0)


def convolution_then_pool(operations: list[Operation], i: int) -> list[Operation] | None:
    """conv_forward_nchw16n, max_pool_forward_nchw16n → one kernel."""
    conv = operations[i]
    if conv.kernel != "conv_forward_nchw16n":
        return None
    j = sole_user(operations, conv["out"], i, "max_pool_forward_nchw16n")
    if j is None:
        return None
    pool = operations[j]
    if pool["x"].shape != conv["out"].shape or not tiles(pool["x"], pool["out"], pool):
        return None
    if pool["size_h"] * pool["size_w"] > WINDOW_CELLS or writes_any(
        operations[i + 1 : j], conv["x"], conv["weight"], conv["b"]
    ):
        return None
    joined = Operation.of(
        "conv_max_pool_forward_nchw16n", **{**conv.named, **pool.pick("out", "argmax", "size_h", "size_w")}
    )
    return rewrite(operations, {i: [], j: [joined]})


RULES: tuple[Rule, ...] = (convolution_then_pool,)


def fuse_pools(operations: Sequence[Operation]) -> list[Operation]:
    """Apply the rule wherever it applies. Algorithms must be chosen before, because only direct convolutions fuse."""
    return fuse(operations, RULES)
