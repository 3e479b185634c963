"""CIFAR-10 as the notebooks read it, from the folder of its pickled batches; no code in them is run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.checks import whole
from fastnn.compat.cs231n.arrays import Array
from fastnn.data import read_pickle
from fastnn.data.download import dataset_folder

__all__ = ["get_CIFAR10_data", "load_CIFAR10", "load_CIFAR_batch", "load_pickle"]

_FOLDER = "cifar-10-batches-py"
_BATCH = re.compile(r"data_batch_\d+")


def load_pickle(f: Any) -> Any:
    """Return what a pickle file holds, given as a path or as an open file; only plain data and arrays are read."""
    return read_pickle(getattr(f, "name", f))


def load_CIFAR_batch(filename: str | PathLike[str]) -> tuple[Array, Array]:
    """Return images (N, 32, 32, 3), float64 in 0 … 255, and labels (N,) of one batch.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a batch of CIFAR-10.
    """
    content = read_pickle(filename)
    named = {key.decode() if isinstance(key, bytes) else key: value for key, value in dict(content).items()}
    try:
        pixels, labels = np.asarray(named["data"]), np.asarray(named["labels"])
        images = pixels.reshape(len(labels), 3, 32, 32).transpose(0, 2, 3, 1).astype(np.float64)
    except (KeyError, ValueError) as error:
        raise ValueError(f"load_CIFAR_batch: {filename}: expected a batch of CIFAR-10: {error}") from None
    return images, labels


def load_CIFAR10(ROOT: str | PathLike[str]) -> tuple[Array, Array, Array, Array]:
    """Return images and labels for training and for testing, from the folder with data_batch_1 … and test_batch.

    Raises
    ------
    FileNotFoundError
        If the folder has no batches.
    ValueError
        If a file is damaged.
    """
    root = Path(ROOT)
    found = sorted(path for path in root.glob("data_batch_*") if _BATCH.fullmatch(path.name))
    if not found:
        raise FileNotFoundError(f"load_CIFAR10: {root}: expected the batches of CIFAR-10, data_batch_1 and so on")
    images, labels = zip(*map(load_CIFAR_batch, found), strict=True)
    return np.concatenate(images), np.concatenate(labels), *load_CIFAR_batch(root / "test_batch")


def get_CIFAR10_data(
    num_training: int = 49000, num_validation: int = 1000, num_test: int = 1000, subtract_mean: bool = True
) -> dict[str, Array]:
    """Return "X_train", "y_train", "X_val", "y_val", "X_test", "y_test"; images are (N, 3, 32, 32), float64.

    Parameters
    ----------
    num_training, num_validation, num_test : int
        The validation images come after the training images.
    subtract_mean : bool
        Subtract the mean image of the training images from all.

    Raises
    ------
    FileNotFoundError
        If the folder ``cifar-10-batches-py`` is neither in ``cs231n/datasets`` or ``datasets``, seen from the working
        directory, nor in fastnn's folder of data sets.
    ValueError
        If there are fewer images.
    """
    numbers = {"num_training": num_training, "num_validation": num_validation, "num_test": num_test}
    for name, number in numbers.items():
        whole("get_CIFAR10_data", name, number, at_least=0)
    images, labels, test_images, test_labels = load_CIFAR10(_cifar_folder())
    if num_training + num_validation > len(images) or num_test > len(test_images):
        raise ValueError(
            f"get_CIFAR10_data: expected at most {len(images)} images to train and validate with and "
            f"{len(test_images)} to test with, got {numbers}"
        )
    validation = slice(num_training, num_training + num_validation)
    parts = {
        "train": (images[:num_training], labels[:num_training]),
        "val": (images[validation], labels[validation]),
        "test": (test_images[:num_test], test_labels[:num_test]),
    }
    mean = np.mean(parts["train"][0], axis=0) if subtract_mean else np.zeros(())
    data: dict[str, Array] = {}
    for name, (x, y) in parts.items():
        data[f"X_{name}"] = np.ascontiguousarray((x - mean).transpose(0, 3, 1, 2))
        data[f"y_{name}"] = y
    return data


def _cifar_folder() -> Path:
    places: Sequence[Path] = [
        Path("cs231n/datasets") / _FOLDER,
        Path("datasets") / _FOLDER,
        dataset_folder("cifar10") / _FOLDER,
        dataset_folder("cifar10"),
    ]
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"get_CIFAR10_data: expected CIFAR-10 in one of {', '.join(map(str, places))}")
