"""Images of faces: reading, resizing and splitting them, and training the network on them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import data as fastnn_data
from fastnn import optim
from fastnn.data import Dataset, split_indices
from fastnn.layers import Dense, Layer, Tanh
from fastnn.model import Sequential
from fastnn.studies.sources import Source
from fastnn.studies.study import Run
from fastnn.studies.training import Columns, EpochEvaluations, Pair, train

_SIDE = 64  # pixels; the images are read at the largest size that is tried


def _read(path: Path) -> Dataset:
    return fastnn_data.load(path, size=_SIDE)


FACES = Source(
    "a set of faces, one folder for each person",
    ("faces/orl", "faces", "orl", ""),
    _read,
    partial(fastnn_data.load, "glyphs", train=320, test=80),
    "synthetic letters, with ten classes instead of people",
    "The reports used colour photos of six actors, about 110 of each, which can no longer be downloaded. Here every "
    "folder of the data set is a person. With other people and fewer images of each, the numbers differ from those "
    "reported; only their trends can be compared.",
)


def resized(images: NDArray[Any], side: int) -> NDArray[np.float32]:
    """Resize square images (N, S, S[, 3]) to another side; each new pixel is the mean over the area that it covers."""
    before = images.shape[1]
    edges = np.linspace(0, before, side + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixels = np.arange(before)
    share = np.clip(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0, None) * side / before
    w = share.astype(np.float32)
    channels = images.astype(np.float32)[..., None] if images.ndim == 3 else images.astype(np.float32)
    small = (w @ channels.transpose(0, 3, 1, 2) @ w.T).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(small[..., 0] if images.ndim == 3 else small)


def flat(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return images as rows, for colour images with all of red first, then green, then blue."""
    channels = images[..., None] if images.ndim == 3 else images
    return np.ascontiguousarray(channels.transpose(0, 3, 1, 2).reshape(len(images), -1))


def people(run: Run, side: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return all images of the data set, resized and scaled to [0, 1], and the number of the person in each."""
    images = np.concatenate([run.data.train_images, run.data.test_images])
    return resized(images, side) * np.float32(run.data.scale), np.concatenate(
        [run.data.train_labels, run.data.test_labels]
    )


def split(images: NDArray[Any], labels: NDArray[np.int64], seed: int) -> dict[str, Pair]:
    """Hold out 2/11 of each person's images for validation and as many for testing, as B's 20 and 20 of 110."""
    held_out = round(len(labels) * 2 / 11 / (classes := int(labels.max()) + 1)) * classes
    indices = split_indices(labels, (held_out, held_out, len(labels) - 2 * held_out), seed=seed)
    x = flat(images)
    val, test, training = ((x[index], labels[index]) for index in indices)
    return {"": training, "val": val, "test": test}


def fit(
    sets: dict[str, Pair],
    hidden: int,
    steps: int,
    *,
    batch: int = 60,
    seed: int = 0,
    activation: Layer | None = None,
    init: str = "fan_in_uniform",
    optimizer: Any = None,
    loss: str = "softmax_cross_entropy",
) -> tuple[Columns, Sequential]:
    """Train a network with one hidden layer, tanh by default, for about `steps` steps, evaluated after every epoch."""
    x, labels = sets[""]
    middle: list[Layer] = [Tanh()] if activation is None else [activation]
    if activation is not None and type(activation) is Layer:
        middle = []  # linear
    layers: list[Layer] = [
        Dense(hidden, init=init, bias_init=init),
        *middle,
        Dense(int(labels.max()) + 1, init=init, bias_init=init),
    ]
    model = Sequential(layers, input_shape=x.shape[1:], seed=seed)
    batch = min(batch, len(x))
    epochs = max(1, round(steps / -(-len(x) // batch)))
    used: dict[str, Any] = {"optimizer": optimizer or optim.Adam(1e-3), "epochs": epochs, "batch_size": batch}
    if loss == "mean_squared_error":
        return _regression(model, sets, used | {"seed": seed, "loss": loss}), model
    return train(model, sets, seed=seed, loss=loss, **used), model


def _regression(model: Sequential, sets: dict[str, Pair], options: dict[str, Any]) -> Columns:
    """Train with the squared error on one-hot targets; the class predicted is that of the largest output."""

    def evaluate(model: Sequential, x: NDArray[Any], labels: NDArray[Any]) -> dict[str, float]:
        return {"accuracy": float(np.mean(model.forward(x).argmax(axis=1) == labels))}

    classes = np.eye(int(sets[""][1].max()) + 1, dtype=np.float32)
    one_hot = {"": (sets[""][0], classes[sets[""][1]])}
    return train(model, one_hot, evaluations=EpochEvaluations(sets, evaluate), **options)


def best(columns: Columns) -> tuple[int, float, float]:
    """Return the first epoch with the best validation accuracy, and the validation and test accuracy after it."""
    epoch = int(np.asarray(columns["val_accuracy"]).argmax())
    return epoch, float(columns["val_accuracy"][epoch]), float(columns["test_accuracy"][epoch])
