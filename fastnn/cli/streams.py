"""What is printed: in the width of the terminal, and without an end to the work when nobody reads it any more."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from fastnn.environment import is_terminal
from fastnn.trainer import Callback

_MOST_LINES = 20  # of the table of epochs
_HEADS = {"loss": "    loss", "accuracy": " right", "val_loss": "val loss", "val_accuracy": " right"}
_AHEAD = 1 << 20  # epochs


# What a terminal would obey instead of showing it: control characters, and those that turn the direction of writing.
# Tabs, ends of lines and returns, which progress bars write, stay.
_OBEYED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_UP = "\x1b[A"  # what nested progress bars write to go up a line


def harmless(text: str) -> str:
    """Text with escapes in place of the characters that a terminal would obey: names come from files of others."""
    parts = text.split(_UP) if text.strip(f"\r\n{_UP}") == "" else [text]
    return _UP.join(_OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), part) for part in parts)


class _Unbroken:
    """A stream that goes on after its reader has closed it, and then writes nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.closed_by_reader = False
        self._shown = is_terminal(stream)

    def write(self, text: str) -> int:
        if not self.closed_by_reader:
            try:
                self._stream.write(harmless(text) if self._shown else text)
            except BrokenPipeError:
                self.closed_by_reader = True
        return len(text)

    def flush(self) -> None:
        if not self.closed_by_reader:
            try:
                self._stream.flush()
            except BrokenPipeError:
                self.closed_by_reader = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class OutputState:
    """Whether the reader of standard output has closed it."""

    closed = False


@contextmanager
def unbroken_output() -> Iterator[OutputState]:
    """Go on with the work inside when the reader of the output, such as ``head``, closes it; say so in the end."""
    state, before = OutputState(), (sys.stdout, sys.stderr)
    wrapped = [None if stream is None else _Unbroken(stream) for stream in before]
    sys.stdout, sys.stderr = wrapped
    try:
        yield state
        for stream in wrapped:
            if stream is not None:
                stream.flush()
    finally:
        sys.stdout, sys.stderr = before
    state.closed = wrapped[0] is not None and wrapped[0].closed_by_reader


def _width(stream: TextIO | None) -> int | None:
    """Return the number of columns of the terminal, or None if the stream is not a terminal."""
    return shutil.get_terminal_size().columns if stream is not None and is_terminal(stream) else None


def fitting(text: str, stream: TextIO | None = None) -> str:
    """Return a sentence in lines that fit the stream's terminal (standard output's by default), unchanged without one.

    Names of files are not broken, so that they can be copied.
    """
    width = _width(stream or sys.stdout)
    if width is None or len(text) <= width:
        return text
    lines = textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def fitting_lines(text: str) -> str:
    """Return lines of a table, each of which goes on in the next, further right, where the terminal ends."""
    width = _width(sys.stdout)
    if width is None:
        return text
    settings: dict[str, Any] = {"subsequent_indent": "    ", "break_on_hyphens": False}
    lines = (textwrap.wrap(line, max(width, 20), **settings) or [""] for line in text.splitlines())
    return "\n".join("\n".join(each) for each in lines)


def fitting_table(wide: str, narrow: str) -> str:
    """Return the first of two tables, or the second if the terminal is too narrow for it."""
    width = _width(sys.stdout)
    return wide if width is None or max(map(len, wide.splitlines())) <= width else narrow


def print_prose(text: str) -> None:
    """Print a sentence to standard error, in lines that fit the terminal."""
    if sys.stderr is not None:
        print(fitting(text, sys.stderr), file=sys.stderr)


class EpochTable(Callback):
    """Prints a line for an epoch, of many epochs for some; no line has more than 40 columns.

    Parameters
    ----------
    epochs : int
        How many there may be.
    """

    def __init__(self, epochs: int) -> None:
        self._every, self._epochs = -(-epochs // _MOST_LINES), epochs
        self._last: dict[str, Any] | None = None
        self._columns: list[str] = []

    def epochs_ahead(self) -> int:
        return _AHEAD  # it reads figures and nothing else

    def on_train_begin(self, trainer: Any) -> None:
        measured = {
            "loss": True,
            "accuracy": trainer.loss.classifies,
            "val_loss": trainer.run.spec.validation is not None,
        }
        measured["val_accuracy"] = measured["accuracy"] and measured["val_loss"]
        self._columns = [name for name in _HEADS if measured[name]]
        _print_beside_bar(" ".join(["epoch", *(_HEADS[name] for name in self._columns)]))

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        self._last = epoch
        if epoch["epoch"] % self._every == 0 or epoch["epoch"] in (1, 2, self._epochs):
            self._print(epoch)

    def on_train_end(self, trainer: Any) -> None:
        if self._last is not None:  # the one at which early stopping or Ctrl-C ended the training
            self._print(self._last)

    def _print(self, epoch: dict[str, Any]) -> None:
        self._last = None
        cells = [_percent(epoch[name]) if "accuracy" in name else _loss(epoch[name]) for name in self._columns]
        _print_beside_bar(" ".join([f"{epoch['epoch']:>5}", *cells]))


def _loss(value: float) -> str:
    return f"{value:>8.4f}" if value < 1000 else f"{value:>8.2g}"


def _percent(value: float) -> str:
    return f"{value:>6.1%}"


def _print_beside_bar(line: str) -> None:
    """Print a line to standard output, above a progress bar if there is one."""
    if sys.stdout is None:
        return
    if sys.stderr is not None and is_terminal(sys.stderr):
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            tqdm.write(line.rstrip(), file=sys.stdout)
            return
    print(line.rstrip(), flush=True)
