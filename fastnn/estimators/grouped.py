"""Searches and cross-validation whose fits are trained together before scikit-learn asks for them one by one.

Every fit of a search is known before it begins: a candidate, and the samples of a fold. The networks of those that go
in step are trained as one population (`fastnn.estimators.together`). The search itself stays scikit-learn's. It gets a
stand-in for the estimator, whose `fit` is told by an argument which samples it has, and takes over what was trained.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import joblib
import numpy as np
import sklearn
from numpy.typing import ArrayLike, NDArray
from sklearn import model_selection
from sklearn.base import clone, is_classifier
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv

from fastnn.estimators import parameters
from fastnn.estimators.base import Estimator
from fastnn.estimators.ensemble import share_arrays
from fastnn.estimators.together import Training, can_join, train_together
from fastnn.estimators.workers import configured_backend, on_dask
from fastnn.named import is_built_in
from fastnn.trainer import NonFiniteLossError

Array = NDArray[Any]
Split = tuple[Array, Array]

__all__ = ["GridSearchCV", "cross_val_score", "grouped"]

_OF_CHECKS = ("class_weight", "image_shape", "channels_last")  # parameters on which the checks of arrays depend
_LEAST = 2  # fits that are worth training together
_ROWS = "fastnn_rows"  # the argument that tells a stand-in which samples it has


class Trained:
    """Estimators that were trained together, by their parameters and the samples that they have.

    Attributes
    ----------
    seconds : float
        The time that the training of each took on average.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], Estimator | str] = {}
        self.seconds = 0.0

    def add(self, estimator: Estimator, candidates: Sequence[Mapping[str, Any]], X: Array, y: Any, splits: Any) -> None:
        """Train the candidates on the training part of each split, as far as they can be trained together."""
        started, trainings, keys = time.perf_counter(), [], []
        folds = [_Fold(X[rows], y[rows]) for rows, _ in splits]
        for candidate in candidates:
            for fold, (rows, _) in zip(folds, splits, strict=True):
                member = clone(estimator).set_params(**clone(dict(candidate), safe=False))
                try:
                    training = fold.training(member)
                except (ValueError, TypeError):
                    continue  # the search says what is wrong
                if can_join(training):
                    trainings.append(training)
                    keys.append(_key(member, rows))
        if len(trainings) < _LEAST or (on_dask() and len(trainings) < len(folds) * len(candidates)):
            return  # the stand-in that others would need is not sent to the workers
        failed = train_together(trainings)
        for k, (key, training) in enumerate(zip(keys, trainings, strict=True)):
            self._found[key] = failed.get(k, training.estimator)
        self.seconds = (time.perf_counter() - started) / len(trainings)

    def take_over(self, stand_in: Estimator, rows: Array) -> bool:
        """Give a stand-in what was trained for it; False if nothing was.

        Raises
        ------
        NonFiniteLossError
            If that training diverged.
        """
        found = self._found.get(_key(stand_in, rows))
        if isinstance(found, str):
            raise NonFiniteLossError(f"{type(stand_in).__name__}: {found}")
        if found is None:
            return False
        names = set(found.get_params(deep=False))
        stand_in.__dict__.update({name: value for name, value in vars(found).items() if name not in names})
        return True

    def __len__(self) -> int:
        return len(self._found)


class _Fold:
    """The samples of a training, which are checked once for all candidates."""

    def __init__(self, X: Array, y: Array) -> None:
        self._x, self._y = X, y
        self._checked: dict[Any, tuple[Estimator, Any]] = {}

    def training(self, member: Estimator) -> Training:
        """The training of a candidate.

        Raises
        ------
        ValueError, TypeError
            If its parameters or the samples do not fit, or it is to be done by itself.
        """
        parameters.check(member)
        if member.n_estimators > 1 or member.warm_start:
            raise ValueError("such a fit is done by itself")
        key = type(member), *(repr(getattr(member, name, None)) for name in _OF_CHECKS)
        if key not in self._checked:
            self._checked[key] = member, member._checked(self._x, self._y, None, first=True)
        first, (x, targets, weights) = self._checked[key]
        share_arrays(first, member)
        return Training(member, member._ready(x, targets, weights, None), member._loss(member.alpha))


def _key(estimator: Estimator, rows: Array) -> tuple[Any, ...]:
    named = tuple((name, repr(value)) for name, value in sorted(estimator.get_params(deep=False).items()))
    return named, len(rows), rows.tobytes()


def _stand_in(estimator: Estimator, trained: Trained) -> Estimator:
    """An estimator of the same parameters that takes over what was trained."""
    base = type(estimator)

    def fit(self: Any, X: ArrayLike, y: ArrayLike, **arguments: Any) -> Any:
        rows = arguments.pop(_ROWS, None)
        if rows is not None and trained.take_over(self, rows):
            return self
        return base.fit(self, X, y, **arguments)

    kind = type(base.__name__, (base,), {"fit": fit, "__module__": base.__module__})
    return kind(**clone(estimator).get_params(deep=False))  # type: ignore[no-any-return]


def _can_group(estimator: Any, X: Any, y: Any) -> bool:
    """Whether fits could be trained together: on arrays, here or by Dask, with results that can be repeated."""
    arrays = isinstance(X, np.ndarray) and X.ndim == 2 and isinstance(y, np.ndarray)
    elsewhere = configured_backend() is not None and not on_dask()
    routed = sklearn.get_config()["enable_metadata_routing"]
    ours = isinstance(estimator, Estimator) and is_built_in(type(estimator))
    return arrays and ours and not elsewhere and not routed and isinstance(estimator.random_state, int)


