"""Tables as text, for terminals, and as HTML, which notebooks show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

Cells = Sequence[Sequence[str]]


def cell(value: Any) -> str:
    """A value in a table, numbers rounded to five significant digits."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def text_lines(rows: Cells, left: Collection[int] = ()) -> list[str]:
    """The lines of a table whose columns are two spaces apart.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first is the head.
    left : collection of int
        The columns that begin at their left edge; the others end at their right one.

    Examples
    --------
    >>> from fastnn.views import text_lines
    >>> text_lines([["name", "size"], ["w", "1,000"]], left={0})
    ['name   size', 'w     1,000']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pads = [str.ljust if i in left else str.rjust for i in range(len(widths))]
    return ["  ".join(pad(text, w) for pad, text, w in zip(pads, row, widths, strict=True)) for row in rows]


def html_table(rows: Cells, left: Collection[int] = (), caption: str = "") -> str:
    """The same table in HTML, with a line of text below it if there is one.

    Parameters
    ----------
    rows, left
        As for `text_lines`.
    caption : str

    Examples
    --------
    >>> from fastnn.views import html_table
    >>> html_table([["a<b"], ["1"]])
    '<table><thead><tr><th>a&lt;b</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'
    """
    from html import escape  # loads a long table of entities: not at import

    def line(tag: str, row: Sequence[str]) -> str:
        openings = [f"<{tag} style=text-align:left>" if i in left else f"<{tag}>" for i in range(len(row))]
        cells = "".join(f"{opening}{escape(text)}</{tag}>" for opening, text in zip(openings, row, strict=True))
        return f"<tr>{cells}</tr>"

    below = f"<caption style='caption-side:bottom;text-align:left'>{escape(caption)}</caption>" if caption else ""
    body = "".join(line("td", row) for row in rows[1:])
    return f"<table>{below}<thead>{line('th', rows[0])}</thead><tbody>{body}</tbody></table>"
