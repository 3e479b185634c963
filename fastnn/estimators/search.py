"""Searching hyper-parameters with scikit-learn: a progress bar, a table of what was found, and threads shared out.

The search itself is scikit-learn's; `fastnn.plots.search_results` draws it. Where `n_jobs` is above 1 the workers are
threads, unless `joblib.parallel_config` names a backend: training leaves Python for C, so that threads do not wait for
each other and nothing has to be started. Each fit has one thread.

Several machines, by Dask (extra "search")::

    from dask.distributed import Client
    with Client("tcp://scheduler:8786"), joblib.parallel_config("dask"):
        fit_search(search, x, y)

Optuna (extra "search") asks for one figure a trial:

>>> import optuna
>>> from sklearn.datasets import load_digits
>>> from sklearn.model_selection import cross_val_score
>>> from fastnn.estimators import MLPClassifier
>>> x, y = load_digits(return_X_y=True)
>>> def objective(trial):
...     net = MLPClassifier((trial.suggest_int("units", 8, 32),), max_iter=5, tol=0, random_state=0)
...     net.set_params(learning_rate_init=trial.suggest_float("rate", 1e-4, 1e-1, log=True))
...     with warnings.catch_warnings():
...         warnings.simplefilter("ignore")  # five passes do not converge
...         return cross_val_score(net, x / 16, y, cv=2).mean()
>>> import warnings
>>> optuna.logging.set_verbosity(optuna.logging.WARNING)
>>> study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
>>> study.optimize(objective, n_trials=4)
>>> len(study.trials), study.best_value > 0.5
(4, True)
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv
from sklearn.utils.validation import check_is_fitted

from fastnn.trainer.progress import progress_bar

__all__ = ["SearchTable", "fit_search", "search_table"]


def fit_search(
    search: Any, X: ArrayLike, y: ArrayLike | None = None, *, progress: bool | None = None, **fit: Any
) -> Any:
    """Fit a search of scikit-learn's with a progress bar; returns it.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV or the like
        Its `n_jobs` says how many fits run at the same time.
    X, y : array_like
        As for its `fit`.
    progress : bool, optional
        Show a bar that counts fits; None: if standard error is a terminal.
    **fit
        Passed on.

    Raises
    ------
    ValueError
        As the search's `fit` does, such as for more folds than samples.

    Examples
    --------
    >>> import fastnn
    >>> from sklearn.model_selection import GridSearchCV
    >>> from fastnn.estimators import MLPClassifier
    >>> from fastnn.estimators.search import fit_search, search_table
    >>> x, y = fastnn.data.glyphs(400, seed=0)
    >>> net = MLPClassifier((16,), max_iter=30, tol=1, n_iter_no_change=5, random_state=0)
    >>> search = GridSearchCV(net, {"learning_rate_init": [1e-5, 1e-2]}, cv=2, n_jobs=2)
    >>> search_table(fit_search(search, x.reshape(-1, 784) / 255, y))[0]["learning_rate_init"]
    0.01
    """
    with progress_bar(progress, total=_fits(search, X, y), unit=" fits") as bar, _counting(bar), _backend():
        search.fit(X, y, **fit)
    return search


def _backend() -> Any:
    """Threads, where nobody has chosen."""
    # joblib makes its default backend anew for every question, and keeps one that was configured
    chosen = get_active_backend()[0] is get_active_backend()[0]
    return nullcontext() if chosen else joblib.parallel_config("threading")


def _fits(search: Any, X: Any, y: Any) -> int | None:
    """How many fits there will be, None where the search decides as it goes."""
    if hasattr(search, "param_grid") and not hasattr(search, "factor"):
        candidates = len(ParameterGrid(search.param_grid))
    elif hasattr(search, "n_iter"):
        candidates = len(ParameterSampler(search.param_distributions, search.n_iter))
    else:
        return None
    return candidates * int(check_cv(search.cv, y, classifier=is_classifier(search.estimator)).get_n_splits(X, y))


@contextmanager
def _counting(bar: Any) -> Iterator[None]:
    """Move `bar` by what joblib reports in this process, whatever the backend."""
    if bar is None:
        yield
        return
    report = joblib.Parallel.print_progress
    watched: list[Any] = []

    def count(parallel: Any) -> None:
        report(parallel)
        watched[:] = watched or [parallel, 0]  # the search's own, which comes first
        if parallel is watched[0]:
            done = parallel.n_completed_tasks
            bar.update(done - watched[1] if done >= watched[1] else done)
            watched[1] = done

    joblib.Parallel.print_progress = count
    try:
        yield
        bar.refresh()
    finally:
        joblib.Parallel.print_progress = report


class SearchTable(list[dict[str, Any]]):
    """One dict a candidate, the best first: rank, score and its standard deviation, seconds of a fit, parameters."""

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(dict.fromkeys(name for row in self for name in row))

    def cells(self) -> list[list[str]]:
        """The rows as text."""
        return [[_cell(row.get(name, "")) for name in self.names] for row in self]

    def to_markdown(self) -> str:
        """A table in Markdown."""
        rows = [self.names, ["---"] * len(self.names), *self.cells()]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)

    def __str__(self) -> str:
        rows = [self.names, *self.cells()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = [f"<th>{'</th><th>'.join(map(html.escape, self.names))}</th>"]
        rows += [f"<td>{'</td><td>'.join(map(html.escape, row))}</td>" for row in self.cells()]
        return f"<table><tr>{'</tr><tr>'.join(rows)}</tr></table>"


def _cell(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def search_table(search: Any) -> SearchTable:
    """What a fitted search found.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV or the like
        Fitted; of several scores the one that `refit` names counts, else the first.

    Raises
    ------
    NotFittedError
        Before its `fit`.

    Notes
    -----
    Candidates whose fits failed have the score NaN and stand last.
    """
    check_is_fitted(search, "cv_results_")
    found = search.cv_results_
    scores = [name.removeprefix("mean_test_") for name in found if name.startswith("mean_test_")]
    score = search.refit if isinstance(search.refit, str) else scores[0]
    rows = SearchTable()
    for i in np.argsort(found[f"rank_test_{score}"], kind="stable"):
        row = {
            "rank": int(found[f"rank_test_{score}"][i]),
            score: float(found[f"mean_test_{score}"][i]),
            "std": float(found[f"std_test_{score}"][i]),
            "seconds": float(found["mean_fit_time"][i]),
        }
        rows.append(row | found["params"][i])
    return rows
