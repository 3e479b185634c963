"""Whether the numbers of a column are classes, or figures to be predicted as such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastnn.decisions.columns import FEW
from fastnn.decisions.decision import Decision
from fastnn.decisions.label_column import Column

Task = Literal["classification", "regression"]
_ROWS_OF_A_CLASS = 5  # on average at least so many where numbers 0, 1, ... are many different ones


def decide_task(labels: Sequence[str]) -> tuple[Task, Decision | None]:
    """Return what is to be learned of a column, and the decision if it has two readings.

    Words are classes. Numbers are classes if they are whole, and few or numbered from 0 or 1 without a gap.

    Parameters
    ----------
    labels : sequence of str
        Its values, at least one.

    Examples
    --------
    >>> from fastnn.decisions.task import decide_task
    >>> print(decide_task(["151.5", "75", "141", "206.25"])[1])
    task: regression (4 different numbers in 4 rows; to change it: --task)
    >>> decide_task(["ant", "bee", "ant"])
    ('classification', None)
    """
    column = Column.of(0, "", labels)
    if column.numbers < column.rows:
        return "classification", None
    whole = column.whole == column.rows
    numbered = column.from_start and column.distinct * _ROWS_OF_A_CLASS <= column.rows
    task: Task = "classification" if whole and (numbered or column.distinct <= FEW) and column.few else "regression"
    kind = "whole numbers" if whole else "numbers"
    return task, Decision("task", task, f"{column.distinct} different {kind} in {column.rows} rows", "--task")
