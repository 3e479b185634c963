"""The members of an ensemble: networks that are trained on all but a share of the rows, and stopped by that share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.layers import REGISTRY, CategoricalEmbedding, Dense, Dropout, Layer, Rising
from fastnn.losses import Loss
from fastnn.model.measure import loss_of
from fastnn.model.sequential import Sequential
from fastnn.optim import AdamW
from fastnn.population.share import Stopped
from fastnn.schedules import Cosine
from fastnn.tabular.inputs import TableInputs
from fastnn.trainer import Callback, EarlyStopping, History, Trainer

Array = NDArray[Any]
Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
SMALLEST_BATCH, LARGEST_BATCH, BATCHES = 16, 256, 20  # a batch is about a BATCHES-th of the rows
EMBEDDED = 8  # numbers that are learned for each category of an embedded column
MOST_STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 4_000, 20, 200  # of a member


@dataclass(frozen=True)
class Recipe:
    """How a member is built and trained.

    Parameters
    ----------
    hidden : sequence of int
        Units of the hidden layers.
    activation : str
        The kind of a layer, such as "silu".
    dropout : float
    rate, decay : float
        The learning rate at the beginning, and AdamW's decoupled weight decay.
    batch : int or None
        Rows of a step; None: about a twentieth of all, between 16 and 256.
    epochs : int or None
        At most; None: 4,000 steps, but between 20 and 200 epochs.
    patience : int or None
        Epochs without improvement after which a member stops; None: a third of the epochs.
    """

    hidden: Sequence[int]
    activation: str
    dropout: float
    rate: float
    decay: float
    batch: int | None = None
    epochs: int | None = None
    patience: int | None = None

    def network(self, inputs: TableInputs, outputs: int, seed: int, rising: bool = False) -> Sequential:
        """A network with its first weights.

        Parameters
        ----------
        inputs : TableInputs
        outputs, seed : int
        rising : bool
            Whether the outputs rise, as quantiles do.
        """
        layers: list[Layer] = [CategoricalEmbedding(inputs.codes, EMBEDDED)] if inputs.codes else []
        for units in self.hidden:
            layers += [Dense(units, init="he_normal"), activation(self.activation)]
            layers += [Dropout(self.dropout)] if self.dropout else []
        last: list[Layer] = [Rising()] if rising else []
        return Sequential([*layers, Dense(outputs), *last], input_shape=(inputs.width,), seed=seed)

    def batch_of(self, rows: int) -> int:
        """The rows of a step, for a training on so many."""
        if self.batch is not None:
            return min(self.batch, rows)
        near: int = 2 ** round(log2(max(rows / BATCHES, 1)))
        return min(max(near, SMALLEST_BATCH), LARGEST_BATCH, rows)

    def epochs_of(self, rows: int) -> int:
        """The most epochs of a training on so many rows."""
        if self.epochs is not None:
            return self.epochs
        steps = -(-rows // self.batch_of(rows))
        return min(max(MOST_STEPS // steps, FEWEST_EPOCHS), MOST_EPOCHS)


def activation(kind: str) -> Layer:
    """The layer of an activation's name.

    Parameters
    ----------
    kind : str

    Examples
    --------
    >>> from fastnn.tabular.members import activation
    >>> activation("silu")
    SiLU()
    """
    return next(cls for cls in REGISTRY.values() if cls.kind == kind)()


class Member(NamedTuple):
    """A network after its best epoch.

    Parameters
    ----------
    network : Sequential
    loss : float
        On the rows that it held out.
    best_epoch : int
    history : History
        Of all its epochs.
    held_out : index array
        The rows that it held out.
    """

    network: Sequential
    loss: float
    best_epoch: int
    history: History
    held_out: NDArray[np.int64]

    @property
    def epochs(self) -> int:
        """How many epochs it was trained."""
        return len(self.history.epochs)


class WeightedLoss(Callback):
    """Makes the loss on rows that are held out that of rows that count by their weights.

    Parameters
    ----------
    x : (N, D) float32 array
    targets : (N,) or (N, K) array
    weights : (N,) float64 array
    """

    order = -1  # before what stops by it

    def __init__(self, x: Array, targets: Array, weights: Array) -> None:
        self.x, self.targets, self.weights = x, targets, weights / weights.mean()

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        """Put the weighted loss in place of the mean."""
        model, loss = trainer.model, trainer.loss
        targets = loss.prepare(self.targets, model.output_shape, model.dtype)
        value, _ = loss_of(model, loss, model.forward(self.x), targets, self.weights.astype(model.dtype))
        epoch["val_loss"] = float(value[0])


class StopsWithOthers(Callback):
    """Ends a training when those beside it have been ended.

    Parameters
    ----------
    stopped : callable

    Attributes
    ----------
    ended : bool
        Whether it has ended this one.
    """

    def __init__(self, stopped: Stopped) -> None:
        self.stopped, self.ended = stopped, False

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        """Stop the training if the others have been stopped."""
        if not trainer.stop and self.stopped():
            trainer.stop = self.ended = True


class Rows(NamedTuple):
    """What is learned of the rows of a table.

    Parameters
    ----------
    targets : (N,) or (N, K) array
        As the loss takes them.
    loss : Loss
    weights : (N,) float64 array or None
        Factors on the losses of the rows.
    outputs : int
        Of a network.
    rising : bool
        Whether they rise, as quantiles do.
    """

    targets: Array
    loss: Loss
    weights: Array | None
    outputs: int
    rising: bool


def train(
    recipe: Recipe, network: Sequential, x: Array, rows: Rows, fold: Fold, seed: int, stopped: Stopped
) -> Member | None:
    """Train a member; return nothing if it was ended before.

    Parameters
    ----------
    recipe : Recipe
    network : Sequential
        With its first weights.
    x : (N, D) float32
    rows : Rows
    fold : pair of index arrays
        The rows to train on and those that stop it.
    seed : int
    stopped : callable
        Says after an epoch whether to end the training; see `share_out`.
    """
    own, held_out = fold
    epochs = recipe.epochs_of(len(own))
    stopping = EarlyStopping(patience=recipe.patience or -(-epochs // 3))
    validation = x[held_out], rows.targets[held_out]
    with_others = StopsWithOthers(stopped)
    callbacks: list[Callback] = [stopping, with_others]
    if rows.weights is not None:
        callbacks.append(WeightedLoss(*validation, rows.weights[held_out]))
    trainer = Trainer(
        network,
        optimizer=AdamW(recipe.rate, weight_decay=recipe.decay),
        loss=rows.loss,
        schedule=Cosine(epochs),
        batch_size=recipe.batch_of(len(own)),
        epochs=epochs,
        seed=seed,
        callbacks=callbacks,
        progress=False,
    )
    weights = None if rows.weights is None else rows.weights[own]
    trainer.fit(x[own], rows.targets[own], validation=validation, sample_weight=weights)
    if with_others.ended:
        return None
    return Member(network, stopping.best_value, stopping.best_epoch, trainer.history, held_out)
