"""Hyper-parameter searches with scikit-learn: a progress bar, a table of the results, and threads as workers.

Fits whose networks go in step are trained together, see `fastnn.estimators.GridSearchCV`.

The search itself is scikit-learn's; `fastnn.plots.search_results` draws its results. If `n_jobs` is above 1, the
workers are threads unless `joblib.parallel_config` names a backend: training runs in C, so that threads do not wait
for each other, and no processes have to be started. Each fit has one thread.

On several machines, with Dask (extra "search"), where the networks that go in step are trained in few tasks::

    from dask.distributed import Client
    with Client("tcp://scheduler:8786"), joblib.parallel_config("dask"):
        fit_search(search, x, y)

With Optuna (extra "search"), which needs one score per trial:

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

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv
from sklearn.utils.validation import check_is_fitted

from fastnn.estimators.grouped import GridSearchCV, grouped
from fastnn.estimators.workers import configured_backend
from fastnn.trainer.progress import progress_bar
from fastnn.views import cell, html_table, text_lines

__all__ = ["SearchTable", "fit_search", "search_table"]


def fit_search(
    search: Any, X: ArrayLike, y: ArrayLike | None = None, *, progress: bool | None = None, **fit: Any
) -> Any:
    """Fit a scikit-learn search and show a progress bar.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV or similar
        The search. Its `n_jobs` is the number of fits that run at the same time.
    X, y : array_like
        Arguments of its `fit`.
    progress : bool, optional
        Show a bar that counts fits. By default it is shown on a terminal and in a notebook.
    **fit
        Further arguments of its `fit`.

    Returns
    -------
    GridSearchCV, RandomizedSearchCV or similar
        `search`.

    Raises
    ------
    ValueError
        As in the `fit` of the search, for instance if there are more folds than samples.

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
    with grouped(search, X, y, fit) as arguments:
        plain: Any = super(GridSearchCV, search) if isinstance(search, GridSearchCV) else search
        with progress_bar(progress, total=_fits(search, X, y), unit=" fits") as bar, _counting(bar), _backend():
            plain.fit(X, y, **arguments)
    return search


def _backend() -> Any:
    """Choose threads, unless a backend is configured."""
    return nullcontext() if configured_backend() else joblib.parallel_config("threading")


def _fits(search: Any, X: Any, y: Any) -> int | None:
    """The number of fits, or None if the search decides on it while it runs."""
    if hasattr(search, "param_grid") and not hasattr(search, "factor"):
        candidates = len(ParameterGrid(search.param_grid))
    elif hasattr(search, "n_iter"):
        candidates = len(ParameterSampler(search.param_distributions, search.n_iter))
    else:
        return None
    return candidates * int(check_cv(search.cv, y, classifier=is_classifier(search.estimator)).get_n_splits(X, y))


@contextmanager
def _counting(bar: Any) -> Iterator[None]:
    """Advance `bar` by the number of finished tasks that joblib reports in this process, for any backend."""
    if bar is None:
        yield
        return
    report = joblib.Parallel.print_progress
    watched: list[Any] = []

    def count(parallel: Any) -> None:
        report(parallel)
        watched[:] = watched or [parallel, 0]  # the first is that of the search; a fit may have its own
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
    """The candidates of a search, the best first.

    Each row is a dict with the rank, the score and its standard deviation, the seconds of a fit and the parameters.
    ``print`` shows the rows as a table, and so do notebooks.

    Examples
    --------
    >>> from fastnn.estimators.search import SearchTable
    >>> print(SearchTable([{"rank": 1, "alpha": 0.1}, {"rank": 2, "alpha": 0.01}]))
    rank  alpha
       1    0.1
       2   0.01
    """

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(dict.fromkeys(name for row in self for name in row))

    def cells(self) -> list[list[str]]:
        """Return the rows as text."""
        return [[cell(row.get(name, "")) for name in self.names] for row in self]

    def to_markdown(self) -> str:
        """Return the table in Markdown."""
        rows = [self.names, ["---"] * len(self.names), *self.cells()]
        return "\n".join("| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows)

    def __str__(self) -> str:
        return "\n".join(text_lines([self.names, *self.cells()]))

    def _repr_html_(self) -> str:
        """Return the table in HTML, which notebooks show."""
        return html_table([self.names, *self.cells()])


def search_table(search: Any) -> SearchTable:
    """Return the results of a fitted search as a table.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV or similar
        A fitted search. If it has several scores, the table shows the one that `refit` names, else the first.

    Returns
    -------
    SearchTable

    Raises
    ------
    NotFittedError
        If the search is not fitted.

    Notes
    -----
    Candidates whose fits failed have the score NaN and come last.

    Examples
    --------
    See `fit_search`.
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
