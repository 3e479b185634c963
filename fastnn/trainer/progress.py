"""Progress bars: on standard error if that is a terminal, and in notebooks, unless the user says otherwise."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from types import TracebackType
from typing import Any, TypeVar

from fastnn.environment import in_notebook, is_terminal

T = TypeVar("T")

_NOTEBOOK_COLUMNS = 110  # characters of a bar in a notebook, of which the width is not known


def _bar(show: bool | None, **options: Any) -> Any:
    """A tqdm bar; None if there is to be none, there is nowhere to show it, or tqdm is not installed."""
    notebook = in_notebook()
    if sys.stderr is None or not (show or (show is None and (notebook or is_terminal(sys.stderr)))):
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    kind = _notebook_bar(tqdm) if notebook else partial(tqdm, leave=False, dynamic_ncols=True)
    return kind(mininterval=0.1, **options)


@cache
def _notebook_bar(tqdm: Any) -> Any:
    """The class of tqdm's bars, shown as one output of a cell, which is replaced as the bar grows and stays there.

    Standard error of a notebook would keep every state of the bar, and tqdm's own bars for notebooks need ipywidgets.
    """
    display = import_module("IPython.display").display

    class NotebookBar(tqdm):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            self._output: Any = None
            super().__init__(file=io.StringIO(), ncols=_NOTEBOOK_COLUMNS, **options)

        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            text = {"text/plain": str(self) if msg is None else msg}
            if self._output is None:
                self._output = display(text, raw=True, display_id=True)
            else:
                self._output.update(text, raw=True)

    return NotebookBar


@contextmanager
def progress_bar(show: bool | None, **options: Any) -> Iterator[Any]:
    """A tqdm bar that is closed in the end; None if there is to be none."""
    bar = _bar(show, **options)
    try:
        yield bar
    finally:
        if bar is not None:
            bar.close()


def counting(items: Sequence[T], unit: str, show: bool | None) -> Iterator[T]:
    """Iterate over items with a bar that counts them."""
    with progress_bar(show, total=len(items), unit=f" {unit}") as bar:
        for item in items:
            yield item
            if bar is not None:
                bar.update(1)


class Progress:
    """The bar of a training: samples done, speed, time left, loss and accuracy.

    Parameters
    ----------
    total : int
        Samples of the whole training; each sample counts once in each epoch.
    show : bool or None
        Whether to show the bar; None: on a terminal and in a notebook.
    done : int
        Samples that were done before a resumed training was interrupted.
    """

    def __init__(self, total: int, show: bool | None, done: int = 0) -> None:
        self._bar = _bar(show, total=total, initial=done, unit=" samples", unit_scale=True)

    def advance(self, samples: int, epoch: int, loss: float, accuracy: float | None) -> None:
        """Show that more samples are done.

        Parameters
        ----------
        samples : int
            How many more.
        epoch : int
        loss : float
            Of the last step.
        accuracy : float or None
            Of the epoch so far.
        """
        if self._bar is not None:
            right = "" if accuracy is None else f", accuracy {accuracy:.3f}"
            self._bar.set_postfix_str(f"epoch {epoch}, loss {loss:.4f}{right}", refresh=False)
            self._bar.update(samples)

    def line(self, text: str) -> None:
        """Print a line above the bar, on standard output."""
        if self._bar is not None and sys.stdout is not None:
            self._bar.write(text, file=sys.stdout)
        else:
            print(text, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
