"""What `load` knows about a file format: how its files are recognised and read, and how much memory that takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from fastnn.data.expected import Expected
from fastnn.data.images import ImageOptions
from fastnn.data.inflate import GZIP_WBITS, inflate_start, is_gzip
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate
from fastnn.data.raw_dataset import RawDataset, has_test_labels, is_one_array_per_class

ONE_OF_SEVERAL = "one file of a data set; give the folder that contains all of them"
"""The error of `open_file` for one of the files of a data set that consists of several."""

_START = 1024  # bytes by which a file is recognised


@dataclass(frozen=True)
class ReadOptions:
    """The arguments of `load` that say how files are read.

    Parameters
    ----------
    image : ImageOptions
        The size and mode that image files are converted to.
    label : str, int or None
        The column of a table that holds the labels.
    skip_damaged : bool
        Whether damaged image files are left out.
    mapped : bool
        Whether .npy and IDX files are memory-mapped.
    expected : Expected or None
        What the data are for: a table then takes its columns by the names that are expected.
    axes : str or None
        The order of the axes of stored arrays, as `fastnn.decisions.array_axes.check_axes` takes it.
    image_asked : bool
        Whether the user named one of the image options, which is then an error for files of another kind.
    """

    image: ImageOptions = field(default_factory=ImageOptions)
    label: str | int | None = None
    skip_damaged: bool = False
    mapped: bool = False
    expected: Expected | None = None
    axes: str | None = None
    image_asked: bool = False


@dataclass(frozen=True)
class Source:
    """A data set that has been found and not yet been read.

    Parameters
    ----------
    read : callable
        Reads it, without checking that it fits into memory.
    memory : callable
        Estimates from the headers and sizes of the files how much memory `read` takes. It raises ValueError or
        OSError if they are damaged.
    hint : str
        What the user can do if that is too much.
    has_axes : bool
        Whether it holds arrays, whose axes may be in several orders.
    """

    read: Callable[[], RawDataset]
    memory: Callable[[], MemoryEstimate]
    hint: str = SAVE_AS_NPY
    has_axes: bool = False


class FileStart(NamedTuple):
    """The first bytes of a file.

    Parameters
    ----------
    path : Path
    stored : bytes
        As they are on the disk.
    content : bytes
        The first bytes of the decompressed content if the file is compressed by gzip, otherwise `stored`.
    """

    path: Path
    stored: bytes
    content: bytes

    @classmethod
    def of(cls, path: Path) -> FileStart:
        """Read the first bytes of a file.

        Raises
        ------
        OSError, ValueError
            If it cannot be read or decompressed.
        """
        with path.open("rb") as file:
            stored = file.read(_START)
        content = inflate_start(stored, _START, f"load: {path}", GZIP_WBITS) if is_gzip(stored) else stored
        return cls(path, stored, content)


@dataclass(frozen=True)
class Format:
    """A file format, for `fastnn.data.formats.FORMATS`.

    Parameters
    ----------
    description : str
        What a path to such a data set leads to, for the list of everything that can be read.
    open_file : callable, optional
        ``open_file(start, options)`` returns the source if the file that begins with the `FileStart` has this format,
        otherwise None.
    suffixes : tuple of str
        Lower-case endings of file names. If a folder holds one file with such a name, that is the data set.
    preferred_name : str
        If a folder holds several of these, the one of this name is the data set.
    open_folder : callable, optional
        For data sets of several files: ``open_folder(path, files, options)`` returns the source if the folder with
        these files, sorted by name, holds such a data set, otherwise None.

    Notes
    -----
    Both functions raise ValueError if the file or the folder has this format and yet cannot be loaded.

    Examples
    --------
    >>> from fastnn.data.source import Format, Source
    >>> def open_file(start, options):
    ...     if not start.content.startswith(b"%pixels"):
    ...         return None
    ...     return Source(lambda: read(start.path), lambda: estimate(start.path))
    >>> Format("a .pixels file", open_file, (".pixels",)).description
    'a .pixels file'
    """

    description: str
    open_file: Callable[[FileStart, ReadOptions], Source | None] = lambda start, options: None
    suffixes: tuple[str, ...] = ()
    preferred_name: str = ""
    open_folder: Callable[[Path, list[Path], ReadOptions], Source | None] = lambda path, files, options: None

    def has_suffix(self, path: Path) -> bool:
        """Return whether the name of a file ends with one of the suffixes."""
        return path.name.lower().endswith(self.suffixes)

    def only_file(self, files: list[Path]) -> Path | None:
        """Return the file that has a name of this format, None if there is no such file.

        Raises
        ------
        ValueError
            If there are several and none has the preferred name.
        """
        found = [file for file in files if self.has_suffix(file)]
        found = [file for file in found if file.name == self.preferred_name] or found
        return only_file(found, self.suffixes[0]) if found else None


def only_file(files: list[Path], kind: str) -> Path:
    """Return the only one of some files in a folder.

    Raises
    ------
    ValueError
        If there are several; the message calls them "`kind` files".
    """
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:10])
        raise ValueError(f"load: {files[0].parent}: several {kind} files ({names}); give the path of one")
    return files[0]


def named_arrays_memory(estimates: dict[str, MemoryEstimate], copies: int = 0) -> MemoryEstimate:
    """Estimate what it takes to read arrays and to find the data set among them by their names.

    Parameters
    ----------
    estimates : dict of MemoryEstimate
        For each array by its name.
    copies : int
        How many copies of all arrays are made in any case. One more is made if the arrays are joined to a data set
        or split into training and test.
    """
    joined = is_one_array_per_class(estimates) or not has_test_labels(estimates)
    return MemoryEstimate.total(estimates.values()).with_copies(copies + joined)
