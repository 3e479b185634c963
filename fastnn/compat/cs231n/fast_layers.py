"""The faster variants of the hand-out. Here they and the naive ones are the same compiled kernels."""

from fastnn.compat.cs231n import im2col
from fastnn.compat.cs231n.im2col import *  # noqa: F403
from fastnn.compat.cs231n.layers import (
    conv_backward_naive,
    conv_forward_naive,
    max_pool_backward_naive,
    max_pool_forward_naive,
)

conv_forward_fast = conv_forward_im2col = conv_forward_strides = conv_forward_naive
conv_backward_fast = conv_backward_im2col = conv_backward_strides = conv_backward_naive
max_pool_forward_fast = max_pool_forward_im2col = max_pool_forward_reshape = max_pool_forward_naive
max_pool_backward_fast = max_pool_backward_im2col = max_pool_backward_reshape = max_pool_backward_naive

__all__ = [
    "conv_backward_fast",
    "conv_backward_im2col",
    "conv_backward_strides",
    "conv_forward_fast",
    "conv_forward_im2col",
    "conv_forward_strides",
    "max_pool_backward_fast",
    "max_pool_backward_im2col",
    "max_pool_backward_reshape",
    "max_pool_forward_fast",
    "max_pool_forward_im2col",
    "max_pool_forward_reshape",
]
__all__ += im2col.__all__
