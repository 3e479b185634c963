"""The convolutional network of report E and its training, on fastnn's own layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import choice, number, whole
from fastnn.compat.arguments import Array
from fastnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D, ReLU
from fastnn.model.sequential import Sequential
from fastnn.optim import Adam
from fastnn.trainer import Callback, Trainer

__all__ = ["Graph", "buildGraph"]

_LOSSES = {"CE": "softmax_cross_entropy", "MSE": "mean_squared_error"}
_CLASSES, _SIDE = 10, 28


class Graph:
    """A network of letters with its optimiser; `buildGraph` makes it.

    Attributes
    ----------
    model : Sequential
    optimizer : Adam
    loss : str
        "softmax_cross_entropy" or "mean_squared_error", the latter of the outputs and one-hot rows.
    """

    def __init__(self, model: Sequential, optimizer: Adam, loss: str, seed: int) -> None:
        self.model, self.optimizer, self.loss, self._seed = model, optimizer, loss, seed

    def train(
        self,
        trainData: ArrayLike,
        trainTarget: ArrayLike,
        validData: ArrayLike | None = None,
        validTarget: ArrayLike | None = None,
        testData: ArrayLike | None = None,
        testTarget: ArrayLike | None = None,
        *,
        epochs: int = 50,
        batch_size: int = 32,
        verbose: bool = True,
    ) -> dict[str, list[float]]:
        """Train on batches in a new random order in each epoch, and measure the sets after each.

        Parameters
        ----------
        trainData, validData, testData : (N, 28, 28) or (N, 784) arrays
            The second and third set may be left out.
        trainTarget, validTarget, testTarget : (N,) arrays of int, or (N, 10) one-hot rows
        epochs, batch_size : int
        verbose : bool
            Whether to print a line for each epoch.

        Returns
        -------
        dict of str to list of float
            "train_loss" and "train_accuracy", and the same for "valid" and "test" where these are given: loss with the
            L2 term, and accuracy in per cent, after each epoch.

        Raises
        ------
        ValueError, TypeError
            If the data do not fit the network or each other.
        """
        whole("Graph.train", "epochs", epochs, at_least=1)
        given = {"train": (trainData, trainTarget), "valid": (validData, validTarget), "test": (testData, testTarget)}
        sets = {name: self._arrays(name, x, y) for name, (x, y) in given.items() if x is not None or y is not None}
        measured: dict[str, list[float]] = {}
        callback = _Measure(self, sets, measured, epochs if verbose else None)
        x, y = sets["train"]
        Trainer(
            self.model,
            optimizer=self.optimizer,
            loss=self.loss,
            batch_size=batch_size,
            epochs=epochs,
            seed=self._seed,
            callbacks=[callback],
            progress=False,
        ).fit(x, y)
        return measured

    def predict(self, data: ArrayLike) -> Array:
        """The probabilities (N, 10) of letters (N, 28, 28) or (N, 784)."""
        return self.model.predict_proba(_images("Graph.predict", data))

    def accuracy(self, data: ArrayLike, target: ArrayLike) -> float:
        """The accuracy in per cent on letters (N, 28, 28) and their labels (N,) or one-hot rows (N, 10)."""
        x, y = self._arrays("data", data, target)
        labels = y if y.ndim == 1 else y.argmax(axis=1)
        return 100 * float(np.mean(self.model.forward(x).argmax(axis=1) == labels))

    def evaluate(self, x: Array, y: Array) -> tuple[float, float]:
        """Loss and accuracy in per cent on data as `train` prepares them."""
        return float(self.model.evaluate(x, y, loss=self.loss)["loss"]), self.accuracy(x, y)

    def _arrays(self, name: str, data: Any, target: Any) -> tuple[Array, Array]:
        if data is None or target is None:
            raise ValueError(f"Graph.train: {name}: expected data and targets, got one of them")
        x, y = _images(f"Graph.train: {name}", data), np.asarray(target)
        one_hot = y.ndim == 2 and y.shape[1] == _CLASSES
        if self.loss == "mean_squared_error":
            return x, (y if one_hot else np.eye(_CLASSES)[y]).astype(x.dtype)
        return x, y.argmax(axis=1) if one_hot else y


class _Measure(Callback):
    """Measures all sets after each epoch."""

    def __init__(self, graph: Graph, sets: Any, measured: dict[str, list[float]], printed: int | None) -> None:
        self._graph, self._sets, self._measured, self._printed = graph, sets, measured, printed

    def on_epoch_end(self, trainer: Any, line: Any) -> None:
        """Add loss and accuracy of each set."""
        words = []
        for name, (x, y) in self._sets.items():
            loss, accuracy = self._graph.evaluate(x, y)
            self._measured.setdefault(f"{name}_loss", []).append(loss)
            self._measured.setdefault(f"{name}_accuracy", []).append(accuracy)
            words.append(f"{name} loss {loss:.4f}, accuracy {accuracy:.2f} %")
        if self._printed is not None:
            print(f"epoch {line['epoch']} / {self._printed}: {'; '.join(words)}")


def buildGraph(
    beta1: float | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    lossType: str | None = None,
    learning_rate: float | None = None,
    *,
    reg: float = 0.0,
    keep_prob: float = 1.0,
    seed: int = 421,
) -> Graph:
    """Build the convolutional network of report E, with its optimiser Adam.

    3 × 3 convolution with 32 filters and "same" padding, ReLU, batch normalisation without scale and shift by the
    statistics of the current batch, 2 × 2 max-pool, a dense layer of 784, dropout, ReLU, a dense layer of 10. Weights
    and biases are drawn from Glorot's truncated normal distribution.

    Parameters
    ----------
    beta1, beta2, epsilon : float, optional
        Settings of Adam. Default: 0.9, 0.999 and 1e-8.
    lossType : {"CE", "MSE"}, optional
        Cross-entropy of the softmax, the default, or mean squared error.
    learning_rate : float, optional
        Default: 1e-4.
    reg : float
        Factor λ of the penalty ½ λ Σ W² of both dense layers, which is part of the loss.
    keep_prob : float
        The fraction of the 784 units that dropout keeps, in (0, 1].
    seed : int
        Seed of the weights, the order of the samples and dropout.

    Returns
    -------
    Graph
        With `train`, `predict` and `accuracy`.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range or the loss is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.ece421 import buildGraph
    >>> graph = buildGraph(learning_rate=1e-3, keep_prob=0.5)
    >>> x, y = np.random.default_rng(0).random((64, 28, 28)), np.arange(64) % 10
    >>> history = graph.train(x, y, epochs=2, verbose=False)
    >>> history["train_loss"][1] < history["train_loss"][0]
    True
    """
    keep = number("buildGraph", "keep_prob", keep_prob, above=0, at_most=1)
    loss = choice("buildGraph", "lossType", lossType or "CE", _LOSSES)
    draw = {"init": "glorot_truncated_normal", "bias_init": "glorot_truncated_normal"}
    layers: list[Layer] = [
        Conv2D(32, 3, pad="same", **draw),  # type: ignore[arg-type]
        ReLU(),
        BatchNorm(affine=False, track=False, eps=1e-5),
        MaxPool2D(2),
        Flatten(),
        Dense(_SIDE * _SIDE, l2=reg, **draw),  # type: ignore[arg-type]
        *([Dropout(1 - keep)] if keep < 1 else []),
        ReLU(),
        Dense(_CLASSES, l2=reg, **draw),  # type: ignore[arg-type]
    ]
    optimizer = Adam(
        1e-4 if learning_rate is None else learning_rate,
        0.9 if beta1 is None else beta1,
        0.999 if beta2 is None else beta2,
        1e-8 if epsilon is None else epsilon,
    )
    return Graph(Sequential(layers, input_shape=(1, _SIDE, _SIDE), seed=seed), optimizer, _LOSSES[loss], seed)


def _images(function: str, data: ArrayLike) -> Array:
    x = np.asarray(data)
    if x.ndim == 0 or x[:1].size != _SIDE * _SIDE * len(x[:1]):
        raise ValueError(f"{function}: expected images (N, 28, 28) or rows (N, 784), got {x.shape}")
    return x.reshape(-1, 1, _SIDE, _SIDE)
