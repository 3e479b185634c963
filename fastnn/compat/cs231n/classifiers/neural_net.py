"""A network of two layers that trains itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.compat.cs231n.arrays import Array, Params
from fastnn.compat.cs231n.classifiers.fc_net import Gradients, decay, normal
from fastnn.compat.cs231n.layer_utils import affine_relu_backward, affine_relu_forward
from fastnn.compat.cs231n.layers import affine_backward, affine_forward, softmax_loss

__all__ = ["TwoLayerNet"]


class TwoLayerNet:
    """Affine, ReLU, affine, softmax, in float64.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
    std : float
        Standard deviation of the initial weights.

    Attributes
    ----------
    params : dict of str to array
        W1, b1, W2, b2.
    """

    def __init__(self, input_size: int, hidden_size: int, output_size: int, std: float = 1e-4) -> None:
        self.params: Params = {
            "W1": normal(std, input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": normal(std, hidden_size, output_size),
            "b2": np.zeros(output_size),
        }

    def loss(self, X: ArrayLike, y: ArrayLike | None = None, reg: float = 0.0) -> Any:
        """Return scores (N, C) of X (N, D), or with labels y (N,) the loss and the gradients by parameter name.

        The loss is the mean cross-entropy + reg Σ W², as in the course since 2017.
        """
        p = self.params
        hidden, hidden_cache = affine_relu_forward(X, p["W1"], p["b1"])
        scores, cache = affine_forward(hidden, p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads: Gradients = {}
        dhidden, grads["W2"], grads["b2"] = affine_backward(dscores, cache)
        _, grads["W1"], grads["b1"] = affine_relu_backward(dhidden, hidden_cache)
        return loss + decay(p, grads, 2 * reg), grads

    def train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        X_val: ArrayLike,
        y_val: ArrayLike,
        learning_rate: float = 1e-3,
        learning_rate_decay: float = 0.95,
        reg: float = 5e-6,
        num_iters: int = 100,
        batch_size: int = 200,
        verbose: bool = False,
    ) -> dict[str, list[float]]:
        """Do `num_iters` steps of gradient descent on batches drawn with replacement.

        The learning rate is multiplied by `learning_rate_decay` once in each epoch.

        Returns
        -------
        dict of str to list of float
            "loss_history" has the loss of each step, "train_acc_history" and "val_acc_history" the accuracies on a
            batch and on the validation data at the beginning of each epoch.
        """
        x, labels = np.asarray(X), np.asarray(y)
        per_epoch = max(len(x) / batch_size, 1)
        history: dict[str, list[float]] = {"loss_history": [], "train_acc_history": [], "val_acc_history": []}
        for step in range(num_iters):
            batch = np.random.choice(len(x), batch_size)
            loss, grads = self.loss(x[batch], labels[batch], reg)
            history["loss_history"].append(loss)
            for name in self.params:
                self.params[name] = self.params[name] - learning_rate * grads[name]
            if verbose and step % 100 == 0:
                print(f"iteration {step} / {num_iters}: loss {loss:f}")
            if step % per_epoch == 0:
                right = self.predict(x[batch]) == labels[batch]
                history["train_acc_history"].append(float(np.mean(right)))
                history["val_acc_history"].append(float(np.mean(self.predict(X_val) == np.asarray(y_val))))
                learning_rate *= learning_rate_decay
        return history

    def predict(self, X: ArrayLike) -> Array:
        """Return the classes (N,) of X (N, D)."""
        return np.asarray(np.argmax(self.loss(X), axis=1))
