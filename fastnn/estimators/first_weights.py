"""The first weights of an estimator's dense layers, drawn as scikit-learn draws them."""

from __future__ import annotations

import math

from numpy.random import RandomState

from fastnn.layers import Dense
from fastnn.model.sequential import Sequential


def draw(model: Sequential, activation: str, random: RandomState) -> None:
    """Give the dense layers of a model the weights and biases that scikit-learn draws from the same generator.

    Both are uniform between -bound and bound, where bound = √(f / (inputs + units)), and f is 2 if the activation of
    the hidden layers is "logistic" and 6 otherwise: Glorot & Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010, equation 16, for the weights. A fully connected network without batch
    normalisation starts with the very numbers of scikit-learn's network of the same ``random_state``.

    Parameters
    ----------
    model : Sequential
    activation : str
        scikit-learn's name of it.
    random : RandomState
    """
    factor = 2.0 if activation == "logistic" else 6.0
    for layer in model.layers:
        if isinstance(layer, Dense):
            bound = math.sqrt(factor / sum(layer.w.fans))
            layer.w.value[...] = random.uniform(-bound, bound, layer.w.shape)
            if layer.b is not None:
                layer.b.value[...] = random.uniform(-bound, bound, layer.b.shape)
