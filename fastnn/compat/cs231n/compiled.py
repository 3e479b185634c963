"""The compiled step for a solver that trains a network of this hand-out with one of its update rules.

The solver's loop stays as it is: it draws the batches, measures and prints. Only the steps in between are those of
`fastnn.trainer`, with the same numbers up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from fastnn.compat.cs231n import optim as rules
from fastnn.compat.cs231n.arrays import Array, Params
from fastnn.kernels import current_backend
from fastnn.layers import BatchNorm, Conv2D, Dense, Flatten, LayerNorm, MaxPool2D, ReLU
from fastnn.layers.base import Layer
from fastnn.model.sequential import Sequential
from fastnn.optim import SGD, Adam, Momentum, Optimizer, RMSProp
from fastnn.trainer.steps import Steps


class Twin(NamedTuple):
    """What a network of the hand-out is in layers."""

    model: Sequential
    names: dict[str, str]  # the model's parameter for each one of the network
    norms: list[tuple[str, Params]]  # the model's batch normalisations, and what the network calls its bn_params
    decay: float = 0.0  # factor on a weight that is added to its gradient, but is not part of the loss


_TWINS: dict[type, Callable[[Any], Twin]] = {}


def register(network: type, twin: Callable[[Any], Twin]) -> None:
    """Say how the networks of a class are made of layers."""
    _TWINS[network] = twin


def fully_connected(network: Any) -> Twin:
    """{dense, [norm], ReLU} × (L - 1), dense. Dropout draws from NumPy's generator and is refused."""
    if network.use_dropout:
        raise ValueError("Solver: dropout takes its masks from NumPy")
    layers: list[Layer] = []
    names: dict[str, str] = {}
    last = network.num_layers
    for i in range(1, last + 1):
        layers.append(Dense(network.params[f"W{i}"].shape[1], l2=network.reg))
        names |= {f"W{i}": f"dense{i}.w", f"b{i}": f"dense{i}.b"}
        if i == last:
            break
        if network.normalization is not None:
            kind = "batch_norm" if network.normalization == "batchnorm" else "layer_norm"
            param = network.bn_params[i - 1]
            eps = param.get("eps", 1e-5)
            layers.append(
                BatchNorm(eps=eps, momentum=param.get("momentum", 0.9)) if kind == "batch_norm" else LayerNorm(eps=eps)
            )
            names |= {f"gamma{i}": f"{kind}{i}.gamma", f"beta{i}": f"{kind}{i}.beta"}
        layers.append(ReLU())
    model = Sequential(layers, input_shape=network.params["W1"].shape[:1], dtype=network.dtype, seed=None)
    statistics = network.bn_params if network.normalization == "batchnorm" else []
    norms = [(f"batch_norm{i}", param) for i, param in enumerate(statistics, 1)]
    return Twin(model, names, norms)


