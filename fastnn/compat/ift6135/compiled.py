"""The compiled step for `NN.train`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.compat.arguments import Array
from fastnn.kernels import current_backend
from fastnn.layers import Dense, ReLU, Sigmoid, Tanh
from fastnn.layers.base import Layer
from fastnn.model.sequential import Sequential
from fastnn.optim import SGD
from fastnn.trainer.steps import Steps

_ACTIVATIONS: dict[str, type[Layer]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}


class CompiledNN:
    """The steps of one call of `NN.train`, on copies of the network's arrays that `publish` writes back.

    Parameters
    ----------
    weights, biases : sequences of arrays (inputs, outputs) and (outputs,), float64
    activate : str
    x, y : arrays (N, D) and (N,) of int
    batch_size : int
    decay : float
        Factor on a weight that is added to its gradient.

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the network.
    """

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        activate: str,
        x: Array,
        y: Array,
        batch_size: int,
        decay: float,
    ) -> None:
        layers: list[Layer] = []
        for weight in weights:
            layers += [Dense(weight.shape[1]), _ACTIVATIONS[activate]()]
        self.model = Sequential(layers[:-1], input_shape=weights[0].shape[:1], dtype="float64", seed=None)
        parameters = list(self.model.parameters.values())
        self._pairs = [*zip(weights, parameters[::2], strict=True), *zip(biases, parameters[1::2], strict=True)]
        for theirs, mine in self._pairs:
            mine[...] = theirs
        self._steps = Steps(self.model, SGD(1.0, weight_decay=decay), x, y, min(batch_size, len(x)))

    def epoch(self, batches: Sequence[slice], rate: float) -> None:
        """Do a step on each of the batches, which are slices of the data, and write the arrays back."""
        groups: list[Array] = []
        run: list[Array] = []
        for batch in batches:
            rows = np.arange(batch.start, batch.stop)
            if run and len(rows) != len(run[-1]):
                groups.append(np.stack(run))
                run = []
            run.append(rows)
        groups.append(np.stack(run))
        try:
            for _ in self._steps.run(groups, rate):
                pass
        finally:
            self._steps.publish()
            for theirs, mine in self._pairs:
                theirs[...] = mine

    def logits(self, x: Array) -> Array:
        """Return the outputs (N, C) before the softmax of inputs (N, D)."""
        return self.model.forward(x)


def compiled_nn(
    weights: Sequence[Array],
    biases: Sequence[Array],
    activate: str,
    x: Array,
    y: Array,
    batch_size: int,
    decay: float,
) -> CompiledNN | None:
    """The compiled steps of a training, or None if `forward` and `backward` have to do them."""
    if current_backend() != "native" or y.ndim != 1 or y.dtype.kind not in "iu":
        return None
    if any(array.dtype != np.float64 for array in (*weights, *biases)):
        return None
    try:
        return CompiledNN(weights, biases, activate, x, y, batch_size, decay)
    except (ValueError, TypeError):
        return None
