"""The output files: the folder of a run, which never replaces an earlier run unasked, and pictures."""

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
CHECKPOINTS = "checkpoints"  # the name of a folder
_DEFAULT = "fastnn-run"
_PICTURES = (".png", ".svg", ".pdf")


def check_writable(option: str, folder: Path) -> None:
    """Raise ValueError if no file can be created in `folder`."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{option}: cannot write in {folder} ({error.strerror})") from None


def check_file(option: str, path: Path, *inputs: Path) -> Path:
    """Return `path`, or raise ValueError if no file can be written there, or if it is one of the `inputs`."""
    if path.is_dir():
        raise ValueError(f"{option}: {path} is a folder, expected a file")
    if any(path.exists() and given.exists() and path.samefile(given) for given in inputs):
        raise ValueError(f"{option}: {path} is what is read, expected another file")
    if path.exists() and not path.is_file():  # a device or a pipe, which is written to as it is
        return path
    check_writable(option, (path.resolve() if path.is_symlink() else path).parent)
    return path


def check_picture(option: str, path: Path) -> Path:
    """Return `path`, or raise ValueError if no picture can be written there."""
    if path.suffix.lower() not in _PICTURES:
        raise ValueError(f"{option}: {path} must end in {', '.join(_PICTURES[:-1])} or {_PICTURES[-1]}")
    return check_file(option, path)


def described(error: OSError) -> str:
    """Return what went wrong with a file, in the words of the system, behind its name if that is known."""
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{error.filename}: {reason}"


class Output:
    """The folder of a run, created and checked before training.

    Parameters
    ----------
    folder : str or None
        Path of the folder. None stands for the first of fastnn-run-1, fastnn-run-2, ... that does not exist.
    overwrite : bool
        Whether files of an earlier run in `folder` may be replaced.

    Raises
    ------
    ValueError
        If the folder cannot be created or written to, or holds the files of a run.
    """

    def __init__(self, folder: str | None, overwrite: bool) -> None:
        self._created: list[Path] = []
        self.folder = self._next() if folder is None else self._given(Path(folder).expanduser(), overwrite)
        try:
            check_writable("--output", self.folder)
        except ValueError:
            self.discard()
            raise

    def path(self, name: str) -> Path:
        """Return the path of the file with that name."""
        return self.folder / name

    def discard(self) -> None:
        """Remove the folders that were created for this run and are still empty."""
        for folder in reversed(self._created):
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
        existing = [name for name in FILES if (folder / name).exists()]
        if existing and not overwrite:
            raise ValueError(
                f"--output: {folder} already holds {', '.join(existing)}; choose another folder, or add --overwrite"
            )
        return folder

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir()
        except FileExistsError:
            raise
        except OSError as error:
            self.discard()
            raise ValueError(f"--output: cannot create the folder {folder} ({error.strerror})") from None
        self._created.append(folder)


def save_figure(path: Path, draw: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Write the figure that ``draw(*arguments, **options)`` returns. No display is needed.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    OSError
        If the file cannot be written.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure = draw(*arguments, **options)
    write_whole(path, render(figure, path.suffix[1:].lower()))
    pyplot.close(figure)
