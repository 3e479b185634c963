"""Telling by its content what a file or a folder is, and reading it."""

from __future__ import annotations

import re
from pathlib import Path

from fastnn.data.conventions import Parts, Stored, assemble, recognised
from fastnn.data.idx import is_idx, read_idx
from fastnn.data.mat import is_mat, read_mat
from fastnn.data.npy import is_npy, read_npy
from fastnn.data.npz import is_npz, npz_names, read_npz

__all__ = ["read_source"]

_EXPECTED = (
    "expected the four IDX files of MNIST (.gz or not), a .mat or .npz file, or .npy files such as "
    "x_train.npy, y_train.npy, x_test.npy, y_test.npy"
)
_IDX_NAME = re.compile(r"(?:.*-)?(train|t10k|test)[-_.](images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?")


def read_source(path: Path) -> Parts:
    """Read images and labels from a file or a folder.

    In a folder the first of these that is there is read: IDX files; a file mnist_all.mat, or the only .mat
    file; the only .npz file; .npy files.
    """
    return _folder(path) if path.is_dir() else _file(path)


def _file(path: Path) -> Parts:
    where = f"load: {path}"
    with path.open("rb") as file:
        start = file.read(128)
    if is_mat(start):
        return assemble(read_mat(path), where)
    if is_npz(start):
        names = npz_names(path)
        used = [name for name in names if recognised(name)]
        return assemble(read_npz(path, used or names), where)
    if is_idx(start) or start.startswith(b"\x1f\x8b") or is_npy(start):
        raise ValueError(f"{where}: one file of a set; give the folder with all of them")
    raise ValueError(f"{where}: unknown format (it begins with {start[:8].hex(' ') or 'nothing'}); {_EXPECTED}")


def _folder(path: Path) -> Parts:
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    idx = _idx_files(files)
    if idx:
        return _read_idx_set(path, idx)
    for suffix, preferred in ((".mat", "mnist_all.mat"), (".npz", "")):
        found = [file for file in files if file.suffix.lower() == suffix]
        chosen = [file for file in found if file.name == preferred] or found
        if len(chosen) > 1:
            names = ", ".join(file.name for file in chosen[:10])
            raise ValueError(f"load: {path}: several {suffix} files ({names}); give the path of one")
        if chosen:
            return _file(chosen[0])
    npy = {file.stem: file for file in files if file.suffix.lower() == ".npy"}
    if not npy:
        raise ValueError(f"load: {path}: no data set in this folder; {_EXPECTED}")
    used = {name: file for name, file in npy.items() if recognised(name)} or npy
    return assemble({name: read_npy(file) for name, file in used.items()}, f"load: {path}")


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


def _read_idx_set(path: Path, files: dict[str, Path]) -> Parts:
    missing = [role.replace("_", " ") for role in Parts._fields if role not in files]
    if missing:
        there = ", ".join(file.name for file in files.values())
        raise ValueError(f"load: {path}: no IDX file with the {' and the '.join(missing)} beside {there}")
    return Parts(**{role: Stored(read_idx(file), f"load: {file}") for role, file in files.items()})
