"""The functions of `fastnn.compat.cs231n.layer_utils`."""

from fastnn.compat.cs231n import layer_utils
from fastnn.compat.cs231n.layer_utils import *  # noqa: F403

__all__ = layer_utils.__all__
