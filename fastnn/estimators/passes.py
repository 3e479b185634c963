"""Passes of `partial_fit` over small arrays the like of which have been checked before."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from fastnn.estimators.optimizers import optimizer_of, schedule_of
from fastnn.estimators.stopping import EpochRules
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.online import COPIED_BYTES, Online
from fastnn.trainer.step_losses import mean_over_samples

Array = NDArray[Any]

_UNCHANGING = (
    int,
    float,
    str,
    tuple,
    np.generic,
    RandomState,
    type(None),
)  # types of parameters
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))  # those of X, which stay as they are


class KeptPasses:
    """What `partial_fit` keeps between two calls, as long as the estimator's parameters and network stay the same.

    Parameters
    ----------
    estimator : Estimator
        After a `partial_fit` that has checked everything.
    loss : PenalisedLoss
        What is minimised where samples have no weights.
    """

    def __init__(self, estimator: Any, loss: Any) -> None:
        self._names = tuple(estimator._get_param_names())
        self._parameters = [getattr(estimator, name) for name in self._names]
        self._model, self._continued = estimator.model_, estimator._continued
        self._trainer = BaseTrainer(
            estimator.model_,
            optimizer=optimizer_of(estimator),
            loss=loss,
            batch_size=estimator._batch(COPIED_BYTES),
            seed=estimator._seed,
            shuffle=bool(estimator.shuffle),
            progress=False,
        )
        self._online = Online(self._trainer)
        self._online.state = self._continued.slots
        self._rules = EpochRules(estimator, loss, warn_unconverged=False)
        self._kinds: set[Any] = set()

    def belongs_to(self, estimator: Any) -> bool:
        """Whether the estimator is as it was."""
        if self._model is not estimator.model_ or self._continued is not estimator._continued:
            return False
        return all(map(operator.is_, map(vars(estimator).get, self._names), self._parameters))

    def add(self, X: Any, y: Any) -> None:
        """Note that arrays of this kind have passed all checks."""
        plain = type(X) is np.ndarray and type(y) is np.ndarray and X.ndim == 2 and X.dtype in _DTYPES
        if plain and X.nbytes + y.nbytes <= COPIED_BYTES:
            self._kinds.add((X.shape, X.dtype, y.shape, y.dtype))

    def run(self, estimator: Any, X: Any, y: Any) -> bool:
        """Do one pass over samples of a kind that was added; False, and nothing is done: they must be checked.

        Raises
        ------
        NonFiniteLossError
            If the loss of a step is not finite.
        """
        if type(X) is not np.ndarray or type(y) is not np.ndarray:
            return False
        if (X.shape, X.dtype, y.shape, y.dtype) not in self._kinds or not np.isfinite(X).all():
            return False
        targets = estimator._known_targets(y)
        if targets is None:
            return False
        trainer, continued, samples = self._trainer, self._continued, len(X)
        batch = min(trainer.batch_size or samples, samples)
        trainer.optimizer.learning_rate = estimator.learning_rate_init
        if estimator.learning_rate == "adaptive" and continued.learning_rate is not None:
            trainer.optimizer.learning_rate = continued.learning_rate
        trainer.schedule = schedule_of(estimator, samples, batch, continued.epochs, continued.steps)
        losses = self._online.epoch(X, targets, continued.epochs)
        self._rules.note(trainer, float(mean_over_samples(losses, samples, batch)), samples)
        continued.note(1, len(losses), trainer.optimizer.learning_rate)
        return True


def can_be_kept(estimator: Any) -> bool:
    """Whether a change of the estimator's parameters would be seen, and none of them needs a look at all samples."""
    values = [getattr(estimator, name) for name in estimator._get_param_names()]
    plain = all(isinstance(value, _UNCHANGING) for value in values)
    named = hasattr(estimator, "feature_names_in_")  # then scikit-learn warns of samples without names
    return plain and not named and not estimator._last and estimator.class_weight is None
