"""The functions of `fastnn.compat.cs231n.im2col`."""

from fastnn.compat.cs231n import im2col
from fastnn.compat.cs231n.im2col import *  # noqa: F403

__all__ = im2col.__all__
