"""What ``fastnn train`` finds out about the data where its options leave it open."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import optim
from fastnn.cli.inputs import Split
from fastnn.data import Dataset, Standardizer
from fastnn.decisions import Decision
from fastnn.decisions import training as decide
from fastnn.layers import Standardize
from fastnn.model import Sequential
from fastnn.trainer import History, Trainer, find_learning_rate

_TRIED = {"adam": 0.002, "adamw": 0.002, "adagrad": 0.02, "momentum": 0.05, "nesterov": 0.05, "sgd": 0.3}
USUAL_RATES = {name: _TRIED.get(name, optim.get(name).learning_rate) for name in optim.OPTIMIZERS}
"""The learning rate that suits most data, by optimiser."""

_RANGE = (0.003, 60.0)  # of the range test, as multiples of the usual rate
_RANGE_STEPS = 100


def settle_length(options: argparse.Namespace, samples: int) -> list[Decision]:
    """Set batch, epochs and early stopping where the options leave them open; return what is to be said about it.

    Parameters
    ----------
    options : argparse.Namespace
    samples : int
        How many are trained on.
    """
    if options.batch is None:
        options.batch = decide.batch_size(samples)
    if options.epochs is not None:
        return []
    options.epochs, patience = decide.training_length(samples, options.batch)
    if options.validation == 0:
        return [decide.length(options.epochs, None)]
    if options.early_stopping is None:
        options.early_stopping = patience
    return [decide.length(options.epochs, options.early_stopping)]


def standardising(options: argparse.Namespace) -> list[Standardize]:
    """Return the layers that come before those of the architecture."""
    return [] if options.no_standardize else [Standardize()]


def set_statistics(model: Sequential, data: Dataset, images: NDArray[Any]) -> list[Decision]:
    """Set the statistics of a model's first layer, if it standardises, to those of the samples to train on.

    Each column of a table has its own, as has each channel where the model takes images; the values of images that it
    takes as rows have those of all pixels.
    """
    first = model.layers[0]
    if not isinstance(first, Standardize):
        return []
    if images.ndim == 2:
        found, by = Standardizer.fit(images, by="pixel"), "each column"
    elif images.ndim == 4 and len(model.input_shape) == 3:
        found, by = Standardizer.fit(images, by="channel", channels_last=False), "each channel"
    else:
        found, by = Standardizer.fit(images, by="all"), "all pixels"
    first.set_statistics(found.mean.reshape(-1) * data.scale, found.std.reshape(-1) * data.scale)
    return [decide.standardised(by)]


def settle_rate(
    options: argparse.Namespace, make: Callable[[optim.Optimizer], Trainer], split: Split
) -> list[Decision]:
    """Set the learning rate where the options leave it open, by a range test; return what is to be said about it.

    Parameters
    ----------
    options : argparse.Namespace
    make : callable
        Returns the trainer for an optimiser.
    split : Split
    """
    if options.learning_rate is not None:
        return []
    usual = USUAL_RATES[options.optimizer]
    trainer = make(optim.get(options.optimizer, learning_rate=usual, weight_decay=options.weight_decay))
    lowest, highest = (usual * factor for factor in _RANGE)
    search = find_learning_rate(trainer, *split.train, lowest=lowest, highest=highest, steps=_RANGE_STEPS)
    options.learning_rate, decision = decide.rate(search.suggestion, usual)
    return [decision]


def warning(history: History, labels: NDArray[Any], classes: int) -> str | None:
    """Return what to say if the loss of a classifier has not moved, None otherwise."""
    counts: Sequence[int] = np.bincount(labels, minlength=classes).tolist()
    return decide.has_not_moved(float(history.epochs[-1]["loss"]), counts)
