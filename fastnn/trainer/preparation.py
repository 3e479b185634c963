"""What `fit` is given, checked and made ready; before anything is changed."""

from __future__ import annotations

import numbers
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import number
from fastnn.data.splits import train_test_split
from fastnn.inputs import as_array, as_batch, gatherable
from fastnn.program.step import Task
from fastnn.trainer.weights import sample_weights

if TYPE_CHECKING:
    from fastnn.trainer.trainer import Trainer

Array = NDArray[Any]
Pair = tuple[ArrayLike, ArrayLike]


def prepare(
    trainer: Trainer, x: ArrayLike, y: ArrayLike, validation: Pair | float | None, sample_weight: ArrayLike | None
) -> tuple[Task, tuple[Array, Array] | None]:
    """The task that the trainer is to work on, and what to validate with.

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the model, its loss or each other.
    """
    model, loss = trainer.model, trainer.loss
    if model.params.size and not model.trained_parameters:
        raise ValueError("fit: every layer with parameters is frozen, so there is nothing to train")
    if loss.takes_scores and model.gives_probabilities:
        warnings.warn(
            f"fit: {loss.name} takes scores, but the model ends in {model.layers[-1]!r}, which makes them "
            "probabilities; leave that layer out",
            stacklevel=3,
        )
    inputs, targets = _checked_pair(trainer, "", x, y)
    weights = sample_weights(
        sample_weight, trainer.class_weight, targets, loss.task, model.output_shape[-1], model.dtype
    )
    held: tuple[Array, Array] | None = None
    if isinstance(validation, numbers.Real) and not isinstance(validation, bool):
        rows, others = _split(targets, float(validation), trainer.seed, loss.task == "classification")
        held = inputs[others], targets[others]
        inputs, targets = inputs[rows], targets[rows]
        weights = None if weights is None else weights[rows]
    elif isinstance(validation, tuple | list) and len(validation) == 2:
        held = _checked_pair(trainer, "validation ", *validation)
    elif validation is not None:
        raise TypeError("fit: validation must be a pair (x, y) or a share of the samples")
    return _task(trainer, gatherable(inputs), targets, weights), held


def sample_images(trainer: Trainer, x: ArrayLike) -> tuple[int, int, int] | None:
    """Channels, rows and columns of a sample, for the trainer's augmentation; None without one.

    Raises
    ------
    ValueError
        If the samples are no images.
    """
    if trainer.augmentation is None:
        return None
    shape = np.shape(x)[1:]
    rows = len(shape) < 2 and trainer.augmentation.shape is None
    return trainer.augmentation.image_shape(trainer.model.input_shape if rows else shape)


def _checked_pair(trainer: Trainer, which: str, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    inputs = as_batch(f"fit: {which}".rstrip(": "), x, trainer.model.input_shape)
    targets = trainer.loss.prepare(as_array("fit", f"{which}y", y), trainer.model.output_shape, trainer.model.dtype)
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


def _task(trainer: Trainer, inputs: Array, targets: Array, weights: Array | None) -> Task:
    model, optimizer = trainer.model, trainer.optimizer
    state: dict[str, dict[str, Array]] = {name: {} for name in model.named_parameters}
    for slot in optimizer.slots:
        flat = np.full_like(model.params, optimizer.initial(slot))
        for name, parameter in model.named_parameters.items():
            state[name][slot] = parameter.view(flat)
    return Task(
        model,
        trainer.loss,
        optimizer,
        state,
        inputs.reshape(len(inputs), -1),
        targets,
        trainer.seed,
        weights=weights,
        clip_value=trainer.clip_value,
        clip_norm=trainer.clip_norm,
    )
