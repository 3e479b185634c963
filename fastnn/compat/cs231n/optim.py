"""Update rules ``f(w, dw, config) → (next_w, config)``. Settings that `config` lacks get the default of the rule.

The state is kept in `config`, which is changed and returned; `w` and `dw` are not changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.compat.cs231n.arrays import Array, Params

__all__ = ["adam", "rmsprop", "sgd", "sgd_momentum"]


def _filled(config: Params | None, **defaults: Any) -> Params:
    config = {} if config is None else config
    for key, value in defaults.items():
        config.setdefault(key, value)
    return config


def sgd(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Return w - learning_rate dw. Default: "learning_rate" 1e-2."""
    config = _filled(config, learning_rate=1e-2)
    return w - config["learning_rate"] * dw, config


def sgd_momentum(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Set v ← momentum v - learning_rate dw and return w + v.

    Defaults: "learning_rate" 1e-2, "momentum" 0.9, "velocity" zeros.
    """
    config = _filled(config, learning_rate=1e-2, momentum=0.9)
    v = config.get("velocity", np.zeros_like(w))
    config["velocity"] = v = config["momentum"] * v - config["learning_rate"] * dw
    return w + v, config


def rmsprop(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Divide the gradient by the root of the running mean of its squares.

    Defaults: "learning_rate" 1e-2, "decay_rate" 0.99, "epsilon" 1e-8, "cache" zeros.
    """
    config = _filled(config, learning_rate=1e-2, decay_rate=0.99, epsilon=1e-8, cache=np.zeros_like(w))
    rate = config["decay_rate"]
    config["cache"] = rate * config["cache"] + (1 - rate) * dw**2
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config


def adam(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Adam (Kingma & Ba 2015), where t is increased by one before it is used.

    Defaults: "learning_rate" 1e-3, "beta1" 0.9, "beta2" 0.999, "epsilon" 1e-8, "m" and "v" zeros, "t" 0.
    """
    zeros = np.zeros_like(w)
    config = _filled(config, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, m=zeros, v=zeros, t=0)
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = beta1 * config["m"] + (1 - beta1) * dw
    config["v"] = beta2 * config["v"] + (1 - beta2) * dw**2
    m = config["m"] / (1 - beta1 ** config["t"])
    v = config["v"] / (1 - beta2 ** config["t"])
    return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config
