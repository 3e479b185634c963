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
from fastnn.decisions.files import chosen_files

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

_OF_IMAGE_FILES = (archives.FORMAT, image_folders.FORMAT)


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
        If it is of no known format, cannot be a data set, or `options` has something for files of another format.
    """
    found, source = _open_folder(path, options) if path.is_dir() else _open_file(path, options)
    if options.label is not None and found is not tables.FORMAT:
        raise ValueError(f"load: label: expected a table with a column of that name, got {options.label!r} for {path}")
    if options.image_asked and found not in _OF_IMAGE_FILES:
        raise ValueError(
            f"load: size, mode and background: expected image files to convert, got {path}, which holds none"
        )
    if options.axes is not None and not source.has_axes:
        raise ValueError(f"load: axes: {path} holds no arrays whose axes could be in {options.axes!r} order")
    return source


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
    check_memory(source.memory, f"load: {path}", source.hint)
    return source.read()


def is_table(path: Path) -> bool:
    """Return whether a file is a text table.

    Raises
    ------
    OSError, ValueError
        If it cannot be read or decompressed, or is of no known format.
    """
    return _open_file(path, ReadOptions())[0] is tables.FORMAT


def _open_file(path: Path, options: ReadOptions) -> tuple[Format, Source]:
    start = FileStart.of(path)
    for each in FORMATS:
        source = each.open_file(start, options)
        if source is not None:
            return each, source
    begin = start.stored[:8].hex(" ") or "nothing"
    hint = " (a table has commas, semicolons, tabs or bars between its values)" if tables.is_called_so(path) else ""
    raise ValueError(f"load: {path}: unknown format (it begins with {begin}); expected {formats_text()}{hint}")


def _open_folder(path: Path, options: ReadOptions) -> tuple[Format, Source]:
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    for each in FORMATS:
        file = each.only_file(files)
        if file is not None:
            found, alone = _open_file(file, options)
            return found, _saying(alone, chosen_files([file.name], _others(path, files, file)))
        source = each.open_folder(path, files, options)
        if source is not None:
            return each, source
    raise ValueError(f"load: {path}: no data set in this folder; expected {formats_text()}")


def _others(path: Path, files: list[Path], used: Path) -> list[str]:
    """Return the names of what else in a folder might be data: files with such names, and folders."""
    data = [file.name for file in files if file != used and _is_called_data(file)]
    folders = [f"{entry.name}/" for entry in sorted(path.iterdir()) if entry.is_dir() and entry.name[0] not in "._"]
    return [*data, *folders]


def _is_called_data(file: Path) -> bool:
    return tables.is_called_so(file) or any(each.suffixes and each.has_suffix(file) for each in FORMATS)


def _saying(source: Source, chosen: tuple[Decision, ...]) -> Source:
    """Return a source whose data set carries some decisions more."""

    def read() -> RawDataset:
        raw = source.read()
        return raw._replace(decisions=(*chosen, *raw.decisions))

    return replace(source, read=read)
