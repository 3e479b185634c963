"""Telling by its content what a file or a folder is, and reading it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fastnn.data.idx import idx_need, is_idx, read_idx
from fastnn.data.image_folders import Labelled, folder_need, has_class_folders, images_by_class, read_image_folder
from fastnn.data.images import ImageForm, is_image
from fastnn.data.inflate import content_size, inflate_start, is_gzip
from fastnn.data.mat import is_mat, mat_need, read_mat
from fastnn.data.memory import AS_NPY, LEFT_IN_FILE, SMALLER_IMAGES, UNPACKED, Need, check_fits, in_turn
from fastnn.data.npy import is_npy, npy_need, read_npy
from fastnn.data.npz import is_npz, npz_need, read_npz
from fastnn.data.pickled import is_pickle, pickle_need, read_pickle
from fastnn.data.pickled_datasets import cifar_parts, is_cifar, pickled_parts
from fastnn.data.raw_dataset import ROLES, Parts, Stored, assemble, has_test_split, is_by_class, recognised
from fastnn.data.tables import csv_need, is_table, read_csv
from fastnn.data.tar import is_tar, tar_members

__all__ = ["Reading", "Source", "find_source", "read_source"]

T = TypeVar("T")

_EXPECTED = (
    "expected the four IDX files of MNIST (.gz or not), a .mat or .npz file, .npy files such as x_train.npy, "
    "y_train.npy, x_test.npy, y_test.npy, mnist.pkl.gz, CIFAR-10's batches or archive, a .csv file, or a folder "
    "of images for each class"
)
_START = 1024  # bytes by which a file is told
_IDX_NAME = re.compile(r"(?:.*-)?(train|t10k|test)[-_.](images|labels)[-_.]idx[1-4][-_.]ubyte(\.gz)?")
_PICKLE_NAME = re.compile(r".*\.(pkl|pickle)(\.gz)?", re.IGNORECASE)
_TABLE_NAME = re.compile(r"(.*)\.(csv|tsv)(\.gz)?", re.IGNORECASE)
_HELD_OUT = ("test", "val", "valid", "validation")  # folders that may be the test split, the first that is there


@dataclass(frozen=True)
class Reading:
    """How to read what leaves a choice.

    Parameters
    ----------
    form : ImageForm
        What image files are brought to.
    label : str, int or None
        The label column of tables.
    skip_damaged : bool
        Whether damaged image files are left out.
    mapped : bool
        Whether .npy and IDX files are memory-mapped.
    """

    form: ImageForm = field(default_factory=ImageForm)
    label: str | int | None = None
    skip_damaged: bool = False
    mapped: bool = False


@dataclass(frozen=True)
class Source:
    """A data set that was found and not yet read.

    Parameters
    ----------
    read : callable
        Reads it.
    need : callable
        Tells from headers and sizes of files what reading takes; ValueError, OSError: it cannot.
    way_out : str
        What to do where that is too much.
    """

    read: Callable[[], Parts]
    need: Callable[[], Need]
    way_out: str = AS_NPY


def read_source(path: Path, how: Reading) -> Parts:
    """Read images and labels from a file or a folder.

    In a folder the first of these that is there is read: IDX files; a file mnist_all.mat, or the only .mat
    file; the only .npz file; .npy files; batches of CIFAR-10; a pickle or a tar archive, if it is the only one;
    tables; a folder for each class.

    Raises
    ------
    MemoryError
        If all of it needs more memory than is available; before the first file is read.
    """
    source = find_source(path, how)
    check_fits(source.need, f"load: {path}", source.way_out)
    return source.read()


def find_source(path: Path, how: Reading) -> Source:
    """Tell what a file or a folder is."""
    return _folder(path, how) if path.is_dir() else _file(path, how)


def _file(path: Path, how: Reading) -> Source:
    where = f"load: {path}"
    with path.open("rb") as file:
        start = file.read(_START)
    packed = is_gzip(start)
    inner = inflate_start(start, _START, where, zlib.MAX_WBITS | 16) if packed else start
    if is_mat(start):  # in Fortran order: images are copied once more
        return Source(lambda: assemble(read_mat(path), where), lambda: _named_need(mat_need(path), copies=1))
    if is_npz(start):
        return Source(
            lambda: assemble(read_npz(path, _used(npz_need(path))), where), lambda: _named_need(_used(npz_need(path)))
        )
    if is_idx(inner) or is_npy(start):
        raise ValueError(f"{where}: one file of a set; give the folder with all of them")
    if is_image(start):
        raise ValueError(f"{where}: one image; give the folder above the folders of the classes")
    if is_tar(inner):
        return Source(lambda: _archive(path, how), lambda: _archive_need(path))
    if is_pickle(inner) or _PICKLE_NAME.fullmatch(path.name):
        # pairs are joined
        return Source(lambda: pickled_parts(read_pickle(path), where), lambda: _copied(pickle_need(path), 1))
    if is_table(inner):
        return _table({"train": path}, how)
    raise ValueError(f"{where}: unknown format (it begins with {start[:8].hex(' ') or 'nothing'}); {_EXPECTED}")


def _folder(path: Path, how: Reading) -> Source:
    where = f"load: {path}"
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    idx = _idx_files(files)
    if idx:
        return _idx_set(path, idx, how)
    for suffix, preferred in ((".mat", "mnist_all.mat"), (".npz", "")):
        found = [file for file in files if file.suffix.lower() == suffix]
        chosen = [file for file in found if file.name == preferred] or found
        if chosen:
            return _file(_only(chosen, path, suffix), how)
    npy = _used({file.stem: file for file in files if file.suffix.lower() == ".npy"})
    if npy:
        return Source(
            lambda: assemble({name: read_npy(file, mapped=how.mapped) for name, file in npy.items()}, where),
            lambda: Need(0) if how.mapped else _named_need({name: npy_need(file) for name, file in npy.items()}),
            LEFT_IN_FILE,
        )
    if is_cifar([file.name for file in files]):
        return Source(
            lambda: cifar_parts(((file.name, file.read_bytes()) for file in files), where),
            lambda: _copied(in_turn(map(pickle_need, files)), 1),  # the batches are joined
        )
    for kind, name in ((".pkl", _PICKLE_NAME), (".tar", re.compile(r".*\.(tar|tar\.gz|tgz)", re.IGNORECASE))):
        found = [file for file in files if name.fullmatch(file.name)]
        if found:
            return _file(_only(found, path, kind), how)
    tables = [file for file in files if _TABLE_NAME.fullmatch(file.name)]
    if tables:
        return _table(_splits(tables, path), how)
    return _image_folders(path, how)


def _used(named: dict[str, T]) -> dict[str, T]:
    """The arrays whose names say what they are; where none does all of them, for the error to list."""
    return {name: value for name, value in named.items() if recognised(name)} or named


def _named_need(needs: dict[str, Need], copies: int = 0) -> Need:
    """What it takes to read arrays by their names and to find the parts of the set in them."""
    copies += is_by_class(needs) or not has_test_split(needs)
    return _copied(in_turn(needs.values()), copies)


def _copied(need: Need, copies: int) -> Need:
    """What it takes to read something and to have so many copies of it afterwards, for a moment."""
    return Need(need.kept, max(need.passing, copies * need.kept))


def _archive_need(path: Path) -> Need:
    """Of an archive no directory says what is in it: taken is as much as it unfolds to."""
    stored, size = content_size(path)
    return Need(size, stored + size)  # the members, beside the archive itself


def _only(files: list[Path], path: Path, kind: str) -> Path:
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:10])
        raise ValueError(f"load: {path}: several {kind} files ({names}); give the path of one")
    return files[0]


def _idx_files(files: list[Path]) -> dict[str, Path]:
    """Return IDX files by what they hold; a decompressed one goes before the .gz beside it."""
    found: dict[str, Path] = {}
    for file in files:  # sorted: x comes before x.gz
        match = _IDX_NAME.fullmatch(file.name)
        if not match:
            continue
        role = f"{'train' if match[1] == 'train' else 'test'}_{match[2]}"
        other = found.setdefault(role, file)
        if other.name not in (file.name, file.name.removesuffix(".gz")):
            raise ValueError(f"load: {file.parent}: both {other.name} and {file.name}; give a folder with one set")
    return found


def _idx_set(path: Path, files: dict[str, Path], how: Reading) -> Source:
    missing = [role.replace("_", " ") for role in ROLES if role not in files]
    if missing:
        there = ", ".join(file.name for file in files.values())
        raise ValueError(f"load: {path}: no IDX file with the {' and the '.join(missing)} beside {there}")
    mapped = {role: how.mapped and role.endswith("images") for role in ROLES}
    return Source(
        lambda: Parts.of({role: Stored(read_idx(f, mapped=mapped[role]), f"load: {f}") for role, f in files.items()}),
        lambda: in_turn(idx_need(file) for role, file in files.items() if not mapped[role]),
        UNPACKED if any(file.suffix == ".gz" for file in files.values()) else LEFT_IN_FILE,
    )


def _archive(path: Path, how: Reading) -> Parts:
    where = f"load: {path}"
    members = list(tar_members(path.read_bytes(), where))
    if is_cifar([member.name.rsplit("/", 1)[-1] for member in members]):
        return cifar_parts(((m.name.rsplit("/", 1)[-1], m.content) for m in members), where)
    found = images_by_class(members, where, how.form, how.skip_damaged)
    return _labelled_parts(found, None, where, None)


def _splits(tables: list[Path], path: Path) -> dict[str, Path]:
    """Tell by their names which table is to train on and which to test on."""
    if len(tables) == 1:
        return {"train": tables[0]}
    found = {split: [file for file in tables if split in file.name.lower()] for split in ("train", "test")}
    if len(found["train"]) != 1 or len(found["test"]) != 1:
        return {"train": _only(tables, path, ".csv")}  # says which there are
    return {split: files[0] for split, files in found.items()}


def _table(files: dict[str, Path], how: Reading) -> Source:
    return Source(
        lambda: _table_parts(files, how),
        lambda: _copied(in_turn(map(csv_need, files.values())), 0 if "test" in files else 1),
    )


def _table_parts(files: dict[str, Path], how: Reading) -> Parts:
    train = read_csv(files["train"], label=how.label)
    where = f"load: {files['train']}"
    if train.labels is None:
        raise ValueError(f"{where}: no column of labels (called label, class, target or so); give label=")
    images, labels = Stored(train.values, where), Stored(train.labels, where)
    if "test" not in files:
        return Parts(images, labels, class_names=train.class_names)
    test = read_csv(files["test"], label=how.label)
    where = f"load: {files['test']}"
    if test.labels is None:
        return Parts(images, labels, Stored(test.values, where), class_names=train.class_names)
    renumbered = _renumbered(test.labels, test.class_names, train.class_names, where)
    return Parts(images, labels, Stored(test.values, where), renumbered, train.class_names)


def _image_folders(path: Path, how: Reading) -> Source:
    def read(folder: Path) -> Labelled:
        form = how.form
        return read_image_folder(folder, size=form.size, mode=form.mode, fit=form.fit, skip_damaged=how.skip_damaged)

    where = f"load: {path}"
    folders = {entry.name.lower(): entry for entry in path.iterdir() if entry.is_dir()}
    held_out = next((folders[name] for name in _HELD_OUT if name in folders), None)
    if "train" in folders and held_out is not None and has_class_folders(folders["train"]):
        train, test = folders["train"], held_out
        return Source(
            lambda: _labelled_parts(read(train), lambda: read(test), where, f"load: {test}"),
            lambda: in_turn(folder_need(folder, how.form) for folder in (train, test)),
            SMALLER_IMAGES,
        )
    if has_class_folders(path):
        return Source(
            lambda: _labelled_parts(read(path), None, where, None),
            lambda: _copied(folder_need(path, how.form), 1),
            SMALLER_IMAGES,
        )
    raise ValueError(f"{where}: no data set in this folder; {_EXPECTED}")


def _labelled_parts(
    train: Labelled, read_test: Callable[[], Labelled] | None, where: str, test_where: str | None
) -> Parts:
    images, labels = Stored(train.images, where), Stored(train.labels, where)
    if read_test is None or test_where is None:
        return Parts(images, labels, class_names=train.class_names)
    test = read_test()
    renumbered = _renumbered(test.labels, test.class_names, train.class_names, test_where)
    return Parts(images, labels, Stored(test.images, test_where), renumbered, train.class_names)


def _renumbered(labels: object, names: tuple[str, ...], known: tuple[str, ...], where: str) -> Stored:
    """Number the labels of a test split as the training split does."""
    import numpy as np

    strange = [name for name in names if name not in known]
    if strange:
        raise ValueError(f"{where}: class {strange[0]!r} does not occur in the training split")
    return Stored(np.array([known.index(name) for name in names], np.int64)[np.asarray(labels)], where)
