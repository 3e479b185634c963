"""The functions of `fastnn.compat.cs231n.data_utils`."""

from fastnn.compat.cs231n import data_utils
from fastnn.compat.cs231n.data_utils import *  # noqa: F403

__all__ = data_utils.__all__
