"""Constructor parameters of the estimators: checked in `fit`, as scikit-learn asks."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

ACTIVATIONS = {"identity": None, "logistic": "Sigmoid", "tanh": "Tanh", "relu": "ReLU"}
"""scikit-learn's names → classes of `fastnn.layers`."""

_CHOICES: dict[str, tuple[Any, ...]] = {
    "activation": tuple(ACTIVATIONS),
    "solver": ("adam", "sgd", "lbfgs"),
    "learning_rate": ("constant", "invscaling", "adaptive"),
}
_WHOLE = {"max_iter": 1, "n_iter_no_change": 1, "max_fun": 1}
# name → lowest, highest, whether the lowest and the highest are allowed
_RANGES = {
    "alpha": (0, np.inf, True, False),
    "learning_rate_init": (0, np.inf, False, False),
    "power_t": (0, np.inf, True, False),
    "tol": (0, np.inf, True, True),
    "momentum": (0, 1, True, False),
    "validation_fraction": (0, 1, False, False),
    "beta_1": (0, 1, True, False),
    "beta_2": (0, 1, True, False),
    "epsilon": (0, np.inf, False, False),
    "dropout": (0, 1, True, False),
}


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)


def check(estimator: Any) -> None:
    """Check all constructor parameters.

    Raises
    ------
    ValueError, TypeError
        If one is out of its range; the message names the estimator and the parameter.
    """
    name = type(estimator).__name__
    for parameter, choices in _CHOICES.items():
        value = getattr(estimator, parameter)
        if value not in choices:
            raise ValueError(f"{name}: {parameter} must be one of {', '.join(choices)}, got {value!r}")
    for parameter, least in _WHOLE.items():
        value = getattr(estimator, parameter)
        if not _is_whole(value) or value < least:
            raise ValueError(f"{name}: {parameter} must be a whole number of at least {least}, got {value!r}")
    for parameter, (low, high, with_low, with_high) in _RANGES.items():
        value = getattr(estimator, parameter)
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise TypeError(f"{name}: {parameter} must be a number, got {value!r}")
        inside = low < float(value) < high or (with_low and value == low) or (with_high and value == high)
        if not inside:
            brackets = "[" if with_low else "(", "]" if with_high else ")"
            raise ValueError(f"{name}: {parameter} must be in {brackets[0]}{low}, {high}{brackets[1]}, got {value!r}")
    if estimator.batch_size != "auto" and (not _is_whole(estimator.batch_size) or estimator.batch_size < 1):
        raise ValueError(
            f'{name}: batch_size must be "auto" or a whole number of at least 1, got {estimator.batch_size!r}'
        )
    hidden_layers(estimator)
    if estimator.solver == "lbfgs":
        for parameter, off in (("dropout", 0), ("early_stopping", False)):
            if getattr(estimator, parameter) != off:
                raise ValueError(f"{name}: {parameter} needs solver 'adam' or 'sgd', got {estimator.solver!r}")


def hidden_layers(estimator: Any) -> list[int]:
    """`hidden_layer_sizes`, a number or a sequence, as a list of units.

    Raises
    ------
    ValueError
        If one is not a whole number of at least 1.
    """
    sizes = estimator.hidden_layer_sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if not all(_is_whole(size) and size >= 1 for size in sizes):
        raise ValueError(
            f"{type(estimator).__name__}: hidden_layer_sizes must be > 0, whole numbers, "
            f"got {estimator.hidden_layer_sizes!r}"
        )
    return [int(size) for size in sizes]


def conv_layers(estimator: Any) -> list[tuple[int, int]]:
    """`conv_layers`, each a number of filters or that and their side, as pairs.

    Raises
    ------
    ValueError
        If one is something else.
    """
    found = []
    for entry in estimator.conv_layers:
        pair = tuple(entry) if isinstance(entry, tuple | list) else (entry, 3)
        if len(pair) != 2 or not all(_is_whole(number) and number >= 1 for number in pair):
            raise ValueError(
                f"{type(estimator).__name__}: conv_layers must be filters or (filters, size), whole numbers of at "
                f"least 1, got {entry!r}"
            )
        found.append((int(pair[0]), int(pair[1])))
    return found
