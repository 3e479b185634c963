"""The scores of a hyper-parameter search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.checks import choice
from fastnn.plots.sweep import sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def search_results(search: Any, parameter: str, *, log: bool = False, ax: Axes | None = None) -> Figure:
    """Draw the best and the mean score of the candidates with each value of a parameter.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV or similar
        A fitted search. If it has several scores, the first is drawn.
    parameter : str
        Name of a parameter that the search varied.
    log : bool, default False
        Use a logarithmic axis of values.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If the search did not vary `parameter`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fastnn.plots import search_results
    >>> found = {"params": [{"alpha": 0.1}, {"alpha": 1.0}], "mean_test_score": [0.8, 0.7]}
    >>> figure = search_results(SimpleNamespace(cv_results_=found), "alpha", log=True)
    >>> figure.axes[0].get_xlabel()
    'alpha'
    """
    found = search.cv_results_
    names = list(dict.fromkeys(name for candidate in found["params"] for name in candidate))
    choice("search_results", "parameter", parameter, names)
    key = next(name for name in found if name.startswith("mean_test_"))
    by_value: dict[Any, list[float]] = {}
    for candidate, score in zip(found["params"], found[key], strict=True):
        if parameter in candidate and np.isfinite(score):
            value = candidate[parameter]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            by_value.setdefault(value if number else str(value), []).append(float(score))
    if any(isinstance(value, str) for value in by_value):
        values: list[Any] = [str(value) for value in by_value]
        scores = list(by_value.values())
    else:
        values = sorted(by_value)
        scores = [by_value[value] for value in values]
    lines = {"best": [max(s) for s in scores], "mean": [float(np.mean(s)) for s in scores]}
    label = key.removeprefix("mean_test_")
    return sweep(values, lines, xlabel=parameter, ylabel=label, percent=False, log=log, ax=ax, title="Search")
