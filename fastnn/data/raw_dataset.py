"""A data set as its files hold it, not yet checked, and the names that people give to images and labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastnn.data.dataset import check_images, check_labels
from fastnn.decisions import Decision
from fastnn.decisions.array_names import without_arrays

T = TypeVar("T")
# Images, their labels as indices into the class names, and the class names.
Labelled = tuple[NDArray[Any], NDArray[Any], tuple[str, ...]]
MaybeLabelled = tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...]]


class RawArray(NamedTuple):
    """An array as it was stored, not yet checked, and the beginning of every error message about it."""

    values: NDArray[Any]
    where: str


class RawDataset(NamedTuple):
    """What the files of a data set hold; if `class_names` is None, the classes have numbers but no names.

    `column_names` are those of a table whose first line has names; `decisions` says what the reader decided where the
    files have more than one reading; `from_text` says that the reader chose the dtype, as the files hold text;
    `label_name` is the name of a table's column of labels.
    """

    train_images: RawArray
    train_labels: RawArray
    test_images: RawArray | None = None
    test_labels: RawArray | None = None
    class_names: tuple[str, ...] | None = None
    column_names: tuple[str, ...] | None = None
    decisions: tuple[Decision, ...] = ()
    from_text: bool = False
    label_name: str | None = None

    @classmethod
    def from_roles(cls, arrays: Mapping[str, RawArray]) -> RawDataset:
        """Return the data set whose arrays are given by their `ROLES`; those of the test split may be missing."""
        test = arrays.get("test_images"), arrays.get("test_labels")
        return cls(arrays["train_images"], arrays["train_labels"], *test)

    @classmethod
    def from_splits(
        cls, train: Labelled, where: str, test: MaybeLabelled | None = None, test_where: str = ""
    ) -> RawDataset:
        """Join a training and a test split, each with class names of its own.

        Raises
        ------
        ValueError
            If a class of the test split does not occur in the training split; `test_where` begins the message.
        """
        images, labels, names = train
        joined = cls(RawArray(images, where), RawArray(labels, where), class_names=names)
        if test is None:
            return joined
        test_images, test_labels, test_names = test
        joined = joined._replace(test_images=RawArray(test_images, test_where))
        if test_labels is None:
            return joined
        unknown = [name for name in test_names if name not in names]
        if unknown:
            raise ValueError(f"{test_where}: class {unknown[0]!r} does not occur in the training split")
        renumbered = np.array([names.index(name) for name in test_names], np.int64)[test_labels]
        return joined._replace(test_labels=RawArray(renumbered, test_where))


ROLES = ("train_images", "train_labels", "test_images", "test_labels")

# Only letters and digits of a name are compared, in lower case: x_train, xTrain and X-train are the same name.
_NAMES = {
    "train_images": "xtrain trainx trainimages trainingimages traindata trainingdata images data x",
    "train_labels": "ytrain trainy trainlabels traininglabels traintarget traintargets labels target y",
    "test_images": "xtest testx testimages testdata",
    "test_labels": "ytest testy testlabels testtarget testtargets",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split()}
_CLASS_ARRAY = re.compile(r"(train|test)(\d+)")  # mnist_all.mat: train0 ... train9, test0 ... test9


def check_split(images: RawArray, labels: RawArray) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Check the images and labels of a split and return them as `Dataset` holds them.

    Raises
    ------
    ValueError
        If they are not images and labels, or not equally many.
    """
    pixels = check_images(*images)
    return pixels, check_labels(labels.values, len(pixels), labels.where)


def arrays_with_roles(named: dict[str, T]) -> dict[str, T]:
    """Return the items with names of images or labels, or all items if there are none, for an error to list."""
    return {name: value for name, value in named.items() if _has_role(_plain(name))} or named


def is_one_array_per_class(names: Collection[str]) -> bool:
    """Return whether arrays of these names hold one class each, so that `from_named_arrays` concatenates them."""
    plain = [_plain(name) for name in names]
    return any(map(_CLASS_ARRAY.fullmatch, plain)) and not any(name in _ROLES for name in plain)


