"""The functions of `fastnn.compat.cs231n.layers`."""

from fastnn.compat.cs231n import layers
from fastnn.compat.cs231n.layers import *  # noqa: F403

__all__ = layers.__all__
