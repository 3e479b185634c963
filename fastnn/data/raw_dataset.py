"""Which array of a file is what: the names that people give to images and labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROLES", "Parts", "Stored", "assemble", "has_test_split", "is_by_class", "recognised"]


class Stored(NamedTuple):
    """An array as it was stored, not yet checked, and the words that begin an error message about it."""

    values: NDArray[Any]
    where: str


class Parts(NamedTuple):
    """What a source holds."""

    train_images: Stored
    train_labels: Stored
    test_images: Stored | None = None
    test_labels: Stored | None = None
    class_names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, roles: Mapping[str, Stored]) -> Parts:
        """The parts given by their roles; the test split may be missing."""
        test = roles.get("test_images"), roles.get("test_labels")
        return cls(roles["train_images"], roles["train_labels"], *test)


ROLES = ("train_images", "train_labels", "test_images", "test_labels")

# Names are compared in lower case, letters and digits only: x_train, xTrain and X-train are one name.
_NAMES = {
    "train_images": "xtrain trainx trainimages trainingimages traindata trainingdata images data x",
    "train_labels": "ytrain trainy trainlabels traininglabels traintarget traintargets labels target y",
    "test_images": "xtest testx testimages testdata",
    "test_labels": "ytest testy testlabels testtarget testtargets",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split()}
_BY_CLASS = re.compile(r"(train|test)(\d+)")  # mnist_all.mat: train0 ... train9, test0 ... test9


def recognised(name: str) -> bool:
    """Tell whether an array of this name would be used."""
    return _plain(name) in _ROLES or _BY_CLASS.fullmatch(_plain(name)) is not None


def is_by_class(names: Collection[str]) -> bool:
    """Tell whether arrays of these names hold a class each, so that `assemble` joins them."""
    plain = [_plain(name) for name in names]
    return any(map(_BY_CLASS.fullmatch, plain)) and not any(name in _ROLES for name in plain)


def has_test_split(names: Collection[str]) -> bool:
    """Tell whether there are test images with labels among arrays of these names."""
    if is_by_class(names):
        return any(_plain(name).startswith("test") for name in names)
    return any(_ROLES.get(_plain(name)) == "test_labels" for name in names)


def assemble(arrays: Mapping[str, NDArray[Any]], where: str) -> Parts:
    """Find images and labels by their names; arrays of other names are left aside.

    Raises
    ------
    ValueError
        If images or labels are missing, or two arrays have the same meaning.
    """
    roles: dict[str, str] = {}
    by_class: dict[str, dict[int, str]] = {"train": {}, "test": {}}
    for name in arrays:
        plain = _plain(name)
        match = _BY_CLASS.fullmatch(plain)
        if match:
            _put(by_class[match[1]], int(match[2]), name, where)
        elif plain in _ROLES:
            _put(roles, _ROLES[plain], name, where)
    if by_class["train"] and not roles:
        return _concatenate(arrays, by_class, where)
    for role in ("train_images", "train_labels"):
        if role not in roles:
            known = ", ".join(_NAMES[role].split())
            raise ValueError(
                f"{where}: no {role.replace('_', ' ')} (called {known} or so); there are {_listed(arrays)}"
            )
    if "test_labels" in roles and "test_images" not in roles:
        raise ValueError(f"{where}: there is {roles['test_labels']!r} but no test images; there are {_listed(arrays)}")
    return Parts.of({role: Stored(arrays[name], f"{where}: {name!r}") for role, name in roles.items()})


def _concatenate(arrays: Mapping[str, NDArray[Any]], by_class: Mapping[str, Mapping[int, str]], where: str) -> Parts:
    classes = range(max(map(max, filter(None, by_class.values()))) + 1)
    found: list[Stored] = []
    for split, names in by_class.items():
        if not names:
            continue  # no test split at all
        missing = [f"{split}{k}" for k in classes if k not in names]
        if missing:
            raise ValueError(f"{where}: {', '.join(missing[:10])} missing; there are {_listed(arrays)}")
        blocks = [arrays[names[k]] for k in classes]
        if any(block.ndim != 2 or block.shape[1] != blocks[0].shape[1] for block in blocks):
            shapes = ", ".join(f"{names[k]} {blocks[k].shape}" for k in classes)
            raise ValueError(f"{where}: one image a row expected in each of {split}0 ...; there are {shapes}")
        here = f"{where}: {split}0 ... {split}{len(blocks) - 1}"
        found.append(Stored(np.concatenate(blocks), here))
        found.append(Stored(np.repeat(np.arange(len(blocks)), [len(block) for block in blocks]), here))
    return Parts.of(dict(zip(ROLES, found, strict=False)))


def _put(table: dict[Any, str], key: object, name: str, where: str) -> None:
    if key in table:
        raise ValueError(f"{where}: {table[key]!r} and {name!r} both mean the {str(key).replace('_', ' ')}")
    table[key] = name


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return (", ".join(listed[:20]) + (", ..." if len(listed) > 20 else "")) or "none"
