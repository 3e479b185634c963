"""What is running now and how long the rest will take."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Bar:
    """Progress of a study's parts on standard error: one line a part, on a terminal one that is redrawn.

    Parameters
    ----------
    costs : dict of str to float
        Of each part to come, in any unit; the time left is judged from them.
    quiet : bool
        Say nothing.
    """

    def __init__(self, costs: dict[str, float], quiet: bool, stream: TextIO | None = None) -> None:
        self._costs = costs
        self._order = list(costs)
        self._stream = sys.stderr if stream is None else stream
        self._live = not quiet and self._stream.isatty()
        self._quiet = quiet
        self._spent = 0.0  # seconds in parts that are done and were not cached
        self._spent_cost = 0.0
        self._left = dict(costs)
        self._part, self._title, self._began, self._share, self._drawn = "", "", 0.0, 0.0, 0.0

    def begin(self, part: str, title: str) -> None:
        """A part begins."""
        self._part, self._title, self._share, self._drawn = part, title, 0.0, 0.0
        self._began = time.perf_counter()
        if not self._quiet and not self._live:
            print(f"{self._head()} ...", file=self._stream, flush=True)
        self._draw()

    def at(self, done: int, total: int) -> None:
        """`done` of `total` pieces of the present part are done."""
        self._share = done / total if total else 0.0
        self._draw()

    def end(self, cached: bool) -> None:
        """The part is done."""
        seconds = time.perf_counter() - self._began
        cost = self._left.pop(self._part, 0.0)
        if not cached:
            self._spent += seconds
            self._spent_cost += cost
        if not self._quiet:
            how = "kept from an earlier run" if cached else f"{seconds:.1f} s"
            rest = self._rest()
            left = f"; about {rest} left" if rest and self._left else ""
            print(f"{self._clear()}{self._head()}: {how}{left}", file=self._stream, flush=True)

    def seconds(self) -> float:
        """How long the present part has run."""
        return time.perf_counter() - self._began

    def _head(self) -> str:
        return f"[{self._order.index(self._part) + 1}/{len(self._order)}] {self._part}: {self._title}"

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
        """The time left, from the parts and the share that are done; empty where nothing is known yet."""
        running = self._left.get(self._part, 0.0)
        spent = self._spent + (self.seconds() if running else 0.0)
        cost = self._spent_cost + running * self._share
        if cost <= 0 or spent < 0.5:
            return ""
        seconds = spent / cost * (sum(self._left.values()) - running * self._share)
        return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
