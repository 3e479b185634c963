"""The functions of `fastnn.compat.cs231n.optim`."""

from fastnn.compat.cs231n import optim
from fastnn.compat.cs231n.optim import *  # noqa: F403

__all__ = optim.__all__
