"""Training with SciPy's L-BFGS, on the gradient of all samples."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn.caller import warn_caller
from fastnn.estimators.losses import PenalisedLoss
from fastnn.model.sparse import SparseRows
from fastnn.program.gradient import Gradient
from fastnn.program.sparse_gradient import SparseGradient
from fastnn.program.step import Problem


def minimise(problem: Problem, *, max_iter: int, max_fun: int, tol: float) -> tuple[list[float], int]:
    """Minimise the loss and its penalty over the model's parameters, in place.

    Parameters
    ----------
    problem : Problem
        The model, its `PenalisedLoss` and all samples, in an array or as `SparseRows`.
    max_iter, max_fun : int
        Maximum number of iterations and of evaluations of the loss.
    tol : float
        The search ends when the largest element of the gradient is below this.

    Returns
    -------
    curve : list of float
        The loss including the penalty after each iteration, as scikit-learn reports it.
    iterations : int
        Number of iterations.

    Raises
    ------
    ImportError
        If SciPy is missing.
    """
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise ImportError("solver='lbfgs' needs SciPy: pip install 'fastnn-cpu[lbfgs]'") from None
    assert isinstance(problem.loss, PenalisedLoss)
    model, loss = problem.model, problem.loss
    gradient = (SparseGradient if isinstance(problem.inputs, SparseRows) else Gradient)(problem)
    penalty = 0.0  # of the last value
    curve: list[float] = []

    def value_and_gradient(flat: NDArray[Any]) -> tuple[float, NDArray[np.float64]]:
        nonlocal penalty
        model.params[...] = flat
        value, penalty = gradient.run()
        return value, model.grads.astype(np.float64)

    def note(intermediate_result: Any) -> None:
        curve.append(loss.reported(float(intermediate_result.fun), penalty, prod(model.output_shape)))

    result = minimize(
        value_and_gradient,
        model.params.astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=note,
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
    )
    model.params[...] = result.x
    if result.status == 1:
        warn_caller(
            f"lbfgs: stopped after {result.nit} iterations and {result.nfev} evaluations, before it converged",
            ConvergenceWarning,
        )
    return curve or [float(result.fun)], int(result.nit)
