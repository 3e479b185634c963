"""The functions of `fastnn.compat.cs231n.fast_layers`."""

from fastnn.compat.cs231n import fast_layers
from fastnn.compat.cs231n.fast_layers import *  # noqa: F403

__all__ = fast_layers.__all__
