"""The loss of a model on a set of samples, and its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import losses
from fastnn.frames import check_same_order
from fastnn.inputs import as_array
from fastnn.kernels.eager import Eager
from fastnn.model.forward import ForwardNetwork

Array = NDArray[Any]


def measure(
    model: ForwardNetwork,
    x: ArrayLike,
    y: ArrayLike,
    loss: str | losses.Loss,
    forward: Callable[[Any], Array] | None = None,
) -> tuple[dict[str, Any], Array, Array]:
    """The figures of `Sequential.evaluate` but for its metrics, as they are: NaN where an output is.

    Parameters
    ----------
    model : ForwardNetwork
    x, y, loss
        As for `Sequential.evaluate`.
    forward : callable, optional
        What computes the outputs instead of the model's `forward`, with the model's parameters.

    Returns
    -------
    figures : dict of str to float
        "loss", and for classes "accuracy", for which a sample with NaN among its outputs counts as wrong.
    targets : (N,) or (N, …) array
        As the loss prepared them.
    outputs : (N, *output_shape) array

    Raises
    ------
    ValueError, TypeError
        If x or y does not fit the model.
    """
    loss = losses.get(loss)
    check_same_order("evaluate", x=x, y=y)
    targets = loss.prepare(as_array("evaluate", "y", y), model.output_shape, model.dtype)
    out = (model.forward if forward is None else forward)(x)
    if len(out) != len(targets):
        raise ValueError(f"evaluate: x has {len(out)} samples but y has {len(targets)}")
    value, correct = loss_of(model, loss, out, targets)
    model.penalise(Eager(model.dtype), value, gradients=False)
    figures: dict[str, Any] = {"loss": float(value[0])}
    if loss.classifies:
        figures["accuracy"] = int(correct[0]) / len(out)
    return figures, targets, out


def loss_of(
    model: ForwardNetwork, loss: losses.Loss, out: Array, targets: Array, weights: Array | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The loss of outputs for targets that `loss` has prepared, without penalties, and how many classes are right.

    Parameters
    ----------
    model : ForwardNetwork
        Whose outputs they are.
    loss : Loss
    out : (N, *output_shape) array
    targets : (N,) or (N, …) array
    weights : (N,) array of the model's dtype, optional
        Factors on the losses of the samples.

    Returns
    -------
    loss : (1,) float64 array
    correct : (1,) int64 array
        0 for a loss without classes.
    """
    value, correct = np.zeros(1), np.zeros(1, np.int64)
    loss.run(Eager(model.dtype), out, targets, None, value, correct, loss.scale(len(out), model.output_shape), weights)
    return value, correct
