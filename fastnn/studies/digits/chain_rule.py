"""The gradient of a small network in plain loops, by back-propagation or expanded path by path.

Both are written as the same kind of interpreted loops, so that only their number of operations differs. The network
has `layers` layers of `units` tanh units, including input and output, followed by a softmax with cross-entropy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastnn import random
from fastnn.random import Purpose

Matrix = list[list[float]]


@dataclass
class LoopNetwork:
    """The network and one sample, after a forward pass."""

    weights: list[Matrix]  # weights[l][i][j] connects unit i of layer l to unit j of the next layer
    values: list[list[float]]  # values[l] are the activations of layer l
    probabilities: list[float]
    label: int

    @classmethod
    def make(cls, layers: int, units: int, seed: int) -> LoopNetwork:
        """Draw random weights and inputs, and run the forward pass."""
        draws = random.normal(seed, Purpose.INIT, 0, (layers - 1, units, units)) / math.sqrt(units)
        values = [random.normal(seed, Purpose.INIT, 1, (units,)).tolist()]
        weights: list[Matrix] = draws.tolist()
        for w in weights:
            before = values[-1]
            values.append([math.tanh(sum(before[i] * w[i][j] for i in range(units))) for j in range(units)])
        e = [math.exp(v) for v in values[-1]]
        return cls(weights, values, [x / sum(e) for x in e], 0)

    def back_propagation(self) -> list[Matrix]:
        """Compute all derivatives, each delta once: about 2 (N - 1) K² multiplications."""
        units = len(self.probabilities)
        delta = [
            (p - (k == self.label)) * (1 - v * v)
            for k, (p, v) in enumerate(zip(self.probabilities, self.values[-1], strict=True))
        ]
        gradients: list[Matrix] = []
        for layer in range(len(self.weights) - 1, -1, -1):
            before, w = self.values[layer], self.weights[layer]
            gradients.insert(0, [[before[i] * delta[j] for j in range(units)] for i in range(units)])
            delta = [sum(w[i][j] * delta[j] for j in range(units)) * (1 - before[i] * before[i]) for i in range(units)]
        return gradients

    def path_by_path(self) -> list[Matrix]:
        """Compute all derivatives by expanding the chain rule of each weight over every path to the cost."""
        units = len(self.probabilities)
        return [
            [[self.values[layer][i] * self._delta(layer + 1, j) for j in range(units)] for i in range(units)]
            for layer in range(len(self.weights))
        ]

    def _delta(self, layer: int, j: int) -> float:
        """The derivative of the cost with respect to the input of unit j, computed anew at every call."""
        value = self.values[layer][j]
        slope = 1 - value * value
        if layer == len(self.weights):  # through every probability of the softmax
            p, y = self.probabilities, self.label
            return slope * sum((-(k == y) / p[y]) * p[k] * ((k == j) - p[j]) for k in range(len(p)))
        w = self.weights[layer][j]
        return slope * sum(w[k] * self._delta(layer + 1, k) for k in range(len(w)))


def shared_cost(layers: int, units: int) -> float:
    """Order of the number of operations of back-propagation: (N - 1) K²."""
    return (layers - 1) * float(units) ** 2


def expanded_cost(layers: int, units: int) -> float:
    """Number of operations of the expansion: K^(N+1) + ... + K³.

    Each of the K² weights into layer n has K^(N-n) paths to the outputs, times K for the softmax after them.
    """
    return float(sum(float(units) ** power for power in range(3, layers + 2)))
