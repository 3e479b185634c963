"""Checking what `fit` is given, before anything is changed."""

from __future__ import annotations

import numbers
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import number
from fastnn.data import Augmentation
from fastnn.data.splits import train_test_split
from fastnn.inputs import as_array, as_batch, gatherable
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer
from fastnn.trainer.weights import ClassWeight, sample_weights

Array = NDArray[Any]
Pair = tuple[ArrayLike, ArrayLike]

_CALLER_OF_FIT = 4  # frames from the warning to the line that called `fit` or `resume`


class TrainingData(NamedTuple):
    """Checked arrays: samples to train on, and perhaps others to validate with.

    Parameters
    ----------
    inputs : (N, D), any dtype that the gather kernels read
    targets : (N,) int64, or (N, …) of the model's dtype
    weights : (N, 1) of the model's dtype, or None
    validation : pair of arrays, or None
    """

    inputs: Array
    targets: Array
    weights: Array | None
    validation: tuple[Array, Array] | None


def checked_data(
    model: Sequential,
    loss: Loss,
    x: ArrayLike,
    y: ArrayLike,
    validation: Pair | float | None,
    sample_weight: ArrayLike | None,
    class_weight: ClassWeight | None,
    seed: int,
) -> TrainingData:
    """The data of a training, in the form in which the steps read them.

    Parameters
    ----------
    model : Sequential
    loss : Loss
    x, y, validation, sample_weight
        As for `Trainer.fit`.
    class_weight
        As for `Trainer`.
    seed : int
        Decides the split if `validation` is a share.

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the model, its loss or each other.
    """
    if model.params.size and not model.trained_parameters:
        raise ValueError("fit: every layer with parameters is frozen, so there is nothing to train")
    if loss.takes_scores and model.gives_probabilities:
        warnings.warn(
            f"fit: {loss.name} takes scores, but the model ends in {model.layers[-1]!r}, which makes them "
            "probabilities; leave that layer out",
            stacklevel=_CALLER_OF_FIT,
        )
    inputs, targets = _checked_pair(model, loss, "", x, y)
    weights = sample_weights(sample_weight, class_weight, targets, loss.task, model.output_shape[-1], model.dtype)
    held_out: tuple[Array, Array] | None = None
    if isinstance(validation, numbers.Real) and not isinstance(validation, bool):
        rows, others = _split(targets, float(validation), seed, loss.task == "classification")
        held_out = inputs[others], targets[others]
        inputs, targets = inputs[rows], targets[rows]
        weights = None if weights is None else weights[rows]
    elif isinstance(validation, tuple | list) and len(validation) == 2:
        held_out = _checked_pair(model, loss, "validation ", *validation)
    elif validation is not None:
        raise TypeError("fit: validation must be a pair (x, y) or a share of the samples")
    inputs = gatherable(inputs)
    return TrainingData(inputs.reshape(len(inputs), -1), targets, weights, held_out)


def fresh_state(model: Sequential, optimizer: Optimizer) -> dict[str, dict[str, Array]]:
    """The state of an optimiser before its first step, by parameter and slot."""
    state: dict[str, dict[str, Array]] = {name: {} for name in model.named_parameters}
    for slot in optimizer.slots:
        flat = np.full_like(model.params, optimizer.initial(slot))
        for name, parameter in model.named_parameters.items():
            state[name][slot] = parameter.view(flat)
    return state


def sample_shape(augmentation: Augmentation | None, model: Sequential, x: ArrayLike) -> tuple[int, int, int] | None:
    """Channels, rows and columns of a sample, as an augmentation needs them; None without one.

    Raises
    ------
    ValueError
        If the samples are not images.
    """
    if augmentation is None:
        return None
    shape = np.shape(x)[1:]
    rows_of_pixels = len(shape) < 2 and augmentation.shape is None
    return augmentation.image_shape(model.input_shape if rows_of_pixels else shape)


def _checked_pair(model: Sequential, loss: Loss, which: str, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    inputs = as_batch(f"fit: {which}".rstrip(": "), x, model.input_shape)
    targets = loss.prepare(as_array("fit", f"{which}y", y), model.output_shape, model.dtype)
    if len(inputs) != len(targets):
        raise ValueError(f"fit: {which}x has {len(inputs)} samples but y has {len(targets)}")
    return inputs, targets


def _split(targets: Array, share: float, seed: int, stratify: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to validate with."""
    share = number("fit", "validation", share, above=0, below=1)
    labels = targets if targets.ndim == 1 else targets.reshape(len(targets), -1).argmax(axis=1)
    if not 1 <= round(share * len(labels)) < len(labels):
        raise ValueError(f"fit: validation={share} of {len(labels)} samples leaves none to train or to validate with")
    return train_test_split(labels, share, seed=seed, stratify=stratify)
