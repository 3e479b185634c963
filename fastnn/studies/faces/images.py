"""Images of faces: reading, resizing and splitting them, and training the network on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import data as fastnn_data
from fastnn import optim
from fastnn.data import Dataset, study_split
from fastnn.decisions import Decision
from fastnn.decisions.split import TEST_SPLIT
from fastnn.layers import Dense, Layer, Tanh
from fastnn.model import Sequential
from fastnn.studies.sources import Source
from fastnn.studies.study import Run
from fastnn.studies.training import Columns, EpochEvaluations, Pair, train

_SIDE = 64  # pixels; the images are read at the largest size that is tried


def _read(path: Path) -> Dataset:
    """A folder for each person. The study makes splits of its own, so that of the reader decides nothing."""
    found = fastnn_data.load(path, size=_SIDE)
    return replace(found, decisions=tuple(d for d in found.decisions if d.subject != TEST_SPLIT))


def _read_list(photos: Path, folder: Path, accept: Sequence[str]) -> Dataset:
    """The photos of a list that are in the folder, as a data set without a split of its own."""
    found = fastnn_data.read_photo_list(photos, folder, size=_SIDE, accept=accept)
    present = np.unique(found.labels)  # a person may have lost every photo
    names = tuple(found.class_names[k] for k in present)
    labels = np.searchsorted(present, found.labels)
    decisions: tuple[Decision, ...] = ()
    if found.rejected:
        some = "; ".join(f"line {line}: {reason}" for line, _, reason in found.rejected[:3])
        more = "; ..." if len(found.rejected) > 3 else ""
        lost = [name for k, name in enumerate(found.class_names) if k not in present]
        without = f", and with them every photo of {', '.join(lost)}" if lost else ""
        listed = len(found.images) + len(found.rejected)
        taken = f"{len(found.images)} of the {listed} on the list"
        why = f"{len(found.rejected)} were rejected{without}: {some}{more}"
        decisions = (Decision("photos", taken, why, "accept=, --accept URL or SHA-256"),)
    if len(names) < 2:
        raise ValueError(f"study: --list: {photos}: expected photos of at least two people, got {', '.join(names)}")
    images = found.images
    return Dataset(images, labels, images[:0], labels[:0], names, 1 / 255, photos.name, decisions=decisions)


FACES = Source(
    "a set of faces, one folder for each person",
    ("faces/orl", "faces", "orl", ""),
    _read,
    partial(fastnn_data.load, "glyphs", train=320, test=80),
    "synthetic letters, with ten classes instead of people",
    "The reports used colour photos of six actors, about 110 of each, which can no longer be downloaded. Here every "
    "folder of the data set is a person. With other people and fewer images of each, the numbers differ from those "
    "reported; only their trends can be compared.",
    "photos of six actors",
    _read_list,
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
    """Return all images of the data set, resized and scaled to [0, 1], and the number of the person in each.

    Colour images are (N, S, S, 3) here, and (N, 3, S, S) in a data set.
    """
    images = np.concatenate([run.data.train_images, run.data.test_images])
    if images.ndim == 4:
        images = images.transpose(0, 2, 3, 1)
    return resized(images, side) * np.float32(run.data.scale), np.concatenate(
        [run.data.train_labels, run.data.test_labels]
    )


def split(images: NDArray[Any], labels: NDArray[np.int64], seed: int, kind: str = "faces") -> dict[str, Pair]:
    """Split each person's images: as report B, 70, 20 and 20 of them, or by "faces-60" as report A, 60, 10 and 20.

    With fewer images of a person the proportions are the same.
    """
    indices = study_split(kind, labels, seed=seed)
    x = flat(images)
    training, val, test = ((x[index], labels[index]) for index in indices)
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
    if loss in ("mean_squared_error", "binary_cross_entropy"):
        return _on_one_hot(model, sets, used | {"seed": seed, "loss": loss}), model
    return train(model, sets, seed=seed, loss=loss, **used), model


def _on_one_hot(model: Sequential, sets: dict[str, Pair], options: dict[str, Any]) -> Columns:
    """Train with a loss of each output on one-hot targets; the class predicted is that of the largest output."""

    def evaluate(model: Sequential, x: NDArray[Any], labels: NDArray[Any]) -> dict[str, float]:
        return {"accuracy": float(np.mean(model.forward(x).argmax(axis=1) == labels))}

    classes = np.eye(int(sets[""][1].max()) + 1, dtype=np.float32)
    one_hot = {"": (sets[""][0], classes[sets[""][1]])}
    return train(model, one_hot, evaluations=EpochEvaluations(sets, evaluate), **options)


def best(columns: Columns) -> tuple[int, float, float]:
    """Return the first epoch with the best validation accuracy, and the validation and test accuracy after it."""
    epoch = int(np.asarray(columns["val_accuracy"]).argmax())
    return epoch, float(columns["val_accuracy"][epoch]), float(columns["test_accuracy"][epoch])
