"""Joining a max-pool, images innermost, with the convolution before it; a rule as in `fastnn.program.fuse`.

What the convolution gives is then only ever a strip in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.kernels import Activation
from fastnn.kernels.convolution import MOST_WINDOW_CELLS
from fastnn.program.fuse import Rule, fuse, sole_user, writes_any
from fastnn.program.record import Buffer, Operation


def tiles(image: Buffer, windows: Buffer, window: Sequence[int]) -> bool:
    """Whether the windows tile the image."""
    size_h, size_w, stride_h, stride_w, pad_h, pad_w = window
    tiled = (windows.shape[2] * size_h, windows.shape[3] * size_w) == image.shape[2:4]
    return tiled and (stride_h, stride_w, pad_h, pad_w) == (size_h, size_w, 0, 0)


def convolution_then_pool(operations: list[Operation], i: int) -> list[Operation] | None:
    """conv_forward_nchw16n or conv_activation_forward_nchw16n, max_pool_forward_nchw16n → one kernel."""
    if operations[i].kernel not in ("conv_forward_nchw16n", "conv_activation_forward_nchw16n"):
        return None
    x, weight, b, out, *options = operations[i].arguments
    j = sole_user(operations, out, i) if isinstance(out, Buffer) else None
    if j is None or operations[j].kernel != "max_pool_forward_nchw16n":
        return None
    image, pooled, argmax, *window = operations[j].arguments
    size_h, size_w, *_ = window
    if image.shape != out.shape or not tiles(image, pooled, window) or size_h * size_w > MOST_WINDOW_CELLS:
        return None
    if writes_any(operations[i + 1 : j], x, weight, b):
        return None
    if operations[i].kernel == "conv_forward_nchw16n":
        options += [Activation.IDENTITY, 0.0]
    joined = Operation("conv_max_pool_forward_nchw16n", (x, weight, b, pooled, argmax, *options, size_h, size_w))
    return [*operations[:i], *operations[i + 1 : j], joined, *operations[j + 1 :]]


RULES: tuple[Rule, ...] = (convolution_then_pool,)


def fuse_pools(operations: Sequence[Operation]) -> list[Operation]:
    """Apply the rule wherever it fits; after the algorithms are chosen, for only direct convolutions take part."""
    return fuse(operations, RULES)
