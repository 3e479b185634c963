"""Constructor parameters of the estimators: checked in `fit`, as scikit-learn asks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastnn.checks import Range, choice, flag, number, whole
from fastnn.kernels import custom
from fastnn.kernels.precisions import PRECISIONS
from fastnn.layers import REGISTRY, Layer, Sigmoid
from fastnn.layers.custom import Maker
from fastnn.layers.custom_elementwise import own_layer

ACTIVATIONS: dict[str, type[Layer] | None] = {"identity": None, "logistic": Sigmoid} | {
    layer.kind: layer for layer in REGISTRY.values() if layer.elementwise
}
"""scikit-learn's names, then those of architecture strings → classes of `fastnn.layers`."""

_CHOICES: dict[str, tuple[Any, ...]] = {
    "solver": ("adam", "sgd", "lbfgs"),
    "learning_rate": ("constant", "invscaling", "adaptive"),
    "precision": PRECISIONS,
}
_COUNTS = ("max_iter", "max_fun", "n_estimators")
_FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping", "batch_norm", "bootstrap")
_RANGES: dict[str, Range] = {
    "alpha": {"at_least": 0},
    "learning_rate_init": {"above": 0},
    "power_t": {"at_least": 0},
    "tol": {"at_least": 0},
    "momentum": {"at_least": 0, "at_most": 1},
    "validation_fraction": {"at_least": 0, "below": 1},
    "beta_1": {"at_least": 0, "below": 1},
    "beta_2": {"at_least": 0, "below": 1},
    "epsilon": {"above": 0},
    "dropout": {"at_least": 0, "below": 1},
}


def check(estimator: Any) -> None:
    """Check all constructor parameters.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of range or of the wrong type. The message names the estimator and the parameter.
    """
    name = type(estimator).__name__
    for parameter, choices in _CHOICES.items():
        choice(name, parameter, getattr(estimator, parameter), choices)
    if not isinstance(estimator.activation, Maker):
        own = (*custom.names("activation"), *custom.names("layer"))
        choice(name, "activation", estimator.activation, (*ACTIVATIONS, *own))
    for parameter in _COUNTS:
        whole(name, parameter, getattr(estimator, parameter), at_least=1)
    if not (isinstance(estimator.n_iter_no_change, float) and estimator.n_iter_no_change == math.inf):
        whole(name, "n_iter_no_change (unless infinity)", estimator.n_iter_no_change, at_least=1)
    for parameter, ends in _RANGES.items():
        number(name, parameter, getattr(estimator, parameter), finite=parameter != "tol", **ends)
    if estimator.batch_size != "auto":
        whole(name, 'batch_size (unless "auto")', estimator.batch_size, at_least=1)
    for parameter in _FLAGS:
        flag(name, parameter, getattr(estimator, parameter))
    if not isinstance(estimator.verbose, int) or isinstance(estimator.verbose, bool):
        flag(name, "verbose (unless a number)", estimator.verbose)
    hidden_layers(estimator)
    if estimator.n_estimators > 1:
        without: dict[str, Any] = {
            "warm_start": False,
            "batch_norm": False,
            "class_weight": None,
            "precision": "float32",
        }
        for parameter, none in without.items():
            if getattr(estimator, parameter) != none:
                raise ValueError(f"{name}: {parameter}: expected {none!r} with n_estimators above 1")
        if estimator.solver == "lbfgs":
            raise ValueError(f"{name}: n_estimators needs solver 'adam' or 'sgd', got 'lbfgs'")
    if estimator.solver == "lbfgs":
        for parameter, off in (("dropout", 0), ("early_stopping", False)):
            if getattr(estimator, parameter) != off:
                raise ValueError(f"{name}: {parameter} needs solver 'adam' or 'sgd', got {estimator.solver!r}")


def activation_layer(activation: Any) -> Callable[[], Layer] | None:
    """What makes the layers of an estimator's activation, which `check` has accepted; None: no layers."""
    if isinstance(activation, Maker):
        return activation
    return ACTIVATIONS[activation] if activation in ACTIVATIONS else own_layer(activation)


def in_batches(estimator: Any) -> bool:
    """Whether the solver trains on a part of the samples at a time, as `partial_fit` needs it.

    Raises
    ------
    AttributeError
        If it does not, so that the estimator has no `partial_fit`.
    """
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit: solver 'lbfgs' needs all samples at once; use 'adam' or 'sgd'")
    return True


def hidden_layers(estimator: Any) -> list[int]:
    """Return the units of each hidden layer from `hidden_layer_sizes`, which is a number or a sequence.

    Raises
    ------
    ValueError, TypeError
        If one is not a whole number of at least 1.
    """
    sizes = estimator.hidden_layer_sizes
    if isinstance(sizes, set | frozenset | dict):
        raise TypeError(
            f"{type(estimator).__name__}: hidden_layer_sizes: expected sizes in an order, got a {type(sizes).__name__}"
        )
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    return [whole(type(estimator).__name__, "hidden_layer_sizes", size, at_least=1) for size in sizes]


def conv_layers(estimator: Any) -> list[tuple[int, int]]:
    """Return a pair (filters, size) for each entry of `conv_layers`, which is such a pair or a number of filters.

    Raises
    ------
    ValueError, TypeError
        If an entry is something else.
    """
    name, found = type(estimator).__name__, []
    for entry in estimator.conv_layers:
        pair = tuple(entry) if isinstance(entry, tuple | list) else (entry, 3)
        if len(pair) != 2:
            raise ValueError(f"{name}: conv_layers: expected a number of filters or (filters, size), got {entry!r:.80}")
        filters, size = (whole(name, "conv_layers", part, at_least=1) for part in pair)
        found.append((filters, size))
    return found
