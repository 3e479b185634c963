"""The functions of `fastnn.compat.cs231n.vis_utils`."""

from fastnn.compat.cs231n import vis_utils
from fastnn.compat.cs231n.vis_utils import *  # noqa: F403

__all__ = vis_utils.__all__
