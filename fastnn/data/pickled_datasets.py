"""Pickled data sets: mnist.pkl.gz, the batches of CIFAR-10, dicts of arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import text_array
from fastnn.data.memory import MemoryEstimate
from fastnn.data.pickle_opcodes import is_pickle
from fastnn.data.pickled import parse_pickle, pickle_memory, read_pickle_unchecked
from fastnn.data.raw_dataset import ROLES, RawArray, RawDataset, from_named_arrays
from fastnn.data.settling import settled
from fastnn.data.source import FileStart, Format, ReadOptions, Source
from fastnn.data.tar import is_tar

_BATCH = re.compile(r"data_batch_\d+")
_TEST_BATCH = "test_batch"
_META = "batches.meta"
_CIFAR_PIXELS = 3 * 32 * 32


def has_cifar_batches(names: Iterable[str]) -> bool:
    """Return whether batches of CIFAR-10 are among the files of these names."""
    return any(_BATCH.fullmatch(name) for name in names)


def cifar_dataset(files: Iterable[tuple[str, bytes | memoryview]], where: str) -> RawDataset:
    """Join the batches of CIFAR-10.

    Parameters
    ----------
    files : iterable of (str, bytes-like)
        Names and contents; files of other names are ignored.
    where : str
        The beginning of the error messages.

    Returns
    -------
    RawDataset
        Images have shape (N, 3, 32, 32).

    Raises
    ------
    ValueError
        If a file is damaged or not a batch.
    """
    found = {
        name: _text_keys(parse_pickle(bytes(content), f"{where}: {name}"), f"{where}: {name}")
        for name, content in files
        if _BATCH.fullmatch(name) or name in (_TEST_BATCH, _META)
    }
    names = found.pop(_META, {}).get("label_names")
    test = found.pop(_TEST_BATCH, None)
    batches = [_batch(found[name], f"{where}: {name}") for name in sorted(found)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    class_names = tuple(map(str, names)) if isinstance(names, list) else None
    raw = RawDataset(RawArray(images, where), RawArray(labels, where), class_names=class_names)
    if test is None:
        return raw
    test_where = f"{where}: {_TEST_BATCH}"
    test_images, test_labels = (RawArray(array, test_where) for array in _batch(test, test_where))
    return raw._replace(test_images=test_images, test_labels=test_labels)


def _open_cifar_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    if not has_cifar_batches(file.name for file in files):
        return None
    return Source(
        lambda: cifar_dataset(((file.name, file.read_bytes()) for file in files), f"load: {path}"),
        lambda: MemoryEstimate.total(map(pickle_memory, files)).with_copies(1),  # the batches are joined
    )


CIFAR10 = Format("the batches of CIFAR-10 (their folder or archive)", open_folder=_open_cifar_folder)


def _open_pickle(start: FileStart, options: ReadOptions) -> Source | None:
    # Pickles of protocols 0 and 1 have no signature and are recognised by their names.
    if not is_pickle(start.content) and (not PICKLE.has_suffix(start.path) or is_tar(start.content)):
        return None
    path = start.path
    return Source(
        lambda: settled(_pickled_dataset(read_pickle_unchecked(path), f"load: {path}"), options.axes),
        lambda: pickle_memory(path).with_copies(1),  # the training and the validation split are joined
        has_axes=True,
    )


PICKLE = Format(
    "mnist.pkl.gz or another pickle of plain arrays", _open_pickle, (".pkl", ".pickle", ".pkl.gz", ".pickle.gz")
)


def _pickled_dataset(value: Any, where: str) -> RawDataset:
    """Find images and labels in the object that a pickle holds.

    The object may be

    - (train, validation, test) or (train, test), each a pair of images and labels, as in mnist.pkl.gz; the validation
      images are appended to the training images, as they are in MNIST itself;
    - a batch of CIFAR-10;
    - a dict of arrays, named as in .npz files.
    """
    if isinstance(value, tuple | list):
        return _joined_pairs(list(value), where)
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected a dict or pairs of images and labels, found {_kind(value)}")
    named = _text_keys(value, where)
    data = named.get("data")
    if isinstance(data, np.ndarray) and data.ndim == 2 and data.shape[1] == _CIFAR_PIXELS and "labels" in named:
        return _raw_dataset(_batch(named, where), where)
    arrays = {name: _array(item, f"{where}: {name!r}") for name, item in named.items() if _is_array(item)}
    return from_named_arrays(arrays, where)


def _joined_pairs(splits: list[Any], where: str) -> RawDataset:
    if len(splits) not in (2, 3) or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in splits):
        raise ValueError(f"{where}: expected (train, validation, test), each a pair of images and labels")
    (images, labels), *validation, test = [tuple(_array(part, where) for part in pair) for pair in splits]
    for more, more_labels in validation:
        fit = more.shape[1:] == images.shape[1:] and more_labels.shape[1:] == labels.shape[1:]
        if not fit or 0 in (images.ndim, labels.ndim, more.ndim, more_labels.ndim):
            raise ValueError(f"{where}: validation images {more.shape} do not fit train images {images.shape}")
        images, labels = np.concatenate([images, more]), np.concatenate([labels, more_labels])
    return _raw_dataset((images, labels, *test), where)


def _raw_dataset(arrays: Iterable[NDArray[Any]], where: str) -> RawDataset:
    return RawDataset.from_roles({role: RawArray(a, where) for role, a in zip(ROLES, arrays, strict=False)})


def _batch(named: dict[str, Any], where: str) -> tuple[NDArray[Any], NDArray[Any]]:
    for name in ("data", "labels"):
        if name not in named:
            raise ValueError(f"{where}: no {name!r}; there are {', '.join(named) or 'none'}")
    images, labels = _array(named["data"], f"{where}: 'data'"), _array(named["labels"], f"{where}: 'labels'")
    if images.ndim != 2 or images.shape[1] != _CIFAR_PIXELS or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{where}: expected images (N, {_CIFAR_PIXELS}) and labels (N,), found {images.shape} and {labels.shape}"
        )
    return images.reshape(-1, 3, 32, 32), labels


def _text_keys(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected a dict, found {_kind(value)}")
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): item for key, item in value.items()}


def _is_array(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and any(all(type(item) is kind for item in value) for kind in (int, str, bytes))
    return isinstance(value, np.ndarray)


def _array(value: Any, where: str) -> NDArray[Any]:
    if isinstance(value, list) and _is_array(value):
        if not isinstance(value[0], int):
            return text_array([item.decode("latin-1") if isinstance(item, bytes) else item for item in value], where)
        if any(not -(2**63) <= item < 2**63 for item in value):
            raise ValueError(f"{where}: a number beyond 64 bits")
        return np.array(value, np.int64)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{where}: expected an array, found {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"
