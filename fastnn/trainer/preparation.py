"""Turns the arguments of a trainer and of `fit` into the specification of a training, and changes nothing."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.caller import warn_caller
from fastnn.checks import number
from fastnn.data import Augmentation
from fastnn.data.mapped import is_mapped, rows_of
from fastnn.data.memory import LARGE_BYTES, MemoryEstimate, check_memory
from fastnn.data.splits import train_test_split
from fastnn.frames import check_same_order, names_of
from fastnn.inputs import as_array, as_batch, gatherable, say_if_scale_is_odd
from fastnn.kernels.layout import zeros_on_line
from fastnn.kernels.precision_choice import precision_in_use, say_if_not_faster
from fastnn.layers import Conv2D, Dense, Flatten
from fastnn.losses import Loss
from fastnn.metrics import ALIASES, METRICS, Metric
from fastnn.model.codes import what_is_no_code
from fastnn.model.sequential import Sequential
from fastnn.model.sparse import SparseRows
from fastnn.optim import Optimizer
from fastnn.program.step import Problem
from fastnn.trainer.average import as_average, begin_average
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.description import configuration
from fastnn.trainer.finite import check_finite
from fastnn.trainer.spec import TrainingSpec
from fastnn.trainer.weights import sample_weights

Array = NDArray[Any]
Pair = tuple[ArrayLike, ArrayLike]


def specify(
    trainer: BaseTrainer,
    x: ArrayLike,
    y: ArrayLike,
    validation: Pair | float | None = None,
    sample_weight: ArrayLike | None = None,
) -> TrainingSpec:
    """Check the data and specify the training that `Trainer.fit` would do with them.

    Parameters
    ----------
    trainer : BaseTrainer
    x, y, validation, sample_weight
        As for `Trainer.fit`.

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the model, its loss or each other.
    """
    model, loss = trainer.model, trainer.loss
    if model.params.size and not any(layer.trained for layer in model.layers):
        raise ValueError("fit: every layer with parameters is frozen, so there is nothing to train")
    if loss.takes_scores and model.gives_probabilities:
        warn_caller(
            f"fit: {loss.name} takes scores, but the model ends in {model.layers[-1]!r}, which makes them "
            "probabilities; leave that layer out"
        )
    check_same_order("fit", x=x, y=y, sample_weight=sample_weight)
    names = model.column_names or names_of(x)
    inputs, targets = _checked_pair(model, loss, "", x, y, names)
    if trainer.on_nonfinite == "raise":
        check_finite("fit", "x", inputs, names)
        _check_codes(model, "x", inputs)
    # other first layers may take codes, or scale what they get
    takes_pixels = isinstance(model.layers[0], (Dense, Conv2D, Flatten))
    say_if_scale_is_odd("fit", inputs, model.input_scale, bytes_too=takes_pixels)
    everything, rows = targets, None
    held_out: tuple[Array, Array] | None = None
    if isinstance(validation, numbers.Real) and not isinstance(validation, bool):
        rows, others = held_out_rows(targets, float(validation), trainer.seed, loss.task)
        parts = [inputs[r] if isinstance(inputs, SparseRows) else rows_of(inputs, r) for r in (rows, others)]
        held_out = parts[1], targets[others]
        inputs, targets = parts[0], targets[rows]
    elif isinstance(validation, tuple | list) and len(validation) == 2:
        check_same_order("fit: validation", x=validation[0], y=validation[1])
        held_out = _checked_pair(model, loss, "validation ", *validation, names)
        if trainer.on_nonfinite == "raise":
            check_finite("fit", "validation x", held_out[0], names)
            _check_codes(model, "validation x", held_out[0])
    elif validation is not None:
        raise TypeError(
            f"fit: validation: expected a pair (x, y) or a share of the samples, got {type(validation).__name__}"
        )
    _check_metrics(trainer.metrics, targets if held_out is None else held_out[1], model.output_shape)
    weights = sample_weights(
        sample_weight, trainer.class_weight, everything, loss.task, model.output_shape[-1], model.dtype, rows
    )
    for name, plain in (("average", None), ("precision", "float32")):
        if trainer.engine is not None and getattr(trainer, name) != plain:
            raise ValueError(
                f"fit: {name}: expected {plain!r} where an engine runs the steps, got {getattr(trainer, name)!r}"
            )
    if trainer.precision != model.precision:  # which has said so itself
        say_if_not_faster("fit", trainer.precision)
    _check_memory(model, trainer.optimizer, trainer.average is not None)
    problem = Problem(
        model,
        loss,
        trainer.optimizer,
        _fresh_state(model, trainer.optimizer, trainer.average is not None),
        inputs if isinstance(inputs, SparseRows) else gatherable(inputs).reshape(len(inputs), -1),
        targets,
        trainer.seed,
        weights,
        trainer.clip_value,
        trainer.clip_norm,
        as_average(trainer.average),
        precision_in_use(trainer.precision),
    )
    return TrainingSpec(
        problem,
        held_out,
        trainer.metrics,
        epochs=trainer.epochs,
        batch_size=min(trainer.batch_size or len(inputs), len(inputs)),
        shuffle=trainer.shuffle,
        schedule=trainer.schedule,
        augmentation=trainer.augmentation,
        image_shape=_image_shape(trainer.augmentation, model, np.shape(x)[1:]),
        compile=trainer.compile,
        ignore_nonfinite=trainer.on_nonfinite == "ignore",
        progress=trainer.progress,
        print_every=trainer.print_every,
        described=partial(configuration, trainer),
        engine=trainer.engine,
    )


def _check_metrics(metrics: Mapping[str, Metric], targets: Array, outputs: tuple[int, ...]) -> None:
    """Refuse metrics of fastnn that cannot be had of such targets and outputs, before there are any outputs."""
    for name, metric in metrics.items():
        if name in METRICS or name in ALIASES:
            try:
                metric(targets, np.zeros((len(targets), *outputs), np.float32))
            except (ValueError, TypeError) as error:
                raise type(error)(f"fit: metrics: {name} does not fit the targets and the outputs: {error}") from None


def _check_memory(model: Sequential, optimizer: Optimizer, average: bool) -> None:
    """Refuse a training whose gradients and state do not fit into memory, which is taken when it is first used.

    Raises
    ------
    MemoryError
    """
    size = model.params.nbytes * (1 + len(optimizer.slots) + average)
    if size > LARGE_BYTES:
        hint = "an optimiser that keeps less (momentum, or plain SGD) or a smaller model takes less"
        check_memory(lambda: MemoryEstimate(size), "fit: gradients and state of the optimiser", hint)


def _fresh_state(model: Sequential, optimizer: Optimizer, average: bool) -> dict[str, dict[str, Array]]:
    """The state of an optimiser before its first step, by parameter and slot, with that of an average."""
    state: dict[str, dict[str, Array]] = {name: {} for name in model.named_parameters}
    for slot in optimizer.slots:
        flat = zeros_on_line(model.params.size, model.dtype)
        if initial := optimizer.initial(slot):
            flat[...] = initial
        for name, parameter in model.named_parameters.items():
            state[name][slot] = parameter.view(flat)
    if average:
        begin_average(model, state)
    return state


def _image_shape(
    augmentation: Augmentation | None, model: Sequential, given: tuple[int, ...]
) -> tuple[int, int, int] | None:
    """Channels, rows and columns of a sample, as an augmentation needs them; None without one."""
    if augmentation is None:
        return None
    takes_images = sum(size > 1 for size in model.input_shape) > 1  # samples then are in its order already
    rows_of_pixels = len(given) < 2 and augmentation.shape is None
    return augmentation.image_shape(model.input_shape if takes_images or rows_of_pixels else given)


def _checked_pair(
    model: Sequential,
    loss: Loss,
    which: str,
    x: ArrayLike | SparseRows,
    y: ArrayLike,
    names: tuple[str, ...] | None,
) -> tuple[Any, Array]:
    inputs: Any
    if not isinstance(x, SparseRows):
        function = f"fit: {which}".rstrip(": ")
        inputs = as_batch(function, x, model.input_shape, model.channels_last, names)
    elif model.channels_last:
        raise ValueError(
            f"fit: {which}x: expected images in an array for a model with channels_last, got a sparse matrix"
        )
    else:
        inputs = x  # the estimator has checked it
    targets = loss.prepare(as_array("fit", f"{which}y", y), model.output_shape, model.dtype)
    if len(inputs) != len(targets):
        raise ValueError(f"fit: {which}x has {len(inputs)} samples but y has {len(targets)}")
    return inputs, targets


def _check_codes(model: Sequential, which: str, inputs: Any) -> None:
    """Refuse samples whose columns of codes, which the first layer looks up, hold something else, as it would give NaN.

    A file is not read for that, nor a sparse matrix.
    """
    if not isinstance(inputs, np.ndarray) or is_mapped(inputs):
        return
    wrong = what_is_no_code(model, inputs)
    if wrong is not None:
        row, expected = wrong
        raise ValueError(f"fit: {which}: expected codes, {expected} in sample {row}")


def held_out_rows(targets: Array, share: float, seed: int, task: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to validate with."""
    share = number("fit", "validation", share, above=0, below=1)
    answers = targets.reshape(len(targets), -1)
    one_question = task == "multilabel" and answers.shape[1] == 1 and bool(np.isin(answers, (0, 1)).all())
    labels = answers[:, 0] if targets.ndim == 1 or one_question else answers.argmax(axis=1)
    if not 1 <= round(share * len(labels)) < len(labels):
        raise ValueError(
            "fit: validation: expected a share that leaves samples to train with and to validate with, "
            f"got {share} of {len(labels)} samples"
        )
    return train_test_split(labels, share, seed=seed, stratify=task == "classification" or one_question)
