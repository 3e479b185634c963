"""The network of an estimator, and the first weights of its dense layers, drawn as scikit-learn draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.random import RandomState

from fastnn import layers
from fastnn.estimators import parameters
from fastnn.kernels.precision_choice import checked_precision
from fastnn.layers import Dense, Layer
from fastnn.model.sequential import Sequential


def build(
    estimator: Any,
    before: Sequence[Layer],
    shape: tuple[int, ...],
    dtype: Any,
    random: RandomState,
    channels_last: bool = False,
) -> Sequential:
    """Make the network that an estimator's parameters describe.

    Parameters
    ----------
    estimator : Estimator
    before : sequence of Layer
        The layers before the hidden layers.
    shape : tuple of int
        Shape of a sample.
    dtype : dtype
    random : RandomState
    channels_last : bool
        Whether samples are images whose channels come last.
    """
    stack = list(before)
    kind = parameters.activation_layer(estimator.activation)
    for units in parameters.hidden_layers(estimator):
        stack.append(Dense(units, bias=not estimator.batch_norm))
        if estimator.batch_norm:
            stack.append(layers.BatchNorm())
        if kind is not None:
            stack.append(kind())
        if estimator.dropout:
            stack.append(layers.Dropout(estimator.dropout))
    stack.append(Dense(estimator.n_outputs_))
    precision = checked_precision(type(estimator).__name__, estimator.precision, np.dtype(dtype))
    # the dense layers get scikit-learn's first weights below; the seed is for what it does not have
    state = random.get_state(legacy=False)
    seed = random.randint(2**31 - 1)
    random.set_state(state)
    model = Sequential(
        stack, input_shape=shape, dtype=dtype, seed=int(seed), channels_last=channels_last, precision=precision
    )
    _draw(model, kind, random)
    return model


def _draw(model: Sequential, activation: Callable[[], Layer] | None, random: RandomState) -> None:
    """Give the dense layers of a model the weights and biases that scikit-learn draws from the same generator.

    Both are uniform between -bound and bound, where bound = √(f / (inputs + units)), and f is 2 if the activation of
    the hidden layers is the sigmoid and 6 otherwise: Glorot & Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010, equation 16, for the weights. A fully connected network without batch
    normalisation starts with the very numbers of scikit-learn's network of the same ``random_state``.

    Parameters
    ----------
    model : Sequential
    activation : callable that makes a layer, or None
    random : RandomState
    """
    factor = 2.0 if activation is layers.Sigmoid else 6.0
    for layer in model.layers:
        if isinstance(layer, Dense):
            bound = math.sqrt(factor / sum(layer.w.fans))
            layer.w.value[...] = random.uniform(-bound, bound, layer.w.shape)
            if layer.b is not None:
                layer.b.value[...] = random.uniform(-bound, bound, layer.b.shape)
