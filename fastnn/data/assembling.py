"""Makes a `Dataset` of what its files hold: settles the classes, the test split and the scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.dataset import Dataset, called, check_images, chunks
from fastnn.data.expected import Expected
from fastnn.data.mapped import is_mapped
from fastnn.data.raw_dataset import RawDataset, check_split
from fastnn.data.splits import train_test_split
from fastnn.decisions import Decision
from fastnn.decisions.classes import match_classes, rename_classes
from fastnn.decisions.names import listed
from fastnn.decisions.scale import Values, check_scale, decide_scale
from fastnn.decisions.split import drawn_split

_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True)
class Wishes:
    """The arguments of `load` that say what becomes of what was read.

    Parameters
    ----------
    class_names : sequence of str or None
    test_fraction : float
    seed : int
        Of the test split.
    scale : float or None
    expected : Expected or None
    """

    class_names: Sequence[str] | None = None
    test_fraction: float = 1 / 6
    seed: int = 0
    scale: float | None = None
    expected: Expected | None = None


def assemble(raw: RawDataset, where: str, title: str, wishes: Wishes) -> Dataset:
    """Check what was read and return it as a data set.

    Parameters
    ----------
    raw : RawDataset
    where : str
        The beginning of the error messages.
    title : str
        The name of the data set.
    wishes : Wishes

    Raises
    ------
    ValueError
        If images, labels and classes do not fit together, or are not what is expected.
    """
    images, labels = check_split(raw.train_images, raw.train_labels)
    noun = called(images)
    values = _values(raw, images)
    decisions = list(raw.decisions)
    unlabelled = None
    test_images, test_labels = images[:0], labels[:0]
    if raw.test_images is not None and raw.test_labels is not None:
        test_images, test_labels = check_split(raw.test_images, raw.test_labels)
    elif raw.test_images is not None:
        unlabelled = check_images(*raw.test_images)
    names, more = _class_names(raw, wishes, (labels, test_labels))
    decisions += more
    _in_range(labels, names, raw.train_labels.where)
    if raw.test_labels is not None:
        _in_range(test_labels, names, raw.test_labels.where)
    else:
        if is_mapped(images):
            raise ValueError(f"{where}: has no test split, and a mapped data set cannot be split without a copy")
        try:
            train, test = train_test_split(labels, wishes.test_fraction, seed=wishes.seed)
        except ValueError as error:
            raise ValueError(f"{where}: has no test split, and {len(labels)} {noun} cannot be split: {error}") from None
        decisions.append(drawn_split(len(test), len(labels)))
        test_images, test_labels = images[test], labels[test]
        images, labels = images[train], labels[train]
    for split, others in (("test", test_images), ("unlabelled", unlabelled)):
        if others is not None and others.shape[1:] != images.shape[1:]:
            raise ValueError(f"{where}: {split} {noun} have shape {others.shape[1:]}, train {noun} {images.shape[1:]}")
    scale, decision = (1.0, None) if wishes.scale is not None or wishes.expected is not None else decide_scale(values)
    decisions += [] if decision is None else [decision]
    scale = scale if wishes.scale is None else wishes.scale
    data = Dataset(
        images,
        labels,
        test_images,
        test_labels,
        names,
        scale,
        title,
        unlabelled,
        raw.column_names,
        tuple(decisions),
        raw.label_name,
    )
    if wishes.expected is None:
        return data
    return as_expected(data, wishes.expected, where, values, wishes.scale, numbered=raw.class_names is None)


def as_expected(
    data: Dataset,
    expected: Expected,
    where: str,
    values: Values | None = None,
    scale: float | None = None,
    *,
    numbered: bool = False,
) -> Dataset:
    """Return a data set with the classes and the scale of a model or of another data set.

    Parameters
    ----------
    data : Dataset
        Its columns are those that are expected already.
    expected : Expected
    where : str
        The beginning of the error messages.
    values : Values, optional
        What decides about the scale; by default it is found out.
    scale : float, optional
        The factor that the user names. The values are multiplied by what it is of the expected factor.
    numbered : bool
        Whether the classes of the data set have numbers and no names.

    Raises
    ------
    ValueError
        If a sample has another shape, no class is known, or the values are of another scale.
    """
    shape = data.train_images.shape[1:]
    if expected.shape not in (None, shape):
        raise ValueError(f"{where} has {data.noun} of shape {shape}, but {expected.other} has {expected.shape}")
    table, names = np.arange(len(data.class_names)), data.class_names
    decisions: list[Decision] = []
    if expected.class_names is not None:
        used = np.union1d(data.train_labels, data.test_labels)
        occurring = [data.class_names[k] for k in used]
        table[used], names, decisions = match_classes(
            occurring, expected.class_names, numbered=numbered, where=where, other=expected.other
        )
    factor = 1.0 if scale is None else scale / expected.scale
    if scale is None:
        own = _values_of(data.train_images, (data.train_images, data.test_images), False, data.column_names)
        said = check_scale(own if values is None else values, expected.scale, where)
        decisions += [] if said is None else [said]
    return replace(
        data,
        train_images=_multiplied(data.train_images, factor),
        test_images=_multiplied(data.test_images, factor),
        unlabelled_images=None if data.unlabelled_images is None else _multiplied(data.unlabelled_images, factor),
        train_labels=table[data.train_labels],
        test_labels=table[data.test_labels],
        class_names=names,
        scale=expected.scale,
        decisions=(*data.decisions, *decisions),
    )


def on_scale(
    values: NDArray[Any],
    expected: Expected,
    scale: float | None,
    where: str,
    column_names: tuple[str, ...] | None = None,
    *,
    from_text: bool = False,
) -> tuple[NDArray[Any], Decision | None]:
    """Return samples without labels on the scale that a model expects, and what there is to be said about it.

    Parameters
    ----------
    values : ndarray, shape (N, ...), real
    expected : Expected
    scale : float or None
        As for `as_expected`.
    where : str
        The beginning of the error message.
    column_names : tuple of str or None
    from_text : bool
        Whether the reader chose the dtype.

    Raises
    ------
    ValueError
        If the values are of another scale.
    """
    if scale is not None:
        return _multiplied(values, scale / expected.scale), None
    if values.dtype.kind not in "biuf" or values.size == 0:
        return values, None  # the model refuses them
    return values, check_scale(_values_of(values, [values], from_text, column_names), expected.scale, where)


def unknown_classes(labels: NDArray[np.int64], names: Sequence[str], known: int) -> str:
    """Return the classes that a model does not know, each with its number of samples, as text; "" if there are none.

    Parameters
    ----------
    labels : ndarray, shape (N,), int64
    names : sequence of str
        As `load` returns them with ``like=``: the unknown classes come after the known ones.
    known : int
        The number of known classes.
    """
    counts = np.bincount(labels, minlength=len(names))
    return listed([f"{names[k]} ({counts[k]} samples)" for k in range(known, len(names)) if counts[k]])


def _multiplied(images: NDArray[Any], factor: float) -> NDArray[Any]:
    return images if factor == 1 else images * np.float64(factor)


def _values(raw: RawDataset, images: NDArray[Any]) -> Values:
    arrays = [images] if raw.test_images is None else [images, raw.test_images.values]
    return _values_of(raw.train_images.values, arrays, raw.from_text, raw.column_names)


def _values_of(
    stored: NDArray[Any], arrays: Sequence[NDArray[Any]], from_text: bool, column_names: tuple[str, ...] | None
) -> Values:
    """Return what is known of the values of all splits: the split must not decide about the scale."""
    lows, highs = [0.0], [0.0]
    for array in arrays:
        for _, chunk in chunks(array, _CHUNK_VALUES) if array.size else ():
            lows.append(float(chunk.min()))
            highs.append(float(chunk.max()))
    whole = stored.dtype.kind in "iu"
    chosen = stored.dtype == np.uint8 and not from_text
    return Values(stored.shape[1:], whole, chosen, min(lows), max(highs), column_names)


def _class_names(
    raw: RawDataset, wishes: Wishes, labels: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[tuple[str, ...], list[Decision]]:
    """Return one name for each number of a class."""
    given = wishes.class_names
    if raw.class_names is not None:
        if given is None or tuple(given) == raw.class_names:
            return raw.class_names, []
        return rename_classes(raw.class_names, tuple(given), raw.train_labels.where)
    if given is not None:
        return tuple(given), []
    if wishes.expected is not None:  # it says which numbers there are
        return tuple(map(str, range(int(max(part.max(initial=0) for part in labels)) + 1))), []
    return _numbered(labels[0], raw.train_labels.where), []


def _numbered(labels: NDArray[np.int64], where: str) -> tuple[str, ...]:
    """Name the classes by their numbers. A number that does not occur suggests a damaged label, so it is an error."""
    found = np.unique(labels)
    missing = np.flatnonzero(found != np.arange(found.size))
    if missing.size:
        stray = found[missing[0]]
        raise ValueError(
            f"{where}: label {stray} at index {np.argmax(labels == stray)} is out of range: "
            f"there is no label {missing[0]} (if that is right, give class_names= (--class-names))"
        )
    return tuple(str(number) for number in range(found.size))


def _in_range(labels: NDArray[np.int64], names: tuple[str, ...], where: str) -> None:
    wrong = np.flatnonzero(labels >= len(names))
    if wrong.size:
        raise ValueError(
            f"{where}: label {labels[wrong[0]]} at index {wrong[0]} is out of range: there are {len(names)} "
            f"classes (if there are more, give class_names= (--class-names))"
        )
