"""
The error of finite differences
===============================

A gradient is checked by comparing it with differences. Too large a step cuts off the curvature, too small a one loses
digits to rounding: the error has a valley, whose bottom is far lower for central differences.
"""

import numpy as np

from fastnn import functional as F
from fastnn import gradcheck, plots

rng = np.random.default_rng(0)
scores, labels = rng.standard_normal((20, 10)), rng.integers(0, 10, 20)
table = gradcheck.sweep(F.softmax_loss, scores, labels, steps=10.0 ** np.arange(-1, -12, -1))
plots.gradcheck_error(table)

# %%
# Where the valley is known, a check is one call.

x, w, b = rng.standard_normal((5, 8)), rng.standard_normal((8, 3)), rng.standard_normal(3)
print(gradcheck.check_function(F.affine_forward, F.affine_backward, x, w, b))
