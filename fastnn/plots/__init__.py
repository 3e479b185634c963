"""Pictures of data, models and results, as matplotlib figures.

Each function takes arrays, or an object that holds them, draws into `ax` or into a new figure, and returns the
figure. matplotlib is imported by the first call, not with this package. Lines differ in marker and dash pattern as
well as in colour, so that the figures can be read in greyscale.
"""

from fastnn.plots.confusion import confusion_matrix, wrong_predictions
from fastnn.plots.contour import contour, cost_grid
from fastnn.plots.data_preview import data_preview
from fastnn.plots.filters import filters
from fastnn.plots.gradcheck_error import gradcheck_error
from fastnn.plots.hidden_units import UsefulUnits, promoters, useful_units
from fastnn.plots.image_grid import image_grid
from fastnn.plots.learning_curve import learning_curve
from fastnn.plots.reliability import reliability
from fastnn.plots.residuals import residuals
from fastnn.plots.scaling import scaling
from fastnn.plots.search_results import search_results
from fastnn.plots.sweep import sweep
from fastnn.plots.table_preview import table_preview
from fastnn.plots.weight_images import weight_images

__all__ = [
    "UsefulUnits",
    "confusion_matrix",
    "contour",
    "cost_grid",
    "data_preview",
    "filters",
    "gradcheck_error",
    "image_grid",
    "learning_curve",
    "promoters",
    "reliability",
    "residuals",
    "scaling",
    "search_results",
    "sweep",
    "table_preview",
    "useful_units",
    "weight_images",
    "wrong_predictions",
]
