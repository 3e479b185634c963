"""Pictures of what fastnn computes, as matplotlib figures.

Each function takes arrays, or the object that has them, draws into `ax` or into a new figure, and
returns the figure. matplotlib is loaded by the first call, not by this import. Lines differ by
marker and dash as well as by colour, so that the figures read in grey.
"""

from fastnn.plots.gradcheck_error import gradcheck_error
from fastnn.plots.learning_curve import learning_curve

__all__ = ["gradcheck_error", "learning_curve"]
