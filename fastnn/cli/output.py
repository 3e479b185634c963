"""Where the files go: a folder that no earlier run loses anything to; pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastnn.cli.inputs import MODEL_FILE
from fastnn.files import write_whole
from fastnn.plots.style import render

CONFIG_FILE = "config.json"
OPTIONS_FILE = "config.toml"
HISTORY_FILE = "history.csv"
CURVE_FILE = "learning_curve.png"
FILES = (MODEL_FILE, CONFIG_FILE, OPTIONS_FILE, HISTORY_FILE, CURVE_FILE)
CHECKPOINTS = "checkpoints"  # a folder
_DEFAULT = "fastnn-run"
_PICTURES = (".png", ".svg", ".pdf")


def check_writable(option: str, folder: Path) -> None:
    """Raise ValueError if no file can be made in `folder`."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{option}: cannot write in {folder} ({error.strerror})") from None


def check_file(option: str, path: Path) -> Path:
    """Return `path`; raise ValueError if no file can be written there."""
    if path.is_dir():
        raise ValueError(f"{option}: {path} is a folder, expected a file")
    check_writable(option, path.parent)
    return path


def check_picture(option: str, path: Path) -> Path:
    """Return `path`; raise ValueError if no picture can be written there."""
    if path.suffix.lower() not in _PICTURES:
        raise ValueError(f"{option}: {path} must end in {', '.join(_PICTURES[:-1])} or {_PICTURES[-1]}")
    return check_file(option, path)


class Output:
    """The folder of a run, made and tried before training.

    Parameters
    ----------
    folder : str or None
        None: the first of fastnn-run-1, fastnn-run-2, ... that does not exist.
    overwrite : bool
        Whether files of an earlier run in `folder` may be replaced.

    Raises
    ------
    ValueError
        If the folder cannot be made or written, or holds a run.
    """

    def __init__(self, folder: str | None, overwrite: bool) -> None:
        self._made: list[Path] = []
        self.folder = self._next() if folder is None else self._given(Path(folder).expanduser(), overwrite)
        try:
            check_writable("--output", self.folder)
        except ValueError:
            self.discard()
            raise

    def path(self, name: str) -> Path:
        """Where the file of that name goes."""
        return self.folder / name

    def discard(self) -> None:
        """Remove the folders that were made for this run, where they are still empty."""
        for folder in reversed(self._made):
            try:
                folder.rmdir()
            except OSError:
                return

    def _next(self) -> Path:
        number = 1
        while True:
            folder = Path(f"{_DEFAULT}-{number}")
            try:
                self._make(folder)
            except FileExistsError:
                number += 1
            else:
                return folder

    def _given(self, folder: Path, overwrite: bool) -> Path:
        if not folder.is_dir():
            try:
                for above in reversed(folder.parents):
                    if not above.exists():
                        self._make(above)
                self._make(folder)
            except FileExistsError:
                raise ValueError(f"--output: {folder} is not a folder") from None
        there = [name for name in FILES if (folder / name).exists()]
        if there and not overwrite:
            raise ValueError(
                f"--output: {folder} already holds {', '.join(there)}; choose another folder, or add --overwrite"
            )
        return folder

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir()
        except FileExistsError:
            raise
        except OSError as error:
            self.discard()
            raise ValueError(f"--output: cannot make the folder {folder} ({error.strerror})") from None
        self._made.append(folder)


def save_figure(path: Path, draw: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Write the figure that ``draw(*arguments, **options)`` makes, without a display, whole or not at all.

    Raises
    ------
    ImportError
        If there is no matplotlib.
    OSError
        If the file cannot be written.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure = draw(*arguments, **options)
    write_whole(path, render(figure, path.suffix[1:].lower()))
    pyplot.close(figure)
