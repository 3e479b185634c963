"""Faces: reading, resizing, the split for each person, and the network's training."""

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
from fastnn.studies.training import Columns, Pair, train

_SIDE = 64  # pixels: what the pictures are read at, the largest that is tried


def _read(path: Path) -> Dataset:
    return fastnn_data.load(path, size=_SIDE)


FACES = Source(
    "a set of faces, one folder for each person",
    ("faces/orl", "faces", "orl", ""),
    _read,
    partial(fastnn_data.load, "glyphs", train=320, test=80),
    "synthetic letters, ten classes in the place of people",
    "The reports used colour photos of six actors, about 110 of each; they can no longer be downloaded. Here every "
    "folder of the data set is a person. With other people, and fewer images of each, numbers differ from those "
    "reported; what can be compared is how they move.",
)


def resized(images: NDArray[Any], side: int) -> NDArray[np.float32]:
    """Square images (N, S, S[, 3]) of another side, each pixel the mean over the area that it covers."""
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
    """Images as rows; colours as all of red, then green, then blue."""
    channels = images[..., None] if images.ndim == 3 else images
    return np.ascontiguousarray(channels.transpose(0, 3, 1, 2).reshape(len(images), -1))


def people(run: Run, side: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All images of the data set at that side, in [0, 1], and who they are."""
    images = np.concatenate([run.data.train_images, run.data.test_images])
    return resized(images, side) * np.float32(run.data.scale), np.concatenate(
        [run.data.train_labels, run.data.test_labels]
    )


def split(images: NDArray[Any], labels: NDArray[np.int64], seed: int) -> dict[str, Pair]:
    """Of every person about a fifth to validate and a fifth to test, as B's 70, 20 and 20 of 110."""
    fifth = round(len(labels) * 2 / 11 / (classes := int(labels.max()) + 1)) * classes
    validation, test, kept = split_indices(labels, (fifth, fifth, len(labels) - 2 * fifth), seed=seed)
    x = flat(images)
    return {"": (x[kept], labels[kept]), "val": (x[validation], labels[validation]), "test": (x[test], labels[test])}


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
    """One hidden layer (tanh unless given) trained for about that many steps, looked at after every epoch."""
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
    """Squared error on one-hot targets, with the accuracy of the largest output."""
    from fastnn.studies.training import Watch

    def look(model: Sequential, x: NDArray[Any], labels: NDArray[Any]) -> dict[str, float]:
        return {"accuracy": float(np.mean(model.forward(x).argmax(axis=1) == labels))}

    classes = np.eye(int(sets[""][1].max()) + 1, dtype=np.float32)
    watch = Watch(sets, look)
    return train(model, {"": (sets[""][0], classes[sets[""][1]])}, watch=watch, **options)


def best(columns: Columns) -> tuple[int, float, float]:
    """The first best epoch by validation, and validation and test accuracy there."""
    epoch = int(np.asarray(columns["val_accuracy"]).argmax())
    return epoch, float(columns["val_accuracy"][epoch]), float(columns["test_accuracy"][epoch])
