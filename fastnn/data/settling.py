"""Turns the arrays of a file into images and labels: the order of axes, labels that are text, classes from 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.dataset import check_labels
from fastnn.data.mapped import is_mapped
from fastnn.data.natural import natural_order
from fastnn.data.raw_dataset import RawArray, RawDataset
from fastnn.decisions import Decision
from fastnn.decisions.array_axes import StoredImages, axes_text, stored_axes, transposition
from fastnn.decisions.numbering import counted_from_one, from_one, ten_is_zero

Array = NDArray[Any]


def settled(
    raw: RawDataset, axes: str | None = None, *, samples_first: bool = False, ten_means_zero: bool = False
) -> RawDataset:
    """Bring the arrays of a data set into the order of a `Dataset`, and its labels to indices if they have names.

    Parameters
    ----------
    raw : RawDataset
        As the arrays were stored, without class names.
    axes : str, optional
        The order of the axes of stored images; by default it is found out.
    samples_first : bool, default False
        Whether the format says that the first axis counts the samples.
    ten_means_zero : bool, default False
        Whether labels 1 ... 10 are the digits 1 ... 9 and 0.

    Returns
    -------
    RawDataset

    Raises
    ------
    ValueError
        If the axes have two orders that fit, or `axes` does not fit them, or the labels of the splits do not agree.
    """
    train, test = _vector(raw.train_labels), None if raw.test_labels is None else _vector(raw.test_labels)
    if test is not None and raw.test_labels is not None and train.values.ndim == 2:
        in_rows = train.values.shape == raw.train_labels.values.shape
        one = raw.test_labels.values if in_rows else raw.test_labels.values.T
        if one.shape == (1, train.values.shape[1]):  # the one-hot label of a single sample, not a row of labels
            test = test._replace(values=one)
    raw = _in_order(raw._replace(train_labels=train, test_labels=test), axes, samples_first)
    return _named(raw, raw.train_labels.values.ndim == 1, ten_means_zero)


def _vector(labels: RawArray) -> RawArray:
    """Return labels as a vector if each has one value, and one-hot labels as rows."""
    values = labels.values
    if values.ndim and values.size == max(values.shape):
        return labels._replace(values=values.reshape(-1))
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        return labels
    rows, columns = _is_one_hot(values), _is_one_hot(values.T)
    if rows and columns and not np.array_equal(values, values.T):
        raise ValueError(f"{labels.where}: labels {values.shape}: both rows and columns are one-hot; give numbers")
    return labels._replace(values=np.ascontiguousarray(values.T)) if columns and not rows else labels


def _is_one_hot(rows: Array) -> bool:
    return bool(rows.size and ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all())


def _in_order(raw: RawDataset, axes: str | None, samples_first: bool) -> RawDataset:
    """Return the images of all splits with their axes in the order of a data set."""
    splits = [StoredImages(raw.train_images.values.shape, _count(raw.train_labels))]
    if raw.test_images is not None:
        splits.append(StoredImages(raw.test_images.values.shape, _count(raw.test_labels)))
    where = raw.train_images.where
    if len({len(each.shape) for each in splits}) > 1:
        if axes is not None:
            raise ValueError(f"{where}: axes {axes!r} do not fit arrays of {splits[0].shape} and {splits[1].shape}")
        return raw  # the splits do not fit together, which is found where they are joined
    decision: Decision | None = None
    if axes is None:
        axes, decision = stored_axes(splits, where, samples_first=samples_first)
    elif len(axes) != len(splits[0].shape):
        raise ValueError(f"{where}: axes: expected {len(splits[0].shape)} letters for {splits[0].shape}, got {axes!r}")
    if decision is not None:
        raw = raw._replace(decisions=(*raw.decisions, decision))
    order = transposition(axes) if axes else ()
    if order == tuple(range(len(order))):
        return raw
    moved = raw._replace(train_images=_transposed(raw.train_images, order, axes))
    return moved if raw.test_images is None else moved._replace(test_images=_transposed(raw.test_images, order, axes))


def _count(labels: RawArray | None) -> int | None:
    return None if labels is None or labels.values.ndim == 0 else len(labels.values)


def _transposed(images: RawArray, order: tuple[int, ...], axes: str) -> RawArray:
    if is_mapped(images.values):
        raise ValueError(
            f"{images.where}: stored as {axes_text(axes)}, so it cannot be mapped; read it without mapped=True"
        )
    return images._replace(values=images.values.transpose(order))


def _named(raw: RawDataset, are_numbers: bool, ten_means_zero: bool) -> RawDataset:
    """Return a data set whose labels, if they are text or counted from 1, are indices into class names."""
    both = [each for each in (raw.train_labels, raw.test_labels) if each is not None]
    texts = [each.values.dtype.kind in "US" for each in both]
    if any(texts):
        if not all(texts):
            raise ValueError(f"{both[texts.index(False)].where}: numbers, but the labels of the other split are text")
        return _by_name(raw, [_texts(each) for each in both], both)
    if not are_numbers or raw.class_names is not None:
        return raw
    numbers = [check_labels(each.values, each.values.size, each.where) for each in both]
    found = np.unique(numbers[0]).tolist()
    if not counted_from_one(found) or (len(numbers) > 1 and numbers[1].size and numbers[1].min() < 1):
        return raw
    if ten_means_zero and len(found) == 10:
        numbers, decision = [each % 10 for each in numbers], ten_is_zero()
        found = sorted(each % 10 for each in found)
    else:
        decision = from_one(len(found))
    raw = raw._replace(decisions=(*raw.decisions, decision))
    return _by_name(raw, [each.astype(str) for each in numbers], both)


def _texts(labels: RawArray) -> Array:
    """Return text labels as str, in the shape (N,)."""
    if labels.values.ndim != 1:
        raise ValueError(f"{labels.where}: labels: expected shape (N,) or (N, 1), got text of {labels.values.shape}")
    texts = labels.values
    if texts.dtype.kind == "S":
        texts = np.array([_decoded(text) for text in texts.tolist()] or [""], np.str_)[: len(texts)]
    empty = np.flatnonzero(np.char.strip(texts) == "")
    if empty.size:
        raise ValueError(f"{labels.where}: the label at index {empty[0]} is empty")
    return texts


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _by_name(raw: RawDataset, names: list[Array], labels: list[RawArray]) -> RawDataset:
    """Number labels that are given by name; the classes are those of the training split, in natural order."""
    classes = tuple(sorted(np.unique(names[0]).tolist(), key=natural_order))
    index = {name: k for k, name in enumerate(classes)}
    numbered = []
    for split, own in zip(names, labels, strict=True):
        unknown = next((k for k, name in enumerate(split.tolist()) if name not in index), None)
        if unknown is not None:
            raise ValueError(
                f"{own.where}: class {split[unknown]!s:.80} of the label at index {unknown} does not occur in the "
                "training split"
            )
        numbered.append(own._replace(values=np.array([index[name] for name in split.tolist()], np.int64)))
    return raw._replace(train_labels=numbered[0], test_labels=(*numbered, None)[1], class_names=classes)
