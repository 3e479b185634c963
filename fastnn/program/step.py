"""One training step, for the eager and for the recorded path."""

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
class Task:
    """What is trained, on what, and how: the same for every step."""

    model: Sequential
    loss: Loss
    optimizer: Optimizer
    state: Mapping[str, Mapping[str, Any]]  # parameter name → slot → view of its state
    inputs: Any  # (R, D) of any kernel dtype
    targets: Any  # (R,) int64 or (R, …) of the model's dtype
    seed: int = 0  # of what layers draw
    weights: Any = None  # (R, 1) of the model's dtype: what multiplies each sample's loss; None: 1
    clip_value: float | None = None  # elements of the gradient are cut to it,
    clip_norm: float | None = None  # then the norm of all gradients


def gradient_step(ops: Ops, task: Task, index: Any, loss: Any, correct: Any, scale: float) -> None:
    """Gradients of `scale` times the summed loss of the samples in `index` (n,); adds to them where ops.beta is 1."""
    model, n = task.model, index.shape[0]
    x = ops.empty((n, prod(model.input_shape)))
    ops.gather_rows(task.inputs, index, x, model.input_scale)
    if task.targets.ndim == 1:
        y = ops.empty((n,), "int64")
        ops.gather_labels(task.targets, index, y)
    else:
        flat = ops.empty((n, prod(task.targets.shape[1:])))
        ops.gather_rows(task.targets.reshape(len(task.targets), -1), index, flat, 1.0)
        y = flat.reshape((n, *task.targets.shape[1:]))
    out, caches = model.run_forward(ops, x.reshape((n, *model.input_shape)), True)
    dout = ops.empty(out.shape)
    if task.weights is None:
        task.loss.run(ops, out, y, dout, loss, correct, scale)
    else:
        weights = ops.empty((n, 1))
        ops.gather_rows(task.weights, index, weights, 1.0)
        task.loss.run(ops, out, y, dout, loss, correct, scale, weights.reshape((n,)))
    model.run_backward(ops, dout, caches)


def update_step(ops: Ops, task: Task, rate: Any, t: Any) -> None:
    """Change every trained parameter by its gradient. rate (1,) float64; t (1,) int64, from 1."""
    if task.clip_value is not None:
        ops.clip_value(task.model.grads, task.clip_value)
    if task.clip_norm is not None:
        ops.clip_norm(task.model.grads, task.clip_norm)
    for name, parameter in task.model.trained_parameters.items():
        task.optimizer.update(ops, parameter, task.state[name], rate, t)
