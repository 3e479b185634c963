"""What an estimator does between two epochs of its training, by the rules of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn.caller import warn_caller
from fastnn.estimators.losses import PenalisedLoss
from fastnn.model.measure import loss_of
from fastnn.model.sequential import Sequential
from fastnn.model.sparse import SparseRows
from fastnn.trainer import Callback, Trainer
from fastnn.trainer.base import BaseTrainer

Array = NDArray[Any]


@dataclass
class Progress:
    """How well a network has done so far: it is kept when a training goes on from the last one.

    Parameters
    ----------
    unchanged : int
        How many epochs in a row have not improved by `tol`.
    best : list of array
        With early stopping, the parameters and the state of the epoch with the best score of this training.
    """

    unchanged: int = 0
    best: list[Array] = field(default_factory=list)

    def remember(self, model: Sequential) -> None:
        """Keep the model's arrays as the best ones."""
        self.best = [array.copy() for array in _arrays(model)]

    def restore(self, model: Sequential) -> None:
        """Give the model the best arrays, if any were kept, and forget them."""
        for array, best in zip(_arrays(model), self.best, strict=False):
            array[...] = best
        self.best = []


def as_samples(x: Array | SparseRows, dtype: Any) -> Array | SparseRows:
    """Samples of a dtype and in C order; those of a sparse matrix stay as they are."""
    return x if isinstance(x, SparseRows) else np.ascontiguousarray(x, dtype)


def _arrays(model: Sequential) -> list[Array]:
    return [model.params, *model.state.values()]


class EpochRules(Callback):
    """Records the curves, changes the learning rate, and ends the training when it no longer improves.

    Parameters
    ----------
    estimator : Estimator
        The estimator that is trained. Its parameters are read, its fitted attributes are written.
    loss : PenalisedLoss
        What is minimised.
    held_out : triple, optional
        Validation samples, in the shape that the model takes, their targets, and their weights in the score or None.
    warn_unconverged : bool
        Whether to warn if the training ends before it has converged.
    """

    def __init__(
        self,
        estimator: Any,
        loss: PenalisedLoss,
        held_out: tuple[Array | SparseRows, Array, Array | None] | None = None,
        *,
        warn_unconverged: bool = True,
    ) -> None:
        self.estimator, self.loss, self.warn_unconverged = estimator, loss, warn_unconverged
        self.held_out: tuple[Any, Array, Array | None] | None = held_out

    def epochs_ahead(self) -> int:
        e = self.estimator
        if self.held_out is not None:
            return 1
        # the training cannot end, and its rate cannot change, in the epochs before
        patience = int(min(e.n_iter_no_change, 2**31))  # infinity: for ever
        return max(1, patience + 1 - int(e.progress_.unchanged))

    def on_train_begin(self, trainer: Trainer) -> None:
        e, model = self.estimator, trainer.model
        if self.held_out is not None:
            x, targets, weights = self.held_out
            prepared = self.loss.prepare(np.asarray(targets), model.output_shape, model.dtype)
            self.held_out = as_samples(x, model.dtype), prepared, weights
        if e.early_stopping and not e.loss_curve_:  # the first weights are the best ones until there is a score
            e.progress_.remember(model)

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        self.note(trainer, epoch["loss"], trainer.run.spec.samples if trainer.run is not None else 0)

    def note(self, trainer: BaseTrainer, loss: float, samples: int) -> None:
        """Note that an epoch of so many samples is done, whose mean loss was `loss`."""
        e = self.estimator
        e.n_iter_ += 1
        e.t_ += samples
        e.loss_ = loss
        e.loss_curve_.append(e.loss_)
        if e.verbose:
            print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        score = self._validate(trainer.model)
        # the same comparisons as scikit-learn's, which a NaN passes
        if e.early_stopping:
            e.validation_scores_.append(score)
            failed = score < e.best_validation_score_ + e.tol
            if score > e.best_validation_score_:
                e.best_validation_score_ = score
                e.progress_.remember(trainer.model)
        else:
            failed = e.loss_ > e.best_loss_ - e.tol
            if e.loss_ < e.best_loss_:
                e.best_loss_ = e.loss_
        e.progress_.unchanged = e.progress_.unchanged + 1 if failed else 0
        if e.progress_.unchanged > e.n_iter_no_change:
            self._slow_down_or_stop(trainer)

    def _validate(self, model: Sequential) -> float:
        """Append the loss on the validation samples to its curve; return their score, NaN without early stopping."""
        if self.held_out is None:
            return np.nan
        x, targets, weights = self.held_out
        outputs = model.forward(x)
        value, _ = loss_of(model, self.loss, outputs, targets)
        self.estimator.validation_curve_.append(float(value[0]))
        return float(self.estimator.score_of(targets, outputs, weights)) if self.estimator.early_stopping else np.nan

    def _slow_down_or_stop(self, trainer: BaseTrainer) -> None:
        e = self.estimator
        if e.solver == "sgd" and e.learning_rate == "adaptive" and trainer.optimizer.learning_rate > 1e-6:
            trainer.optimizer.learning_rate /= 5
            e.progress_.unchanged = 0
            return
        trainer.stop = True

    def on_train_end(self, trainer: Trainer) -> None:
        if self.estimator.early_stopping:
            self.estimator.progress_.restore(trainer.model)
        if self.warn_unconverged and not trainer.stop and trainer.position.epoch > trainer.epochs:
            warn_caller(
                f"{type(self.estimator).__name__}: max_iter={trainer.epochs} reached and the training has not "
                "converged yet",
                ConvergenceWarning,
            )


class ContinuedTraining(Callback):
    """Carries an optimiser's state and its learning rate from one training to the next call of `partial_fit`.

    Parameters
    ----------
    solver : str
        The solver, whose state another one cannot use.

    Attributes
    ----------
    epochs, steps : int
        How many of them the optimiser has done.
    slots : dict of str to dict of str to array
        The optimiser's state by parameter and slot; empty before its first step. The arrays stay the same ones.
    learning_rate : float or None
        The rate of the last step; None before the first one.
    """

    order = -1

    def __init__(self, solver: str) -> None:
        self.solver = solver
        self.epochs = self.steps = 0
        self.learning_rate: float | None = None
        self.slots: dict[str, dict[str, Any]] = {}

    def on_train_begin(self, trainer: Trainer) -> None:
        assert trainer.run is not None
        trainer.position.epoch = self.epochs + 1
        for name, slots in trainer.run.spec.problem.state.items():
            for slot, value in slots.items():
                if slot in self.slots.get(name, {}):
                    value[...] = self.slots[name][slot]
        trainer.run.session.load_state()

    def on_train_end(self, trainer: Trainer) -> None:
        assert trainer.run is not None
        trainer.run.session.store_state()
        for name, slots in trainer.run.spec.problem.state.items():
            kept = self.slots.setdefault(name, {})
            for slot, value in slots.items():
                if slot in kept and kept[slot].dtype == value.dtype:
                    kept[slot][...] = value
                else:
                    kept[slot] = value
        spec = trainer.run.spec
        self.note(trainer.position.epoch - 1 - self.epochs, spec.steps, trainer.optimizer.learning_rate)

    def note(self, epochs: int, steps: int, learning_rate: float) -> None:
        """Note that so many epochs of `steps` steps are done, and the rate of the steps to come."""
        self.epochs, self.steps, self.learning_rate = self.epochs + epochs, self.steps + epochs * steps, learning_rate
