"""Update rules ``f(w, dw, config) → (next_w, config)``; what `config` lacks gets the rule's default.

State stands in `config`, which is changed and returned; `w` and `dw` are not changed.
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
    """W - learning_rate dw; "learning_rate" 1e-2."""
    config = _filled(config, learning_rate=1e-2)
    return w - config["learning_rate"] * dw, config


def sgd_momentum(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """V ← momentum v - learning_rate dw; w + v. "learning_rate" 1e-2, "momentum" 0.9, "velocity" zeros."""
    config = _filled(config, learning_rate=1e-2, momentum=0.9)
    v = config.get("velocity", np.zeros_like(w))
    config["velocity"] = v = config["momentum"] * v - config["learning_rate"] * dw
    return w + v, config


def rmsprop(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Divide by the root of the squares' running mean.

    "learning_rate" 1e-2, "decay_rate" 0.99, "epsilon" 1e-8, "cache" zeros.
    """
    config = _filled(config, learning_rate=1e-2, decay_rate=0.99, epsilon=1e-8, cache=np.zeros_like(w))
    rate = config["decay_rate"]
    config["cache"] = rate * config["cache"] + (1 - rate) * dw**2
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config


def adam(w: Array, dw: Array, config: Params | None = None) -> tuple[Array, Params]:
    """Adam (Kingma & Ba 2015); t is raised by one before it is used.

    "learning_rate" 1e-3, "beta1" 0.9, "beta2" 0.999, "epsilon" 1e-8, "m" and "v" zeros, "t" 0.
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