def has_test_labels(names: Collection[str]) -> bool:
    """Return whether arrays of these names include the labels of a test split."""
    if is_one_array_per_class(names):
        return any(_plain(name).startswith("test") for name in names)
    return any(_ROLES.get(_plain(name)) == "test_labels" for name in names)


def from_named_arrays(arrays: Mapping[str, NDArray[Any]], where: str, others: Iterable[str] = ()) -> RawDataset:
    """Find images and labels by the names of the arrays; that arrays of other names are left out is a decision.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    where : str
        The beginning of the error messages.
    others : iterable of str
        The names of further arrays in the file, which are left out.

    Raises
    ------
    ValueError
        If the training images or labels are missing, there are test labels without test images, or two arrays have
        the same meaning.
    """
    unknown = sorted({*others, *arrays} - {name for name in arrays if _has_role(_plain(name))})
    roles: dict[str, str] = {}
    class_arrays: dict[str, dict[int, str]] = {"train": {}, "test": {}}
    for name in arrays:
        plain = _plain(name)
        match = _CLASS_ARRAY.fullmatch(plain)
        if match:
            _put(class_arrays[match[1]], int(match[2]), name, where)
        elif plain in _ROLES:
            _put(roles, _ROLES[plain], name, where)
    if class_arrays["train"] and not roles:
        return _concatenate(arrays, class_arrays, where)._replace(decisions=without_arrays(unknown))
    for role in ("train_images", "train_labels"):
        if role not in roles:
            known = ", ".join(_NAMES[role].split())
            raise ValueError(
                f"{where}: no {role.replace('_', ' ')} (arrays called {known}); there are {_listed(arrays)}"
            )
    if "test_labels" in roles and "test_images" not in roles:
        raise ValueError(f"{where}: there is {roles['test_labels']!r} but no test images; there are {_listed(arrays)}")
    unknown += [name for names in class_arrays.values() for name in names.values()]
    raw = RawDataset.from_roles({role: RawArray(arrays[name], f"{where}: {name!r}") for role, name in roles.items()})
    return raw._replace(decisions=without_arrays(unknown))


def _concatenate(
    arrays: Mapping[str, NDArray[Any]], class_arrays: Mapping[str, Mapping[int, str]], where: str
) -> RawDataset:
    numbers = {number for names in class_arrays.values() for number in names}
    classes = range(min(numbers) if min(numbers) <= 1 else 0, max(numbers) + 1)  # train1 ... is counted from 1
    found: list[RawArray] = []
    for split, names in class_arrays.items():
        if not names:
            continue  # there is no test split
        # a file of two arrays may name any numbers: no more are looked at than there are arrays, and ten
        missing = [f"{split}{k}" for k in islice((k for k in classes if k not in names), 10)]
        if missing:
            raise ValueError(f"{where}: {', '.join(missing)} missing; there are {_listed(arrays)}")
        blocks = [arrays[names[k]] for k in classes]
        if any(block.ndim != 2 or block.shape[1] != blocks[0].shape[1] for block in blocks):
            shapes = ", ".join(f"{names[k]} {arrays[names[k]].shape}" for k in classes)
            raise ValueError(
                f"{where}: expected {split}{classes[0]} ... to have one image per row; the shapes are {shapes}"
            )
        here = f"{where}: {split}{classes[0]} ... {split}{classes[-1]}"
        found.append(RawArray(np.concatenate(blocks), here))
        found.append(RawArray(np.repeat(np.array(classes), [len(block) for block in blocks]), here))
    return RawDataset.from_roles(dict(zip(ROLES, found, strict=False)))


def _put(table: dict[Any, str], key: object, name: str, where: str) -> None:
    if key in table:
        raise ValueError(f"{where}: {table[key]!r} and {name!r} both mean the {str(key).replace('_', ' ')}")
    table[key] = name


def _has_role(plain: str) -> bool:
    return plain in _ROLES or _CLASS_ARRAY.fullmatch(plain) is not None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return (", ".join(listed[:20]) + (", ..." if len(listed) > 20 else "")) or "none"
