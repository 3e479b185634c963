"""The network: its forward and backward pass and its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fastnn import functional
from fastnn.checks import choice, whole
from fastnn.compat.arguments import Array, rows
from fastnn.compat.ift6135.compiled import CompiledNN, compiled_nn
from fastnn.compat.ift6135.helpers import Pair, Random, accuracy, checked, glorot, shuffled_slices
from fastnn.data import one_hot

Cache = list[Any]

_CAP = 1e-8
_ACTIVATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (functional.relu_forward, functional.relu_backward),
    "sigmoid": (functional.sigmoid_forward, functional.sigmoid_backward),
    "tanh": (functional.tanh_forward, functional.tanh_backward),
}


class NN:
    """A multilayer perceptron with softmax outputs.

    Parameters
    ----------
    hidden_dims : sequence of int
        Units of the hidden layers.
    n_hidden : int
        The number of hidden layers.
    init : {"Normal", "Glorot", "Zero"}
        The weights are drawn from N(0, 1), drawn as by `glorot`, or 0. Biases are 0.
    activate : {"relu", "sigmoid", "tanh"}
    input_dim, n_classes : int
        Sizes of inputs and outputs, 784 and 10 in the hand-out.
    seed : int, optional
        Seed of the weights and of the order of the batches. Default: they are drawn from NumPy's global generator,
        which ``np.random.seed`` seeds.

    Attributes
    ----------
    weights, biases : lists of arrays (inputs, outputs) and (outputs,), float64

    Raises
    ------
    ValueError
        If `n_hidden` is not the number of sizes, or a name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.ift6135 import NN
    >>> x = np.random.default_rng(0).random((200, 2))
    >>> y = (x[:, 0] > x[:, 1]).astype(int)
    >>> network = NN([8], 1, init="Glorot", input_dim=2, n_classes=2, seed=0)
    >>> accuracies, losses = network.train((x, y), epochs=20, batch_size=10, lr=0.5, verbose=False)
    >>> accuracies[-1] > 90
    True
    """

    def __init__(
        self,
        hidden_dims: Sequence[int] = (666, 666),
        n_hidden: int = 2,
        init: Literal["Normal", "Glorot", "Zero"] = "Normal",
        activate: Literal["relu", "sigmoid", "tanh"] = "relu",
        *,
        input_dim: int = 784,
        n_classes: int = 10,
        seed: int | None = None,
    ) -> None:
        if len(hidden_dims) != n_hidden:
            raise ValueError(f"NN: n_hidden is {n_hidden}, but hidden_dims names {len(hidden_dims)} layers")
        choice("NN", "init", init, ("Normal", "Glorot", "Zero"))
        choice("NN", "activate", activate, _ACTIVATIONS)
        self.dims = (
            whole("NN", "input_dim", input_dim, at_least=1),
            *(whole("NN", "hidden_dims", units, at_least=1) for units in hidden_dims),
            whole("NN", "n_classes", n_classes, at_least=1),
        )
        self.init, self.activate = init, activate
        self._rng: Random | None = None if seed is None else np.random.default_rng(seed)
        self.initialize_weights()

    def initialize_weights(self) -> None:
        """Draw new weights and set the biases to 0."""
        shapes = list(zip(self.dims, self.dims[1:], strict=False))
        self.weights: list[Array] = [self._draw(*shape) for shape in shapes]
        self.biases: list[Array] = [np.zeros(shape[1]) for shape in shapes]

    def _draw(self, inputs: int, outputs: int) -> Array:
        if self.init == "Glorot":
            return glorot(inputs, outputs, self._rng)
        if self.init == "Zero":
            return np.zeros((inputs, outputs))
        return np.random.randn(inputs, outputs) if self._rng is None else self._rng.standard_normal((inputs, outputs))

    def activation(self, inputs: Array) -> Array:
        """Return the activation of an array of any shape."""
        return np.asarray(_ACTIVATIONS[self.activate][0](inputs)[0])

    def activate_grad(self, inputs: Array) -> Array:
        """Return the derivative of the activation, which is 0 at the kink of ReLU."""
        forward, backward = _ACTIVATIONS[self.activate]
        return np.asarray(backward(np.ones_like(inputs), forward(inputs)[1]))

    def softmax(self, inputs: Array) -> Array:
        """Return the softmax of each row of logits."""
        return np.asarray(functional.softmax_forward(inputs)[0])

    def loss(self, pred: Array, labels: ArrayLike) -> float:
        """Return the mean of -log(p + 1e-8) of the true classes, in nats; pred (N, C) are probabilities.

        Raises
        ------
        ValueError
            If a label is no class, or the number of labels differs from that of predictions.
        """
        target = self._targets(labels, len(pred))
        return float(-np.mean(np.log(np.sum(pred * target, axis=1) + _CAP)))

    def forward(self, inputs: ArrayLike, labels: ArrayLike) -> tuple[Array, float, Cache]:
        """Return probabilities (N, C), the loss, and what `backward` needs.

        Raises
        ------
        ValueError, TypeError
            If inputs or labels do not fit.
        """
        h = rows("NN.forward", "inputs", inputs).astype(np.float64)
        if h.shape[1] != self.dims[0]:
            raise ValueError(f"NN.forward: inputs have {h.shape[1]} columns, the network takes {self.dims[0]}")
        cache: Cache = []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            before = h @ weight + bias
            cache.append((h, before))
            h = self.activation(before)
        cache.append((h, None))
        pred = self.softmax(h @ self.weights[-1] + self.biases[-1])
        cache.append(pred)
        return pred, self.loss(pred, labels), cache

    def backward(self, cache: Cache, labels: ArrayLike, lss: float | None = None) -> tuple[list[Array], list[Array]]:
        """Return the gradients of the mean loss, one array for each of `weights` and `biases`.

        Parameters
        ----------
        cache : list
            From `forward`.
        labels : (N,) array of int, or (N, C) one-hot rows
        lss : float, optional
            The loss, which the hand-out passes; it is not needed.

        Raises
        ------
        ValueError
            If the labels do not fit.
        """
        *layers, pred = cache
        delta = (pred - self._targets(labels, len(pred))) / len(pred)
        nabla_w: list[Array] = []
        nabla_b: list[Array] = []
        for index in range(len(self.weights) - 1, -1, -1):
            h, _ = layers[index]
            nabla_w.insert(0, h.T @ delta)
            nabla_b.insert(0, delta.sum(axis=0))
            if index > 0:
                delta = (delta @ self.weights[index].T) * self.activate_grad(layers[index - 1][1])
        return nabla_w, nabla_b

    def update(self, grads: tuple[Sequence[Array], Sequence[Array]], lr: float) -> None:
        """Do one step of gradient descent; `grads` is the result of `backward`."""
        for values, gradients in zip((self.weights, self.biases), grads, strict=True):
            for value, gradient in zip(values, gradients, strict=True):
                value -= lr * gradient

    def train(
        self,
        data: Pair,
        epochs: int,
        batch_size: int,
        lr: float,
        lamdb: float = 0.0,
        test_data: Pair | None = None,
        verbose: bool = True,
    ) -> tuple[list[float], list[float]]:
        """Train by gradient descent over contiguous batches in random order.

        Parameters
        ----------
        data : pair of arrays (N, D) and (N,)
        epochs, batch_size : int
        lr : float
        lamdb : float
            λ of a penalty ½ λ ‖w‖² of the weights, which is added to the gradient only.
        test_data : pair of arrays, optional
            The data set to measure after each epoch, in place of `data`.
        verbose : bool
            Whether to print a line for each epoch.

        Returns
        -------
        accuracies, losses : lists of float
            Accuracy in per cent and loss in nats after each epoch.

        Raises
        ------
        ValueError, TypeError
            If the data do not fit the network.

        Notes
        -----
        If the class is this one as it stands and not a subclass, the steps are the compiled ones of `fastnn.Trainer`,
        with the same results up to rounding.
        """
        measured = data if test_data is None else test_data
        x, y = checked("NN.train", data)
        batch_size = whole("NN.train", "batch_size", batch_size, at_least=1)
        compiled = self._compile(x, y, batch_size, lamdb)
        accuracies: list[float] = []
        losses: list[float] = []
        for epoch in range(1, epochs + 1):
            batches = shuffled_slices(len(x), batch_size, self._rng)
            if compiled is None:
                for batch in batches:
                    self._step(x[batch], y[batch], lr, lamdb)
            else:
                compiled.epoch(batches, lr)
            right, lss = self.test(measured) if compiled is None else self._measure(measured, compiled)
            accuracies.append(right)
            losses.append(lss)
            if verbose:
                print(f"epoch {epoch} / {epochs}: loss {lss:.4f}, accuracy {right:.2f} %")
        return accuracies, losses

    def _step(self, x: Array, y: Array, lr: float, lamdb: float) -> None:
        _, lss, cache = self.forward(x, y)
        nabla_w, nabla_b = self.backward(cache, y, lss)
        penalised = [g + lamdb * w for g, w in zip(nabla_w, self.weights, strict=True)] if lamdb else nabla_w
        self.update((penalised, nabla_b), lr)

    def _measure(self, data: Pair, compiled: CompiledNN) -> tuple[float, float]:
        """The same as `test`, by the compiled forward pass."""
        x, y = checked("NN.test", data)
        pred = self.softmax(compiled.logits(x))
        return accuracy(pred, y), self.loss(pred, y)

    def _compile(self, x: Array, y: Array, batch_size: int, lamdb: float) -> CompiledNN | None:
        """The compiled steps, unless somebody has a network of their own."""
        names = ("forward", "backward", "update", "activation", "activate_grad", "softmax", "loss", "test")
        if type(self) is not NN or any(getattr(self, name).__module__ != __name__ for name in names):
            return None
        return compiled_nn(self.weights, self.biases, self.activate, x, y, batch_size, lamdb)

    def test(self, data: Pair) -> tuple[float, float]:
        """Return accuracy in per cent and loss in nats on a data set.

        Raises
        ------
        ValueError, TypeError
            If the data do not fit the network.
        """
        x, y = checked("NN.test", data)
        pred, lss, _ = self.forward(x, y)
        return accuracy(pred, y), lss

    def _targets(self, labels: ArrayLike, count: int) -> Array:
        given = np.asarray(labels)
        target = given.astype(np.float64) if given.ndim == 2 else one_hot(given, self.dims[-1], np.float64)
        if target.shape != (count, self.dims[-1]):
            raise ValueError(f"NN: labels must be {count} classes of {self.dims[-1]}, got shape {given.shape}")
        return target