def _candidates(search: Any) -> list[Mapping[str, Any]] | None:
    """The candidates of a search, if they are known before it begins."""
    if type(search) in (model_selection.GridSearchCV, GridSearchCV):
        return list(ParameterGrid(search.param_grid))
    if type(search) is model_selection.RandomizedSearchCV and isinstance(search.random_state, int):
        options = {"random_state": search.random_state}
        return list(ParameterSampler(search.param_distributions, search.n_iter, **options))
    return None


@contextmanager
def grouped(search: Any, X: Any, y: Any, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A context in which a search takes over what has been trained for it; yields the arguments of its `fit`.

    Parameters
    ----------
    search : GridSearchCV or RandomizedSearchCV
        Others, and those whose fits cannot be trained together, are left alone.
    X, y : arrays
    arguments : mapping
        Those that its `fit` is to be given.
    """
    candidates = None if arguments or not _can_group(search.estimator, X, y) else _candidates(search)
    trained = Trained()
    own = search.estimator, search.cv, search.n_jobs
    if candidates:
        splits = _splits(search.estimator, search.cv, X, y)
        trained.add(search.estimator, candidates, X, y, splits)
    if not trained:
        yield dict(arguments)
        return
    search.estimator, search.cv = _stand_in(search.estimator, trained), splits
    search.n_jobs = None if len(trained) == len(candidates or ()) * len(splits) else search.n_jobs
    try:
        with joblib.parallel_config("sequential") if on_dask() else nullcontext():
            yield {_ROWS: np.arange(len(X))}
    finally:
        search.estimator, search.cv, search.n_jobs = own
    if hasattr(search, "best_estimator_"):
        search.best_estimator_.__class__ = type(own[0])
    for name, value in (("mean_fit_time", trained.seconds), ("std_fit_time", 0.0)):
        search.cv_results_[name] = np.full(len(search.cv_results_["params"]), value)


def _splits(estimator: Any, cv: Any, X: Array, y: Array) -> list[Split]:
    return list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))


class GridSearchCV(model_selection.GridSearchCV):  # type: ignore[misc]
    """scikit-learn's search over a grid, whose fits are trained together where their networks go in step.

    Parameters
    ----------
    estimator, param_grid, scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As of `sklearn.model_selection.GridSearchCV`.

    Notes
    -----
    Candidates that share their layers, their solver and the sizes of their steps become one population with a member
    for each candidate and fold; alpha and learning_rate_init may differ. That needs `X` and `y` as arrays, an estimator
    of this package whose ``random_state`` is a number, and no configured backend of joblib other than Dask, whose
    workers are then sent a group in a task; other fits run as in scikit-learn. The scores are those of single fits, up
    to rounding. ``mean_fit_time`` is the time of the population divided by its members.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.estimators import GridSearchCV, MLPClassifier
    >>> x, y = fastnn.data.glyphs(400, seed=0)
    >>> net = MLPClassifier((16,), max_iter=20, tol=1, n_iter_no_change=9, random_state=0)
    >>> search = GridSearchCV(net, {"learning_rate_init": [1e-5, 1e-2], "alpha": [1e-4, 1e-2]}, cv=3)
    >>> search.fit(x.reshape(-1, 784) / 255, y).best_params_["learning_rate_init"]
    0.01
    """

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Any:
        """Run the search; see `sklearn.model_selection.GridSearchCV.fit`."""
        with grouped(self, X, y, params) as arguments:
            super().fit(X, y, **arguments)
        return self


def cross_val_score(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: Mapping[str, Any] | None = None,
    pre_dispatch: int | str = "2*n_jobs",
    error_score: Any = np.nan,
) -> NDArray[np.float64]:
    """Scores of an estimator by cross-validation; the networks of all folds are trained together where they can be.

    Parameters
    ----------
    estimator, X, y, groups, scoring, cv, n_jobs, verbose, params, pre_dispatch, error_score
        As of `sklearn.model_selection.cross_val_score`.

    Returns
    -------
    (folds,) array

    Raises
    ------
    ValueError
        As scikit-learn's function.

    Notes
    -----
    See `GridSearchCV`.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.estimators import MLPClassifier, cross_val_score
    >>> x, y = fastnn.data.glyphs(400, seed=0)
    >>> net = MLPClassifier((16,), learning_rate_init=0.01, max_iter=20, tol=1, n_iter_no_change=30, random_state=0)
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # twenty passes do not converge
    ...     scores = cross_val_score(net, x.reshape(-1, 784) / 255, y, cv=4)
    >>> bool(scores.mean() > 0.5)
    True
    """
    options = {
        "scoring": scoring, "n_jobs": n_jobs, "verbose": verbose, "pre_dispatch": pre_dispatch,
        "error_score": error_score,
    }  # fmt: skip
    trained = Trained()
    if groups is None and not params and _can_group(estimator, X, y):
        splits: Sequence[Split] = _splits(estimator, cv, X, y)  # type: ignore[arg-type]
        trained.add(estimator, [{}], X, y, splits)  # type: ignore[arg-type]
        if trained:
            options |= {"n_jobs": None if len(trained) == len(splits) else n_jobs}
            estimator, cv, params = _stand_in(estimator, trained), splits, {_ROWS: np.arange(len(X))}  # type: ignore[arg-type]
    with joblib.parallel_config("sequential") if trained and on_dask() else nullcontext():
        scores = model_selection.cross_val_score(estimator, X, y, groups=groups, cv=cv, params=params, **options)
    return np.asarray(scores)
