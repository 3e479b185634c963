"""The section of a report that a part fills: its tables, pictures, files and paragraphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOT_COMPARABLE = "not comparable"


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
    """A text file, or a page of its own, that is written next to the report."""

    name: str
    content: str
    caption: str


@dataclass
class Comparison:
    """One of our numbers beside the one that a report printed, and beside the one that a re-run gave.

    Parameters
    ----------
    what : str
        The quantity.
    reported : object
        What the report printed; None if it has no such number.
    ours : object
    note : str
        A remark.
    rerun : object
        What an independent implementation gave, which was written to repeat the report; None if there is none.
    always : bool
        Whether the number depends neither on the data nor on the size of the training, so that it can always be
        compared.
    as_ratio : bool
        Whether it makes sense to divide ours by the reported one.
    apart : str
        Why the numbers of others are not comparable; empty if they are. `Page.compare` fills it in.

    Examples
    --------
    >>> from fastnn.studies import Comparison
    >>> Comparison("test accuracy", 0.92, 0.95).ratio
    1.0326086956521738
    >>> Comparison("test accuracy", 0.92, 0.95, apart="other photos").ratio is None
    True
    """

    what: str
    reported: Any
    ours: Any
    note: str = ""
    rerun: Any = None
    always: bool = False
    as_ratio: bool = True
    apart: str = ""

    @property
    def ratio(self) -> float | None:
        """Our number divided by the reported one; None unless both are numbers that can be compared."""
        if self.apart or not self.as_ratio:
            return None
        try:
            return float(self.ours) / float(self.reported)
        except (TypeError, ValueError, ZeroDivisionError):
            return None


Row = Comparison | tuple[str, Any, Any] | tuple[str, Any, Any, str]


@dataclass
class Heading:
    """A heading within a part."""

    text: str


@dataclass
class Page:
    """Collects what a part shows, in the order in which it is added.

    Parameters
    ----------
    apart : str
        Why the numbers of the reports are not comparable with those of this part; empty if they are.
    elsewhere : str
        What the reports' numbers were measured on, if that cannot be had; empty otherwise. They are then named in the
        remarks only.
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

    apart: str = ""
    elsewhere: str = ""
    blocks: list[Table | Picture | File | Heading | str | list[Comparison]] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.blocks.append(text)

    def heading(self, text: str) -> None:
        """Add a heading within the part."""
        self.blocks.append(Heading(text))

    def table(self, head: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> None:
        """Add a table. Numbers are shown with four significant digits."""
        self.blocks.append(Table(list(head), [[shown(cell) for cell in row] for row in rows], caption))

    def compare(self, rows: Iterable[Row]) -> None:
        """Add rows of numbers beside those of others.

        Parameters
        ----------
        rows : iterable of Comparison or (what, reported, ours[, note])
            Where the part ran on other data or in another size than the report, the cells of the others say "not
            comparable", except in rows for which neither matters.
        """
        found = [row if isinstance(row, Comparison) else Comparison(*row) for row in rows]
        for row in found:
            if row.always or row.apart or (row.reported is None and row.rerun is None):
                continue
            row.apart = self.apart or self.elsewhere
            if row.apart and row.apart == self.elsewhere and row.reported is not None:
                row.note = "; ".join(filter(None, (f"reported {shown(row.reported)} on {self.elsewhere}", row.note)))
        self.blocks.append(found)

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


def spread(values: Sequence[float] | NDArray[Any], unit: str) -> str:
    """Say of which runs a number is the mean, and how far they lie apart: "mean of 5 splits, from 92.5 % to 97.5 %".

    Examples
    --------
    >>> from fastnn.studies.page import spread
    >>> spread([0.925, 0.975], "split"), spread([0.925], "split")
    ('mean of 2 splits, from 92.5 % to 97.5 %', 'one split')
    """
    if len(values) == 1:
        return f"one {unit}"
    return f"mean of {len(values)} {unit}s, from {100 * min(values):.1f} % to {100 * max(values):.1f} %"


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
