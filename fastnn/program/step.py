"""One training step, written once: the eager session runs it, the compiled one records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from fastnn.kernels.eager import Ops
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer


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
    if problem.targets.ndim == 1:
        y = ops.empty((n,), "int64")
        ops.gather_labels(problem.targets, index, y)
    else:
        flat = ops.empty((n, prod(problem.targets.shape[1:])))
        ops.gather_rows(problem.targets.reshape(len(problem.targets), -1), index, flat, 1.0)
        y = flat.reshape((n, *problem.targets.shape[1:]))
    out, caches = model.run_forward(ops, x.reshape((n, *model.input_shape)), True)
    dout = ops.empty(out.shape)
    if problem.weights is None:
        problem.loss.run(ops, out, y, dout, loss, correct, scale)
    else:
        weights = ops.empty((n, 1))
        ops.gather_rows(problem.weights, index, weights, 1.0)
        problem.loss.run(ops, out, y, dout, loss, correct, scale, weights.reshape((n,)))
    model.run_backward(ops, dout, caches)


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
    """Clip the gradients and update every parameter that is not frozen.

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
