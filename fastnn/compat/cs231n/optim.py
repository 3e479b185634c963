"""Update rules ``f(w, dw, config) → (next_w, config)``. Settings that `config` lacks get the default of the rule.

The state is kept in `config`, which is changed and returned. `sgd` changes `w` in place and returns it, as the hand-out
does; the other rules leave it as it is. `dw` is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn import kernels
from fastnn.compat.cs231n.arrays import Array, Params, common
from fastnn.functional.checks import ready
from fastnn.kernels import UpdateRule

__all__ = ["adam", "rmsprop", "sgd", "sgd_momentum"]

Rule = Callable[..., tuple[Array, Params]]

DEFAULTS: dict[Rule, Params] = {}  # of each rule, the settings that `config` may lack
_ONE = np.ones(1, np.int64)


def _rule(**defaults: Any) -> Callable[[Rule], Rule]:
    """Note the default settings of a rule."""

    def note(rule: Rule) -> Rule:
        DEFAULTS[rule] = defaults
        return rule

    return note


def _filled(rule: Rule, config: Params | None) -> Params:
    config = {} if config is None else config
    for key, value in DEFAULTS[rule].items():
        config.setdefault(key, value)
    return config


def _check_shapes(rule: UpdateRule, w: Array, dw: Array) -> None:
    if w.shape != dw.shape:
        raise ValueError(f"{rule.name.lower()}: dw must have the shape of w, {w.shape}, got {dw.shape}")


def _update(
    rule: UpdateRule,
    w: Array,
    dw: Array,
    m: Array | None,
    v: Array | None,
    rate: float,
    t: Any = _ONE,
    coefficients: tuple[float, ...] = (),
) -> None:
    """Change w, m and v, which have the dtype that NumPy would compute with."""
    _check_shapes(rule, w, dw)
    kernels.get("update")(w, m, v, np.ascontiguousarray(dw), np.array([rate], np.float64), t, rule, 0.0, *coefficients)


def _updated(rule: UpdateRule, w: Array, *arguments: Any, **options: Any) -> Array:
    """As `_update`, but the new weights are another array."""
    new = np.array(w, order="C")
    _update(rule, new, *arguments, **options)
    return new


def _state(config: Params, name: str, w: Array) -> Array:
    """The state of that name in an array that nobody else has."""
    kept = config.get(name)
    return np.zeros(w.shape, w.dtype) if kept is None else np.array(kept, w.dtype, order="C").reshape(w.shape)


@_rule(learning_rate=1e-2)
def sgd(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Subtract learning_rate dw from w in place, and return w. Default: "learning_rate" 1e-2."""
    config = _filled(sgd, config)
    if ready(w, dw) and w.flags.writeable:
        _update(UpdateRule.SGD, w, dw, None, None, config["learning_rate"])
    else:
        w = np.asarray(w)
        _check_shapes(UpdateRule.SGD, w, np.asarray(dw))
        w -= config["learning_rate"] * np.asarray(dw)
    return w, config


@_rule(learning_rate=1e-2, momentum=0.9)
def sgd_momentum(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Set v ← momentum v - learning_rate dw and return w + v.

    Defaults: "learning_rate" 1e-2, "momentum" 0.9, "velocity" zeros.
    """
    config = _filled(sgd_momentum, config)
    w, dw = common(w, dw)
    v = _state(config, "velocity", w)
    np.negative(v, out=v)  # the kernel's velocity points the other way
    new = _updated(UpdateRule.MOMENTUM, w, dw, None, v, config["learning_rate"], coefficients=(config["momentum"],))
    config["velocity"] = np.negative(v, out=v)
    return new, config


@_rule(learning_rate=1e-2, decay_rate=0.99, epsilon=1e-8)
def rmsprop(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Divide the gradient by the root of the running mean of its squares.

    Defaults: "learning_rate" 1e-2, "decay_rate" 0.99, "epsilon" 1e-8, "cache" zeros.
    """
    config = _filled(rmsprop, config)
    w, dw = common(w, dw)
    v = config["cache"] = _state(config, "cache", w)
    coefficients = config["decay_rate"], config["epsilon"]
    return _updated(UpdateRule.RMSPROP, w, dw, None, v, config["learning_rate"], coefficients=coefficients), config


@_rule(learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, t=0)
def adam(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Adam (Kingma & Ba 2015), where t is increased by one before it is used.

    Defaults: "learning_rate" 1e-3, "beta1" 0.9, "beta2" 0.999, "epsilon" 1e-8, "m" and "v" zeros, "t" 0.
    """
    config = _filled(adam, config)
    w, dw = common(w, dw)
    config["t"] += 1
    m, v = config["m"], config["v"] = _state(config, "m", w), _state(config, "v", w)
    coefficients = config["beta1"], config["beta2"], config["epsilon"]
    t = np.array([config["t"]], np.int64)
    return _updated(UpdateRule.ADAM, w, dw, m, v, config["learning_rate"], t, coefficients), config
