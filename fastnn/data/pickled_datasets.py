"""Which object of a pickled data set is what: mnist.pkl.gz, the batches of CIFAR-10, dicts of arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.pickled import parse_pickle
from fastnn.data.raw_dataset import Parts, Stored, assemble

__all__ = ["cifar_parts", "is_cifar", "pickled_parts"]

_BATCH = re.compile(r"data_batch_\d+")
_TEST_BATCH = "test_batch"
_META = "batches.meta"
_CIFAR_PIXELS = 3 * 32 * 32


def is_cifar(names: Iterable[str]) -> bool:
    """Tell whether files of these names are batches of CIFAR-10."""
    return any(_BATCH.fullmatch(name) for name in names)


def cifar_parts(files: Iterable[tuple[str, bytes]], where: str) -> Parts:
    """Join the batches of CIFAR-10, given as (name, content): images (N, 3, 32, 32)."""
    found = {
        name: _by_name(parse_pickle(content, f"{where}: {name}"), f"{where}: {name}")
        for name, content in files
        if _BATCH.fullmatch(name) or name in (_TEST_BATCH, _META)
    }
    names = found.pop(_META, {}).get("label_names")
    test = found.pop(_TEST_BATCH, None)
    batches = [_batch(found[name], f"{where}: {name}") for name in sorted(found)]
    shapes = {images.shape[1:] for images, _ in batches}
    if len(shapes) != 1:
        raise ValueError(f"{where}: batches with images of different shapes: {sorted(shapes)}")
    images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    class_names = tuple(map(str, names)) if isinstance(names, list) else None
    parts = Parts(Stored(images, where), Stored(labels, where), class_names=class_names)
    if test is None:
        return parts
    test_where = f"{where}: {_TEST_BATCH}"
    test_images, test_labels = _batch(test, test_where)
    return parts._replace(test_images=Stored(test_images, test_where), test_labels=Stored(test_labels, test_where))


def pickled_parts(value: Any, where: str) -> Parts:
    """Find images and labels in what a pickle holds.

    Taken are (train, validation, test) or (train, test), each a pair of images and labels, as in mnist.pkl.gz
    (the validation images follow the training images, as they do in MNIST itself); a batch of CIFAR-10; and a
    dict of arrays by the names that .npz files have.
    """
    if isinstance(value, tuple | list):
        return _pairs(list(value), where)
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected a dict or pairs of images and labels, but it holds {_kind(value)}")
    named = _by_name(value, where)
    data = named.get("data")
    if isinstance(data, np.ndarray) and data.ndim == 2 and data.shape[1] == _CIFAR_PIXELS and "labels" in named:
        images, labels = _batch(named, where)
        return Parts(Stored(images, where), Stored(labels, where))
    arrays = {name: _array(item, f"{where}: {name!r}") for name, item in named.items() if _is_array(item)}
    return assemble(arrays, where)


def _pairs(splits: list[Any], where: str) -> Parts:
    if len(splits) not in (2, 3) or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in splits):
        raise ValueError(f"{where}: expected (train, validation, test), each a pair of images and labels")
    arrays = [tuple(_array(part, where) for part in pair) for pair in splits]
    images, labels = arrays[0]
    if len(splits) == 3:
        more, more_labels = arrays[1]
        if more.shape[1:] != images.shape[1:] or more_labels.shape[1:] != labels.shape[1:]:
            raise ValueError(f"{where}: validation images {more.shape} do not fit train images {images.shape}")
        images, labels = np.concatenate([images, more]), np.concatenate([labels, more_labels])
    test_images, test_labels = arrays[-1]
    return Parts(Stored(images, where), Stored(labels, where), Stored(test_images, where), Stored(test_labels, where))


def _batch(named: dict[str, Any], where: str) -> tuple[NDArray[Any], NDArray[Any]]:
    for name in ("data", "labels"):
        if name not in named:
            raise ValueError(f"{where}: no {name!r}; there are {', '.join(named) or 'none'}")
    images, labels = _array(named["data"], f"{where}: 'data'"), _array(named["labels"], f"{where}: 'labels'")
    if images.ndim != 2 or images.shape[1] != _CIFAR_PIXELS or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{where}: expected images (N, {_CIFAR_PIXELS}) and labels (N,), but they are {images.shape} and "
            f"{labels.shape}"
        )
    return images.reshape(-1, 3, 32, 32), labels


def _by_name(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected a dict, but it holds {_kind(value)}")
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): item for key, item in value.items()}


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (isinstance(value, list) and all(type(item) is int for item in value))


def _array(value: Any, where: str) -> NDArray[Any]:
    if isinstance(value, list) and _is_array(value):
        if any(not -(2**63) <= item < 2**63 for item in value):
            raise ValueError(f"{where}: a number beyond 64 bits")
        return np.array(value, np.int64)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{where}: expected an array, but it holds {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"
