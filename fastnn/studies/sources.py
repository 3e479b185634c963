"""Where a study's data come from, and what stands in when they are missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastnn.data import Dataset, load
from fastnn.environment import DATA


@dataclass(frozen=True)
class Source:
    """A data set of a study.

    Attributes
    ----------
    name : str
        As people call it.
    places : tuple of str
        Where it may lie below the folder that ``--data`` or FASTNN_DATA names; "" is that folder itself.
    read : callable
        ``read(path) -> Dataset``.
    fallback : callable
        ``fallback() -> Dataset``, needs no files.
    stands_in : str
        What the fallback is.
    differs : str
        How even the right data differ from the original report's; empty where they do not.
    """

    name: str
    places: tuple[str, ...]
    read: Callable[[Path], Dataset]
    fallback: Callable[[], Dataset]
    stands_in: str
    differs: str = ""

    def load(self, data: str | os.PathLike[str] | None, else_in: str | None = None) -> tuple[Dataset, str | None]:
        """The data set, and where it is not the one that the study is about a sentence that says so.

        It is read from `data`, which must have it; else from `else_in` or the fallback.

        Raises
        ------
        ValueError
            If `data` is given and there is nothing that can be read.
        """
        if not self.places:
            return self.fallback(), None
        missing = "was not found"
        if root := data or else_in:
            here = Path(root).expanduser()
            found = [here / place for place in self.places if (here / place).exists()]
            errors = []
            for place in found:
                try:
                    return self.read(place), None
                except (ValueError, OSError) as error:
                    errors.append(str(error))
            if data:
                detail = errors[-1] if errors else f"there is no file or folder {here}"
                raise ValueError(f"study: --data {data}: no {self.name} there ({detail})")
            missing = f"could not be read ({errors[-1]})" if errors else missing
        return self.fallback(), (
            f"{self.name} {missing} (give --data PATH, or set {DATA}), so this report was made on "
            f"{self.stands_in}. The figures cannot be compared with those reported."
        )


def _read(path: Path, known_as: str) -> Dataset:
    return load(known_as, path=path)


MNIST = Source(
    "MNIST",
    ("", "mnist"),
    partial(_read, known_as="mnist"),
    partial(load, "glyphs", kind="digits", train=12_000, test=2_000),
    "synthetic digits of fastnn's own",
)
NOTMNIST = Source(
    "notMNIST",
    ("", "notmnist"),
    partial(_read, known_as="notmnist"),
    partial(load, "glyphs", train=16_000, test=2_724),
    "synthetic letters A-J of fastnn's own",
    "The original reports used another order of the same 18,724 images, so their split cannot be had again: ours "
    "has the same sizes, drawn by class with the study's seed.",
)
GLYPHS = Source("glyphs", (), partial(_read, known_as="glyphs"), partial(load, "glyphs"), "synthetic letters")
