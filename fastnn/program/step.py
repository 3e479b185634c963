"""One training step, written once: the eager session runs it, the compiled one records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from fastnn.kernels.eager import Ops
from fastnn.kernels.precisions import Precision
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer

AVERAGE = "average"
"""The slot of the state that holds a moving average, of a parameter or of running statistics."""


@dataclass(frozen=True)
class Problem:
    """What every step of a training works on: a model, the loss to minimise, the samples and the update rule.

    Parameters
    ----------
    model : Sequential
    loss : Loss
    optimizer : Optimizer
    state : mapping of str to mapping of str to array
        The optimiser's state by parameter and slot: ``state["dense1.w"]["m"]``, with the shape of the parameter.
    inputs : (R, D), any dtype that the gather kernels read
    targets : (R,) int64, or (R, …) of the model's dtype
    seed : int
        Seed of the random numbers that layers draw.
    weights : (R, 1) of the model's dtype, optional
        Factor on the loss of each sample. Default: 1.
    clip_value, clip_norm : float, optional
        Each element of the gradient is clipped to ±`clip_value`, then the gradient as a whole is scaled down to a
        Euclidean norm of at most `clip_norm`.
    average : float, optional
        The share that the moving averages of all arrays of the model keep in a step; they are in the slot `AVERAGE` of
        the state. Default: there are none.
    precision : Precision
        See `fastnn.kernels.eager.Ops.precision`.
    """

    model: Sequential
    loss: Loss
    optimizer: Optimizer
    state: Mapping[str, Mapping[str, Any]]
    inputs: Any
    targets: Any
    seed: int = 0
    weights: Any = None
    clip_value: float | None = None
    clip_norm: float | None = None
    average: float | None = None
    precision: Precision = Precision.FLOAT32


def gradient_step(ops: Ops, problem: Problem, index: Any, loss: Any, correct: Any, scale: float) -> None:
    """Compute the loss and the gradients of some samples.

    Parameters
    ----------
    ops : Ops
        Runs or records the kernels. Where its `beta` is 1, gradients are added to those that are there.
    problem : Problem
    index : (n,) int64
        Rows of the samples.
    loss : (1,) float64
        Receives `scale` times the sum of the samples' losses.
    correct : (1,) int64
        Receives how many samples are classified correctly.
    scale : float
    """
    model, n = problem.model, index.shape[0]
    x = ops.empty((n, prod(model.input_shape)))
    ops.gather_rows(problem.inputs, index, x, model.input_scale)
    y = gather_targets(ops, problem, index)
    out, caches = model.run_forward(ops, x.reshape((n, *model.input_shape)), True)
    dout = loss_gradient(ops, problem, index, out, y, loss, correct, scale)
    model.run_backward(ops, dout, caches)


def gather_targets(ops: Ops, problem: Problem, index: Any) -> Any:
    """The targets of the samples `index` (n,): labels (n,) int64, or (n, …) of the model's dtype."""
    n, targets = index.shape[0], problem.targets
    if targets.ndim == 1:
        y = ops.empty((n,), "int64")
        ops.gather_labels(targets, index, y)
        return y
    flat = ops.empty((n, prod(targets.shape[1:])))
    ops.gather_rows(targets.reshape(len(targets), -1), index, flat, 1.0)
    return flat.reshape((n, *targets.shape[1:]))


def loss_gradient(
    ops: Ops, problem: Problem, index: Any, out: Any, y: Any, loss: Any, correct: Any, scale: float
) -> Any:
    """Compute the loss of some outputs, and return its gradient with respect to them.

    Parameters
    ----------
    ops, problem, index, loss, correct, scale
        As for `gradient_step`.
    out : (n, …)
        The model's outputs for the samples.
    y : array
        Their targets, from `gather_targets`.
    """
    dout = ops.empty(out.shape)
    if problem.weights is None:
        problem.loss.run(ops, out, y, dout, loss, correct, scale)
        return dout
    weights = ops.empty((index.shape[0], 1))
    ops.gather_rows(problem.weights, index, weights, 1.0)
    problem.loss.run(ops, out, y, dout, loss, correct, scale, weights.reshape((index.shape[0],)))
    return dout


def penalise(ops: Ops, problem: Problem, loss: Any, batch: int) -> None:
    """Add the penalties of the model and of the loss to the loss, and their gradients to those of the parameters.

    Parameters
    ----------
    ops : Ops
    problem : Problem
    loss : (1,) float64
    batch : int
        The number of samples of the step.
    """
    problem.model.penalise(ops, loss)
    problem.loss.penalise(ops, problem.model.trained_parameters, loss, batch)


def update_step(ops: Ops, problem: Problem, rate: Any, t: Any) -> None:
    """Clip the gradients, update every parameter that is not frozen, and the averages.

    Parameters
    ----------
    ops : Ops
    problem : Problem
    rate : (1,) float64
        Learning rate of this step.
    t : (1,) int64
        Number of this step in the whole training, counted from 1.
    """
    if problem.clip_value is not None:
        ops.clip_value(problem.model.grads, problem.clip_value)
    if problem.clip_norm is not None:
        ops.clip_norm(problem.model.grads, problem.clip_norm)
    for name, parameter in problem.model.trained_parameters.items():
        problem.optimizer.update(ops, parameter, problem.state[name], rate, t)
    if problem.average is not None:
        trained = {name: parameter.value for name, parameter in problem.model.trained_parameters.items()}
        for name, array in {**trained, **problem.model.state}.items():
            pair = array, problem.state[name][AVERAGE]
            if array.ndim != 2:  # one run of elements; weights of dense layers as they are, because panels replace them
                pair = pair[0].reshape(1, -1), pair[1].reshape(1, -1)
            ops.moving_average(*pair, t, problem.average)
