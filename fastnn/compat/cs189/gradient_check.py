"""The functions of `fastnn.compat.cs231n.gradient_check`."""

from fastnn.compat.cs231n import gradient_check
from fastnn.compat.cs231n.gradient_check import *  # noqa: F403

__all__ = gradient_check.__all__
