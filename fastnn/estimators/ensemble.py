"""Several networks in one estimator, trained side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state

from fastnn.estimators.ready import Rows
from fastnn.estimators.together import Training, can_join, train_together, with_rows
from fastnn.trainer import NonFiniteLossError

Array = NDArray[Any]

# what the checks of the arrays leave in an estimator
_OF_ARRAYS = ("n_features_in_", "feature_names_in_", "classes_", "n_outputs_", "out_activation_", "_multilabel")
_MORE_OF_ARRAYS = ("_flat_targets", "_fitted_shape")


def share_arrays(checked: Any, member: Any) -> None:
    """Let an estimator have what was found when another one of its class checked the arrays that both are fitted to."""
    vars(member).update({n: vars(checked)[n] for n in (*_OF_ARRAYS, *_MORE_OF_ARRAYS) if n in vars(checked)})


def fit_ensemble(
    estimator: Any, x: Rows, targets: Array, weights: Array | None, held_out: tuple[Rows, Array] | None
) -> None:
    """Train the networks of an ensemble.

    Parameters
    ----------
    estimator : Estimator
        Its arrays and parameters have been checked.
    x, targets
        The checked samples.
    weights, held_out
        Must be None.

    Raises
    ------
    ValueError
        If an argument is given that an ensemble does not have, or the network is none that a population can train.
    NonFiniteLossError
        If the training of a network diverges.
    """
    name = type(estimator).__name__
    for argument, value in (("sample_weight", weights), ("validation", held_out)):
        if value is not None:
            raise ValueError(f"{name}: {argument}: expected None with n_estimators above 1")
    random = check_random_state(estimator.random_state)
    trainings = []
    for seed in random.randint(2**31 - 1, size=estimator.n_estimators):
        member = clone(estimator).set_params(n_estimators=1, bootstrap=False, random_state=int(seed))
        share_arrays(estimator, member)
        ready = member._ready(x, targets, None, None)
        if estimator.bootstrap:
            ready = with_rows(ready, random.randint(ready.count, size=ready.count))
        trainings.append(Training(member, ready, member._loss(member.alpha)))
        if not can_join(trainings[0]):
            raise ValueError(
                f"{name}: n_estimators: expected 1 for {member.model_!r} and {member._loss(0.0).name}, got "
                f"{estimator.n_estimators}; use sklearn.ensemble.BaggingClassifier or BaggingRegressor"
            )
    failed = train_together(trainings)
    if failed:
        k, error = next(iter(failed.items()))
        raise NonFiniteLossError(f"{name}: network {k} of {len(trainings)}: {error}; learning_rate_init is too large")
    members = [training.estimator for training in trainings]
    for stale in ("model_", "coefs_", "intercepts_"):
        vars(estimator).pop(stale, None)
    estimator.estimators_ = members
    estimator.n_iter_ = max(member.n_iter_ for member in members)
    estimator.loss_ = float(np.mean([member.loss_ for member in members]))
    curves = [member.loss_curve_ for member in members]
    estimator.loss_curve_ = [float(np.mean([c[i] for c in curves if len(c) > i])) for i in range(estimator.n_iter_)]
