"""The section of a report that a part fills: its tables, pictures, files and paragraphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = tuple[str, Any, Any] | tuple[str, Any, Any, str]


@dataclass
class Table:
    """A table with a header row. All cells are text."""

    head: list[str]
    rows: list[list[str]]
    caption: str = ""


@dataclass
class Picture:
    """A figure of the report."""

    name: str
    figure: Figure
    caption: str


@dataclass
class File:
    """A text file that is written next to the report."""

    name: str
    content: str
    caption: str


@dataclass
class Comparison:
    """One of our numbers beside the one that was reported."""

    what: str
    reported: Any
    ours: Any
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Our number divided by the reported one, or None unless both are numbers."""
        try:
            return float(self.ours) / float(self.reported)
        except (TypeError, ValueError, ZeroDivisionError):
            return None


@dataclass
class Page:
    """Collects what a part shows, in the order in which it is added.

    Parameters
    ----------
    blocks : list, optional
        The contents so far.

    Examples
    --------
    >>> from fastnn.studies import Page
    >>> page = Page()
    >>> page.text("Two runs.")
    >>> page.compare([("test accuracy", 0.92, 0.95), ("seconds", None, 1.5)])
    >>> [row.ours for row in page.comparisons]
    [0.95, 1.5]
    """

    blocks: list[Table | Picture | File | str | list[Comparison]] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.blocks.append(text)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> None:
        """Add a table. Numbers are shown with four significant digits."""
        self.blocks.append(Table(list(head), [[shown(cell) for cell in row] for row in rows], caption))

    def compare(self, rows: Iterable[Row]) -> None:
        """Add rows (what, reported, ours[, note]), where reported is None if the original has no such number."""
        self.blocks.append([Comparison(*row) for row in rows])

    def figure(self, name: str, figure: Figure, caption: str) -> None:
        """Add a matplotlib figure, whose file is named after `name`."""
        self.blocks.append(Picture(name, figure, caption))

    def file(self, name: str, content: str, caption: str) -> None:
        """Add a text file, which is written to the output folder."""
        self.blocks.append(File(name, content, caption))

    @property
    def comparisons(self) -> list[Comparison]:
        """All rows of all comparisons."""
        return [row for block in self.blocks if isinstance(block, list) for row in block]


def shown(value: Any) -> str:
    """Return the text of a table cell."""
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        number = float(value)
        if number == 0 or 1e-3 <= abs(number) < 1e4:
            return f"{number:.4g}" if abs(number) < 1e3 else f"{number:,.1f}"
        return f"{number:.3e}" if np.isfinite(number) else str(number)
    return str(value)
