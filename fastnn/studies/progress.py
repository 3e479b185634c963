"""The progress of a study: the part that is running, and an estimate of the time left."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from fastnn.environment import is_terminal


class Bar:
    """Shows the progress of a study on standard error: one line per part, which a terminal redraws as it runs.

    Parameters
    ----------
    costs : dict of str to float
        The cost of each part to come, in any unit, from which the time left is estimated.
    quiet : bool
        Print nothing.
    stream : file, optional
        The stream to print to; standard error by default.
    """

    def __init__(self, costs: dict[str, float], quiet: bool, stream: TextIO | None = None) -> None:
        self._costs = costs
        self._parts = list(costs)
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet or self._stream is None
        self._live = not self._quiet and is_terminal(self._stream)
        self._spent = 0.0  # seconds in finished parts that were not cached
        self._spent_cost = 0.0
        self._left = dict(costs)
        self._part, self._title, self._began, self._share, self._drawn = "", "", 0.0, 0.0, 0.0

    def say(self, sentence: str) -> None:
        """Print a sentence on a line of its own."""
        if not self._quiet:
            print(self._clear() + sentence, file=self._stream, flush=True)

    def begin(self, part: str, title: str) -> None:
        """Note that a part begins."""
        self._part, self._title, self._share, self._drawn = part, title, 0.0, 0.0
        self._began = time.perf_counter()
        if not self._quiet and not self._live:
            print(f"{self._head()} ...", file=self._stream, flush=True)
        self._draw()

    def at(self, done: int, total: int) -> None:
        """Note that `done` of the `total` pieces of the current part are finished."""
        self._share = done / total if total else 0.0
        self._draw()

    def end(self, cached: bool) -> None:
        """Note that the current part is finished."""
        seconds = time.perf_counter() - self._began
        cost = self._left.pop(self._part, 0.0)
        if not cached:
            self._spent += seconds
            self._spent_cost += cost
        if not self._quiet:
            how = "cached by an earlier run" if cached else f"{seconds:.1f} s"
            rest = self._rest()
            left = f"; about {rest} left" if rest and self._left else ""
            print(f"{self._clear()}{self._head()}: {how}{left}", file=self._stream, flush=True)

    def seconds(self) -> float:
        """Seconds that the current part has run."""
        return time.perf_counter() - self._began

    def _head(self) -> str:
        return f"[{self._parts.index(self._part) + 1}/{len(self._parts)}] {self._part}: {self._title}"

    def _draw(self) -> None:
        now = time.perf_counter()
        if self._live and (now - self._drawn > 0.1 or not self._share):
            self._drawn = now
            rest = self._rest()
            text = f"{self._head()} {self._share:.0%}{f', about {rest} left' if rest else ''}"
            print(self._clear() + text[:110], end="", file=self._stream, flush=True)

    def _clear(self) -> str:
        return "\r\033[K" if self._live else ""

    def _rest(self) -> str:
        """The estimated time left as text, empty as long as there is nothing to estimate it from."""
        running = self._left.get(self._part, 0.0)
        spent = self._spent + (self.seconds() if running else 0.0)
        cost = self._spent_cost + running * self._share
        if cost <= 0 or spent < 0.5:
            return ""
        seconds = spent / cost * (sum(self._left.values()) - running * self._share)
        return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
