"""The data sets of the studies, and the synthetic data that replace them where they are missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastnn.data import Dataset, load
from fastnn.environment import DATA


@dataclass(frozen=True)
class Source:
    """A data set of a study.

    Parameters
    ----------
    name : str
        The name that people know it by.
    folders : tuple of str
        Folders that may contain it, relative to the folder that ``--data`` or FASTNN_DATA names; "" is that folder
        itself. Empty if the fallback is the data set.
    read : callable
        ``read(path) -> Dataset``.
    fallback : callable
        ``fallback() -> Dataset``, which needs no files.
    substitute : str
        A description of the fallback.
    differs : str
        How the data differ from those of the original report, even if they are found; empty if they do not differ.
    elsewhere : str
        What the reports' numbers were measured on, if it is so different that ours cannot be compared with them, such
        as "photos of six actors"; empty otherwise.
    read_list : callable, optional
        ``read_list(list, folder, accept) -> Dataset``, which reads the photos that a text file lists, as
        `fastnn.data.read_photo_list` does.

    Examples
    --------
    >>> from fastnn.studies import GLYPHS
    >>> dataset, banner = GLYPHS.load(None)
    >>> dataset.name, banner
    ('glyphs', None)
    """

    name: str
    folders: tuple[str, ...]
    read: Callable[[Path], Dataset]
    fallback: Callable[[], Dataset]
    substitute: str
    differs: str = ""
    elsewhere: str = ""
    read_list: Callable[[Path, Path, Sequence[str]], Dataset] | None = None

    def load(self, data: str | os.PathLike[str] | None, search_in: str | None = None) -> tuple[Dataset, str | None]:
        """Read the data set, or return its substitute.

        Parameters
        ----------
        data : path or None
            A folder that must contain the data set.
        search_in : path or None
            A folder that may contain it, searched if `data` is None.

        Returns
        -------
        dataset : Dataset
        banner : str or None
            If the data set was replaced, a sentence that says so.

        Raises
        ------
        ValueError
            If `data` is given and the data set cannot be read from there.
        """
        if not self.folders:
            return self.fallback(), None
        missing = "Not found"
        if root := data or search_in:
            here = Path(root).expanduser()
            found = [here / folder for folder in self.folders if (here / folder).exists()]
            errors = []
            for path in found:
                try:
                    return self.read(path), None
                except (ValueError, OSError) as error:
                    errors.append(str(error))
            if data:
                detail = errors[-1] if errors else f"there is no file or folder {here}"
                raise ValueError(f"study: --data {data}: no {self.name} there ({detail})")
            missing = f"Not readable ({errors[-1]})" if errors else missing
        return self.fallback(), (
            f"{missing}: {self.name} (give --data PATH, or set {DATA}). This report was made on {self.substitute}; its "
            "figures cannot be compared with those reported."
        )

    def load_list(
        self, photos: str | os.PathLike[str], folder: str | os.PathLike[str] | None, accept: Sequence[str] = ()
    ) -> Dataset:
        """Read the photos that a text file lists.

        Parameters
        ----------
        photos : path
            The list.
        folder : path or None
            The folder that contains the photos, by default that of the list.
        accept : sequence of str
            URLs or SHA-256 of photos that are accepted although their SHA-256 differs.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            If this data set is not read from a list, or the list or its photos cannot be read.
        """
        if self.read_list is None:
            raise ValueError(f"study: --list: {self.name} is not read from a list of photos; faces are")
        path = Path(photos).expanduser()
        try:
            return self.read_list(path, path.parent if folder is None else Path(folder).expanduser(), accept)
        except OSError as error:
            raise ValueError(f"study: --list: cannot read {path} ({error.strerror})") from None


def _read(path: Path, name: str) -> Dataset:
    return load(name, path=path)


MNIST = Source(
    "MNIST",
    ("", "mnist"),
    partial(_read, name="mnist"),
    partial(load, "glyphs", kind="digits", train=12_000, test=2_000),
    "fastnn's synthetic digits",
)
NOTMNIST = Source(
    "notMNIST",
    ("", "notmnist"),
    partial(_read, name="notmnist"),
    partial(load, "glyphs", train=16_000, test=2_724),
    "fastnn's synthetic letters A-J",
    "The original reports used another order of the same 18,724 images, so their split cannot be reproduced: ours "
    "has the same sizes and is drawn by class with the study's seed.",
)
GLYPHS = Source("glyphs", (), partial(_read, name="glyphs"), partial(load, "glyphs"), "synthetic letters")
