"""What an estimator does between two epochs of its training, by the rules of scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn.trainer import Callback, Trainer


class EpochRules(Callback):
    """Records the curves, changes the learning rate, and ends the training when it no longer improves.

    Parameters
    ----------
    estimator : Estimator
        The estimator that is trained. Its parameters are read, its fitted attributes are written.
    warn_unconverged : bool
        Whether to warn if the training ends before it has converged.
    """

    def __init__(self, estimator: Any, *, warn_unconverged: bool = True) -> None:
        self.estimator, self.warn_unconverged = estimator, warn_unconverged
        self._unchanged = 0

    def epochs_ahead(self) -> int:
        e = self.estimator
        if e.early_stopping or (e.solver == "sgd" and e.learning_rate == "invscaling"):
            return 1
        # training cannot end in the epochs before
        return int(max(1, min(e.n_iter_no_change + 1 - self._unchanged, e.max_iter)))

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        e = self.estimator
        if e.solver == "sgd" and e.learning_rate == "invscaling":
            trainer.optimizer.learning_rate = e.learning_rate_init / (e.t_ + 1) ** e.power_t

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        e = self.estimator
        e.n_iter_ += 1
        e.t_ += trainer.run.spec.samples if trainer.run is not None else 0
        e.loss_ = epoch["loss"]
        e.loss_curve_.append(e.loss_)
        if "val_loss" in epoch:
            e.validation_curve_.append(epoch["val_loss"])
        if e.verbose:
            print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        if e.early_stopping:
            score = epoch["val_score"]
            e.validation_scores_.append(score)
            better = score - e.best_validation_score_
            e.best_validation_score_ = max(e.best_validation_score_, score)
        else:
            better = e.best_loss_ - e.loss_
            e.best_loss_ = min(e.best_loss_, e.loss_)
        self._unchanged = 0 if better > e.tol or not np.isfinite(better) else self._unchanged + 1
        if self._unchanged > e.n_iter_no_change:
            self._slow_down_or_stop(trainer)

    def _slow_down_or_stop(self, trainer: Trainer) -> None:
        e = self.estimator
        if e.solver == "sgd" and e.learning_rate == "adaptive" and trainer.optimizer.learning_rate > 1e-6:
            trainer.optimizer.learning_rate /= 5
            self._unchanged = 0
            return
        trainer.stop = True

    def on_train_end(self, trainer: Trainer) -> None:
        if self.warn_unconverged and not trainer.stop and trainer.position.epoch > trainer.epochs:
            warnings.warn(
                f"{type(self.estimator).__name__}: max_iter={trainer.epochs} reached and the training has not "
                "converged yet",
                ConvergenceWarning,
                stacklevel=2,
            )


class ContinuedTraining(Callback):
    """Carries the state of the optimiser and its number of steps from one call of `partial_fit` to the next.

    Parameters
    ----------
    estimator : Estimator
    """

    order = -1

    def __init__(self, estimator: Any) -> None:
        self._rule = _update_rule(estimator)
        self.passes = 0
        self._state: dict[str, dict[str, Any]] = {}

    def fits(self, estimator: Any) -> bool:
        """Whether the estimator still has the solver whose state this is; that of another one begins afresh."""
        return self._rule == _update_rule(estimator)

    def on_train_begin(self, trainer: Trainer) -> None:
        assert trainer.run is not None
        trainer.position.epoch = self.passes + 1
        for name, slots in self._state.items():
            for slot, value in slots.items():
                trainer.run.spec.problem.state[name][slot][...] = value
        trainer.run.session.load_state()

    def on_train_end(self, trainer: Trainer) -> None:
        assert trainer.run is not None
        trainer.run.session.store_state()
        state = trainer.run.spec.problem.state
        self._state = {name: {slot: np.copy(a) for slot, a in slots.items()} for name, slots in state.items()}
        self.passes += 1


def _update_rule(estimator: Any) -> tuple[Any, ...]:
    """What decides the kind of state that a solver keeps."""
    adam = estimator.solver == "adam"
    return ("adam",) if adam else ("sgd", estimator.momentum > 0, bool(estimator.nesterovs_momentum))
