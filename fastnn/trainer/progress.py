"""The progress bar: on a terminal, unless asked otherwise."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Progress:
    """Steps done, loss and rate on standard error; nothing where that is not a terminal and nobody asked.

    Parameters
    ----------
    total : int
        Steps of the whole training.
    show : bool or None
        None: only on a terminal.
    done : int
        Steps that an earlier part of the training did.
    """

    def __init__(self, total: int, show: bool | None, done: int = 0) -> None:
        self._bar: Any = None
        if show or (show is None and sys.stderr.isatty()):
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self._bar = tqdm(total=total, initial=done, unit="step", leave=False, dynamic_ncols=True, mininterval=0.1)

    def advance(self, steps: int, epoch: int, loss: float) -> None:
        """`steps` more are done."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"epoch {epoch}, loss {loss:.4f}", refresh=False)
            self._bar.update(steps)

    def line(self, text: str) -> None:
        """Print a line of the training's table above the bar."""
        if self._bar is not None:
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
