"""Measures of how good predictions are: of classes, of probabilities, of numbers.

Every metric takes targets and outputs. By its name in `METRICS`, a `Trainer` and `Sequential.evaluate` give it the raw
outputs of the model, so that a metric of probabilities that is asked for by name applies a softmax or a sigmoid
itself; called as a function, it takes probabilities, unless ``from_scores=True`` says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from numpy.typing import NDArray

from fastnn.keywords import no_attribute
from fastnn.metrics.areas import average_precision, roc_auc
from fastnn.metrics.classes import (
    PerClass,
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    macro_f1,
    per_class,
    top_k_accuracy,
)
from fastnn.metrics.probabilities import (
    ReliabilityCurve,
    brier_score,
    calibration_error,
    log_loss,
    reliability_curve,
)
from fastnn.metrics.regression import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    pinball_loss,
    r2,
    root_mean_squared_error,
)
from fastnn.named import suggestion

__all__ = [
    "ALIASES",
    "METRICS",
    "Metric",
    "Metrics",
    "PerClass",
    "ReliabilityCurve",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier_score",
    "calibration_error",
    "confusion_matrix",
    "get",
    "get_all",
    "log_loss",
    "macro_f1",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "per_class",
    "pinball_loss",
    "r2",
    "reliability_curve",
    "roc_auc",
    "root_mean_squared_error",
    "top_k_accuracy",
]

Array = NDArray[Any]
Metric = Callable[[Array, Array], Any]
Metrics = str | Metric | Sequence[str | Metric] | Mapping[str, Metric]

METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "confusion_matrix": confusion_matrix,
    **{
        function.__name__: partial(function, from_scores=True)
        for function in (log_loss, brier_score, calibration_error, roc_auc, average_precision)
    },
    "mean_absolute_error": mean_absolute_error,
    "mean_squared_error": mean_squared_error,
    "root_mean_squared_error": root_mean_squared_error,
    "mean_absolute_percentage_error": mean_absolute_percentage_error,
    "pinball_loss": pinball_loss,
    "r2": r2,
}
ALIASES: dict[str, str] = {  # what the metrics are called elsewhere
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
    "rmse": "root_mean_squared_error",
    "mape": "mean_absolute_percentage_error",
    "pinball": "pinball_loss",
    "r2_score": "r2",
    "brier": "brier_score",
    "ece": "calibration_error",
    "auc": "roc_auc",
    "pr_auc": "average_precision",
}


def get(metric: str | Metric) -> tuple[str, Metric]:
    """The name and the function of a metric.

    Parameters
    ----------
    metric : str or callable
        A key of `METRICS`, or of `ALIASES`, as ``"mae"``; ``"top_3_accuracy"`` with any number; or a function of
        targets and outputs.

    Returns
    -------
    name : str
    function : callable
        Of targets and outputs.

    Raises
    ------
    ValueError
        If there is no metric of that name.
    TypeError
        If it is neither a name nor a function.

    Examples
    --------
    >>> from fastnn import metrics
    >>> name, top = metrics.get("top_1_accuracy")
    >>> top([1], [[0.2, 0.8]])
    1.0
    """
    if isinstance(metric, str):
        top = re.fullmatch(r"top_([1-9]\d*)_accuracy", metric)
        if top:
            return metric, lambda targets, outputs: top_k_accuracy(targets, outputs, int(top[1]))
        name = ALIASES.get(metric, metric)
        if name not in METRICS:
            hint = suggestion(metric, (*METRICS, *ALIASES))
            raise ValueError(f"metric: expected one of {', '.join(METRICS)} or top_K_accuracy, got {metric!r}{hint}")
        return metric, METRICS[name]
    if not callable(metric):
        raise TypeError(f"metric: expected a name or a function of targets and outputs, got {type(metric).__name__}")
    return getattr(metric, "__name__", type(metric).__name__), metric


def get_all(metrics: Metrics) -> dict[str, Metric]:
    """Metrics by name.

    Parameters
    ----------
    metrics : str, callable, sequence or dict
        A name or a function as `get` takes it, a sequence of them, or a dict that names its functions.

    Returns
    -------
    dict of str to callable

    Raises
    ------
    ValueError, TypeError
        If a metric is unknown, or two have the same name.

    Examples
    --------
    >>> from fastnn import metrics
    >>> list(metrics.get_all(["accuracy", "top_3_accuracy"]))
    ['accuracy', 'top_3_accuracy']
    """
    if isinstance(metrics, Mapping):
        return {name: get(metric)[1] for name, metric in metrics.items()}
    if not isinstance(metrics, Iterable) or isinstance(metrics, str):
        metrics = (metrics,)
    pairs = [get(metric) for metric in metrics]
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"metrics: two are called {name!r}; give them names in a dict")
    return dict(pairs)


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(no_attribute(__name__, name, __all__))
