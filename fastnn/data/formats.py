"""The registry of file formats: recognising what a file or a folder is by its content, and reading it.

A new format is one line in `FORMATS`. Its module holds the reader and the `Format` that says how to recognise its files
(`fastnn.data.source`); for an example see `fastnn.data.npz`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastnn.data import archives, idx, image_folders, mat, npy, npz, pickled_datasets, tables
from fastnn.data.memory import check_memory
from fastnn.data.raw_dataset import RawDataset
from fastnn.data.source import FileStart, Format, ReadOptions, Source
from fastnn.decisions import Decision
from fastnn.decisions.formats import one_of_several

FORMATS: tuple[Format, ...] = (
    idx.FORMAT,
    mat.FORMAT,
    npz.FORMAT,
    npy.FORMAT,
    pickled_datasets.CIFAR10,
    pickled_datasets.PICKLE,
    archives.FORMAT,
    tables.FORMAT,
    image_folders.FORMAT,
)
"""All formats, in the order in which they are tried: if a folder holds files of several formats, the first is read."""


def formats_text() -> str:
    """Return the descriptions of all formats as a list in words."""
    *first, last = (each.description for each in FORMATS)
    return f"{', '.join(first)}, or {last}"


def find_source(path: Path, options: ReadOptions) -> Source:
    """Find out what a file or a folder is, without reading it.

    Parameters
    ----------
    path : Path
    options : ReadOptions

    Returns
    -------
    Source

    Raises
    ------
    OSError
        If the file or folder cannot be read.
    ValueError
        If it is of no known format, or cannot be a data set.
    """
    return _open_folder(path, options) if path.is_dir() else _open_file(path, options)


def read_source(path: Path, options: ReadOptions) -> RawDataset:
    """Read images and labels from a file or a folder.

    Parameters
    ----------
    path : Path
    options : ReadOptions

    Returns
    -------
    RawDataset

    Raises
    ------
    MemoryError
        If the data set needs more memory than is available; raised before the first file is read.
    OSError, ValueError
        As for `find_source`, or if a file is damaged.
    """
    source = find_source(path, options)
    if options.axes is not None and not source.has_axes:
        raise ValueError(f"load: axes: {path} holds no arrays whose axes could be in {options.axes!r} order")
    check_memory(source.memory, f"load: {path}", source.hint)
    return source.read()


def _open_file(path: Path, options: ReadOptions) -> Source:
    start = FileStart.of(path)
    for each in FORMATS:
        source = each.open_file(start, options)
        if source is not None:
            return source
    begin = start.stored[:8].hex(" ") or "nothing"
    raise ValueError(f"load: {path}: unknown format (it begins with {begin}); expected {formats_text()}")


def _open_folder(path: Path, options: ReadOptions) -> Source:
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    for k, each in enumerate(FORMATS):
        source = _open_as(each, path, files, options)
        if source is not None:
            others = [other.description for other in FORMATS[k + 1 :] if _could_be(other, path, files, options)]
            return _said(source, one_of_several(each.description, others)) if others else source
    raise ValueError(f"load: {path}: no data set in this folder; expected {formats_text()}")


def _open_as(each: Format, path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    file = each.only_file(files)
    return each.open_folder(path, files, options) if file is None else _open_file(file, options)


def _could_be(each: Format, path: Path, files: list[Path], options: ReadOptions) -> bool:
    """Return whether a folder could also be read as a data set of this format."""
    try:
        return _open_as(each, path, files, options) is not None
    except (ValueError, OSError):  # then it could not
        return False


def _said(source: Source, decision: Decision) -> Source:
    """Return a source whose data set has one more decision."""

    def read() -> RawDataset:
        raw = source.read()
        return raw._replace(decisions=(decision, *raw.decisions))

    return replace(source, read=read)
