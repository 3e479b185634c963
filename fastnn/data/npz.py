"""A reader for .npz archives that accepts plain numbers and text alone."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from numpy.typing import NDArray

from fastnn.data.image_formats import has_image_name
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate, check_memory
from fastnn.data.npy import parse_npy
from fastnn.data.raw_dataset import RawDataset, arrays_with_roles, from_named_arrays
from fastnn.data.settling import settled
from fastnn.data.source import FileStart, Format, ReadOptions, Source, named_arrays_memory
from fastnn.data.zip_files import declared_size, is_zip, zip_content, zip_directory, zip_names
from fastnn.files import names_its_file

if TYPE_CHECKING:
    from zipfile import ZipInfo


@names_its_file
def read_npz(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz archive, compressed or not.

    Parameters
    ----------
    path : path-like
    names : collection of str, optional
        The arrays to read. By default all are read.

    Returns
    -------
    dict of ndarray
        By name, in native byte order and C order.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the arrays need more memory than is available; raised before anything is allocated.
    ValueError
        If the content is not exactly one .npz archive, an array of `names` is missing, or one holds anything but
        booleans, integers, real floats or text of fixed width. Sizes are checked before anything is allocated for
        them, and the checksums are verified.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from fastnn.data import read_npz
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.npz"
    ...     np.savez_compressed(path, images=np.zeros((2, 4), np.uint8), labels=np.arange(2))
    ...     sorted(read_npz(path))
    ['images', 'labels']
    """
    check_memory(lambda: MemoryEstimate.total(_memory(path, names).values()), _where(path), SAVE_AS_NPY)
    return _read(path, names)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    path = start.path
    if not is_zip(start.stored) or _holds_images(path):
        return None

    def read() -> RawDataset:
        there = _memory(path)
        used = arrays_with_roles(there)
        return settled(from_named_arrays(_read(path, used), f"load: {path}", there), options.axes)

    return Source(read, lambda: named_arrays_memory(arrays_with_roles(_memory(path))), has_axes=True)


FORMAT = Format("an .npz file", _open_file, (".npz",))


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_npz: {os.fspath(path)}"


def _read(path: str | os.PathLike[str], names: Collection[str] | None) -> dict[str, NDArray[Any]]:
    where = _where(path)
    with Path(path).open("rb") as file:
        members = _members(file, where)
        for name in names or ():
            if name not in members:
                raise ValueError(f"{where}: no array {name!r}; there are {', '.join(members) or 'none'}")
        arrays = {}
        for name in members if names is None else names:
            here = f"{where}: array {name!r}"
            arrays[name] = parse_npy(zip_content(file, members[name], here), here)
    return arrays


def npz_contents(path: str | os.PathLike[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each array of an archive with the content of its .npy file, whatever that holds.

    Raises
    ------
    OSError, ValueError
        As for `read_npz`.
    """
    where = _where(path)
    with Path(path).open("rb") as file:
        for name, info in _members(file, where).items():
            yield name, zip_content(file, info, f"{where}: array {name!r}")


def _memory(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, MemoryEstimate]:
    """Estimate the memory for reading each array, from the directory of the archive; raises as `read_npz` does."""
    with Path(path).open("rb") as file:
        members = _members(file, _where(path))
    estimates = {}
    for name, info in members.items():
        size, compressed = declared_size(info)
        if names is None or name in names:
            estimates[name] = MemoryEstimate(size, size + compressed)  # the decompressed bytes and the compressed ones
    return estimates


def _members(file: BinaryIO, where: str) -> dict[str, ZipInfo]:
    members: dict[str, ZipInfo] = {}
    for path, info in zip_directory(file, where, "an .npz archive"):
        name = path.removesuffix(".npy")
        if name == path:
            continue  # not an array
        if name in members:
            raise ValueError(f"{where}: array {name!r} occurs twice")
        members[name] = info
    return members


def _holds_images(path: Path) -> bool:
    """Return whether an archive holds image files and no arrays; a damaged one is left to the error of `read_npz`."""
    try:
        names = zip_names(path, _where(path))
    except ValueError:
        return False
    return any(map(has_image_name, names)) and not any(name.endswith(".npy") for name in names)
