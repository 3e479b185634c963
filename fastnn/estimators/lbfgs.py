"""Training with SciPy's L-BFGS, on the gradient of all samples."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn.kernels.eager import Eager
from fastnn.program.step import Problem, gradient_step


def minimise(problem: Problem, alpha: float, *, max_iter: int, max_fun: int, tol: float) -> tuple[list[float], int]:
    """Minimise the mean loss plus ½ alpha Σ w² over the model's parameters, in place.

    Parameters
    ----------
    problem : Problem
        The model, its loss and all samples.
    alpha : float
        Coefficient of the penalty, which applies to weights but not to biases.
    max_iter, max_fun : int
        Maximum number of iterations and of evaluations of the loss.
    tol : float
        The search ends when the largest element of the gradient is below this.

    Returns
    -------
    curve : list of float
        The loss including the penalty after each iteration.
    iterations : int
        Number of iterations.
    """
    from scipy.optimize import minimize

    model, n = problem.model, len(problem.inputs)
    index, ops = np.arange(n), Eager(model.dtype)
    decays = np.zeros(model.params.size)
    for parameter in model.named_parameters.values():
        if parameter.decays:
            parameter.view(decays)[...] = alpha
    curve: list[float] = []

    def value_and_gradient(flat: NDArray[Any]) -> tuple[float, NDArray[np.float64]]:
        model.params[...] = flat
        loss, correct = np.zeros(1), np.zeros(1, np.int64)
        gradient_step(ops, problem, index, loss, correct, problem.loss.scale(n, model.output_shape))
        value = float(loss[0]) + 0.5 * float(decays @ (flat * flat))
        return value, model.grads.astype(np.float64) + decays * flat

    result = minimize(
        value_and_gradient,
        model.params.astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: curve.append(float(intermediate_result.fun)),
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
    )
    model.params[...] = result.x
    if result.status == 1:
        warnings.warn(
            f"lbfgs: stopped after {result.nit} iterations and {result.nfev} evaluations, before it converged",
            ConvergenceWarning,
            stacklevel=3,
        )
    return curve or [float(result.fun)], int(result.nit)