def three_layers(network: Any) -> Twin:
    """Convolution, ReLU, pool, dense, ReLU, dense."""
    filters, _, size, width = network.params["W1"].shape
    # Winograd's algorithm would round in another way than the functions do.
    conv = Conv2D(filters, (size, width), pad=(size - 1) // 2, l2=network.reg, conv_algorithm="direct")
    dense = [Dense(network.params[name].shape[1], l2=network.reg) for name in ("W2", "W3")]
    layers = [conv, ReLU(), MaxPool2D(2), Flatten(), dense[0], ReLU(), dense[1]]
    model = Sequential(layers, input_shape=network.input_dim, dtype=network.dtype, seed=None)
    names = {
        f"{ours}{i}": f"{layer}.{theirs}"
        for i, layer in enumerate(("conv1", "dense1", "dense2"), 1)
        for ours, theirs in (("W", "w"), ("b", "b"))
    }
    return Twin(model, names, [])


# Of each rule: the settings that it reads, the optimiser that they make, and the slots and signs of its state.
_RULES: dict[Any, tuple[tuple[str, ...], Callable[..., Optimizer], dict[str, tuple[str, float]]]] = {
    rules.sgd: ((), SGD, {}),
    rules.sgd_momentum: (("momentum",), Momentum, {"velocity": ("v", -1.0)}),
    rules.rmsprop: (("decay_rate", "epsilon"), RMSProp, {"cache": ("v", 1.0)}),
    rules.adam: (("beta1", "beta2", "epsilon"), Adam, {"m": ("m", 1.0), "v": ("v", 1.0)}),
}


class CompiledSteps:
    """Steps of one call of `Solver.train`.

    Parameters
    ----------
    network : FullyConnectedNet or ThreeLayerConvNet
        Its parameters and statistics are read now and written by `publish`.
    rule : callable
        A function of `fastnn.compat.cs231n.optim`.
    configs : dict of str to dict
        Settings and state of the rule for each parameter; the state is written by `publish`.
    x, y : arrays (N, …) and (N,)
    batch_size : int

    Raises
    ------
    ValueError, TypeError
        If the data or a setting do not fit, so that the steps have to be done by the functions of the hand-out, which
        say so in their own way or compute all the same.
    """

    def __init__(
        self, network: Any, rule: Any, configs: dict[str, Params], x: Array, y: Array, batch_size: int
    ) -> None:
        names, make, self._slots = _RULES[rule]
        settings = [{name: config.get(name) for name in (*names, "learning_rate", "t")} for config in configs.values()]
        if any(others != settings[0] for others in settings):
            raise ValueError("Solver: the parameters have different settings")
        self._defaults = rules.DEFAULTS[rule]
        found = self._defaults | {name: value for name, value in settings[0].items() if value is not None}
        twin = _TWINS[type(network)](network)
        if twin.norms and batch_size < 2:
            raise ValueError("Solver: the variance of one sample is 0")
        # The layers divide a variance by n - 1, the hand-out by n.
        self._unbiased = batch_size / (batch_size - 1) if batch_size > 1 else 1.0
        self._network, self._configs, self._twin = network, configs, twin
        self._parameters = twin.model.parameters
        self._load()
        optimizer = make(1.0, *(found[name] for name in names), weight_decay=twin.decay)
        done = found["t"] if "m" in self._slots else 0
        self._steps = Steps(twin.model, optimizer, x, y, batch_size, done=done)
        for name, ours, slot, mine, sign in self._states():
            if slot in configs[name]:
                self._steps.state[ours][mine][...] = sign * np.asarray(configs[name][slot])

    def run(self, index: Array) -> Iterator[Array]:
        """Do the steps on the batches `index` (S, B), and yield their losses as they are done."""
        for config in self._configs.values():
            for name, value in self._defaults.items():
                config.setdefault(name, value)
        return self._steps.run(index, next(iter(self._configs.values()))["learning_rate"])

    def scores(self, x: Array) -> Array:
        """Return the scores (N, C) of samples (N, …) by the parameters as they were published."""
        if self._twin.norms:  # whose statistics are kept in another form
            return np.concatenate([self._network.loss(x[i : i + 100]) for i in range(0, len(x), 100)])
        return self._twin.model.forward(x)

    def publish(self) -> None:
        """Write parameters, statistics and the state of the rule to where the hand-out has them."""
        self._steps.publish()
        network, configs, model_state = self._network, self._configs, self._twin.model.state
        network.params = {name: self._parameters[self._twin.names[name]].copy() for name in network.params}
        for name, ours, slot, mine, sign in self._states():
            configs[name][slot] = sign * self._steps.state[ours][mine]
            if "m" in self._slots:
                configs[name]["t"] = self._steps.done
        for norm, param in self._twin.norms:
            param["mode"] = "train"
            param["running_mean"] = model_state[f"{norm}.running_mean"].copy()
            param["running_var"] = model_state[f"{norm}.running_var"] / self._unbiased

    def _states(self) -> Iterator[tuple[str, str, str, str, float]]:
        for name, ours in self._twin.names.items():
            for slot, (mine, sign) in self._slots.items():
                yield name, ours, slot, mine, sign

    def _load(self) -> None:
        network, model_state = self._network, self._twin.model.state
        if set(self._twin.names) != set(network.params) or set(network.params) != set(self._configs):
            raise ValueError("Solver: the network has other parameters than it was made with")
        for name, ours in self._twin.names.items():
            value, mine = network.params[name], self._parameters[ours]
            if value.shape != mine.shape or value.dtype != mine.dtype:
                raise ValueError(f"Solver: the network's {name} is not as it was made")
            mine[...] = value
        for norm, param in self._twin.norms:
            model_state[f"{norm}.running_mean"][...] = param.get("running_mean", 0.0)
            model_state[f"{norm}.running_var"][...] = np.multiply(param.get("running_var", 0.0), self._unbiased)


def compiled_steps(
    network: Any, rule: Any, configs: dict[str, Params], x: Any, y: Any, batch_size: int
) -> CompiledSteps | None:
    """The compiled steps of a training, or None if the functions of the hand-out have to do them."""
    own = type(network) in _TWINS and network.loss.__module__ == type(network).__module__
    if not own or rule not in _RULES or current_backend() != "native":
        return None
    if type(x) is not np.ndarray or type(y) is not np.ndarray or not 0 < batch_size <= len(x) or len(x) != len(y):
        return None
    try:
        return CompiledSteps(network, rule, configs, x, y, batch_size)
    except (ValueError, TypeError):
        return None
