"""The first rows of a table as a picture, in which empty cells are marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fastnn.plots.style import image_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_COLUMNS = 12
_LONGEST = 16  # characters of a cell
_LONG_NUMBER = 9  # characters, from which on a number is rounded to five digits
_HEAD, _TARGET, _EMPTY = "#e6e6e6", "#cfe3f2", "#f6c9b5"  # also apart in grey
_INCHES = 0.105, 0.28  # of a character, and of a row


def table_preview(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    is_empty: Callable[[str], bool] = lambda text: not text.strip(),
    target: int | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the first rows of a table.

    Parameters
    ----------
    names : sequence of str
        The names of the columns; at most 12 are drawn, the target among them.
    rows : sequence of sequence of str
        The texts of each row, as many as there are names.
    is_empty : callable
        Says of a text whether the cell has no value; such cells are coloured and say "empty".
    target : int, optional
        The place of the column that is to be predicted, whose name stands on another ground.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no columns, or a row has another number of cells.

    Examples
    --------
    >>> from fastnn.plots import table_preview
    >>> figure = table_preview(["width", "kind"], [["1.5", "ant"], ["", "bee"]], target=1)
    >>> [cell.get_text().get_text() for _, cell in sorted(figure.axes[0].tables[0].get_celld().items())]
    ['width', 'kind', '1.5', 'ant', 'empty', 'bee']
    """
    if not names or any(len(row) != len(names) for row in rows):
        raise ValueError(f"table_preview: expected rows of {len(names)} cells and at least one column")
    shown = list(range(len(names)))[:_MOST_COLUMNS]
    if target is not None and target not in shown:
        shown[-1] = target
    empty = [[is_empty(row[k]) for k in shown] for row in rows]
    texts = [["empty" if gap else _short(row[k]) for gap, k in zip(gaps, shown, strict=True)]
             for gaps, row in zip(empty, rows, strict=True)]  # fmt: skip
    heads = [_short(names[k]) for k in shown]
    widths = [max(4, *(len(line[k]) for line in [heads, *texts])) for k in range(len(shown))]
    figure, axes = image_axes(ax, max(3.0, sum(widths) * _INCHES[0]), (len(rows) + 1) * _INCHES[1] + 0.4)
    from matplotlib.transforms import Bbox

    table = axes.table(
        cellText=[heads, *texts],
        cellColours=[
            [_TARGET if k == target else _HEAD for k in shown],
            *([_EMPTY if gap else "white" for gap in gaps] for gaps in empty),
        ],
        colWidths=[width / sum(widths) for width in widths],
        cellLoc="right",
        bbox=Bbox.unit(),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("0.7")
        if row == 0:
            cell.set_text_props(weight="bold")
        elif empty[row - 1][column]:
            cell.set_text_props(style="italic")
    left = len(names) - len(shown)
    more = f"{left} more column{'' if left == 1 else 's'} not shown" if left else ""
    title = " · ".join(filter(None, (title, more)))
    if title:
        axes.set_title(title, fontsize=9)
    return figure


def _short(text: str) -> str:
    text = text.strip()
    if len(text) > _LONG_NUMBER:
        try:
            return f"{float(text):.5g}"
        except ValueError:
            pass
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
