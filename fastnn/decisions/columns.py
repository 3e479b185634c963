"""What the columns of a table are called, which one only numbers the rows, and the order of the features."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite

from fastnn.decisions.decision import Decision
from fastnn.decisions.names import listed, match_names

_HEADER_WORDS = ("label", "labels", "class", "target")
_COUNTER_NAMES = ("", "id", "index", "unnamed: 0", "rowid", "row_id")
FEW = 10  # so many different values are few in a table of any length
_NUMBER = re.compile(r" *[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)? *")


def is_number(value: str) -> bool:
    """Return whether a text is a decimal number, with an exponent or not."""
    return _NUMBER.fullmatch(value) is not None


def whole_number(value: str) -> int | None:
    """Return the whole number that a text such as 7, 07, 7.0 or 7.000e+00 stands for, or None for any other text."""
    if not is_number(value):
        return None
    number = float(value)
    return int(number) if isfinite(number) and number.is_integer() and abs(number) < 2**53 else None


def are_names(first: Sequence[str], second: Sequence[str] | None) -> bool:
    """Return whether the first row of a table names the columns.

    It does if it holds no number; if a column begins with a word and goes on with a number; if it counts the columns
    from 0 on, as tables without names are written by some libraries; or if it has one of the words that name labels.

    Parameters
    ----------
    first, second : sequence of str
        The values of the first two rows; None if there is one row only.

    Examples
    --------
    >>> from fastnn.decisions.columns import are_names
    >>> are_names(["a", "b", "7"], ["1", "2", "3"]), are_names(["1", "2", "y"], ["3", "4", "n"])
    (True, False)
    """
    words = [value.strip().lower() for value in first if not is_number(value)]
    if len(words) == len(first) or any(word in _HEADER_WORDS for word in words):
        return True
    counted = [value.strip() for value in first if is_number(value)] == [str(k) for k in range(len(first) - len(words))]
    if counted and (words == ["y"] or (not words and len(first) > 2)):
        return True
    pairs = zip(first, second or (), strict=False)
    return any(above.strip() and not is_number(above) and is_number(below) for above, below in pairs)


def is_title(values: Sequence[str]) -> bool:
    """Return whether the first value of a column of words is its title: it occurs once, and every other one again.

    Examples
    --------
    >>> from fastnn.decisions.columns import is_title
    >>> is_title(["kind", *["ant", "bee"] * 5]), is_title(["ant", "bee"] * 5)
    (True, False)
    """
    counts: dict[str, int] = {}
    for value in values:
        counts[value.strip()] = counts.get(value.strip(), 0) + 1
    first = values[0].strip()
    return len(values) > FEW and counts.pop(first) == 1 and len(counts) > 1 and min(counts.values()) > 1


def counts_rows(name: str, values: Sequence[str]) -> bool:
    """Return whether a column numbers the rows: it is called id or index or nothing, and no whole number recurs.

    Such a column says nothing about a sample, but where the rows are sorted by class a network learns from it alone.
    """
    if name.strip().lower() not in _COUNTER_NAMES or len(values) < 2:
        return False
    numbers = [whole_number(value) for value in values]
    return None not in numbers and len(set(numbers)) == len(numbers)


def numbers_rows(values: Sequence[str]) -> bool:
    """Return whether a column without a name numbers the rows: 0, 1, 2, ... or 1, 2, 3, ... down to the last one."""
    if len(values) < FEW or whole_number(values[0]) not in (0, 1):
        return False
    start = int(float(values[0]))
    return all(whole_number(value) == start + row for row, value in enumerate(values))


def row_counter(title: str) -> Decision:
    """Return the decision to leave out a column that numbers the rows."""
    return Decision("columns", f"{title} left out", "it numbers the rows", "give the columns other names")


def order_by_name(
    given: Sequence[str], wanted: Sequence[str], where: str, other: str
) -> tuple[list[int], list[Decision]]:
    """Return for each wanted column its place among the given ones.

    Parameters
    ----------
    given, wanted : sequence of str
    where : str
        The beginning of the error message.
    other : str
        What has the wanted columns: "the model", the name of a file.

    Returns
    -------
    order : list of int
    decisions : list of Decision
        One if names differ in their spelling.

    Raises
    ------
    ValueError
        If a wanted column is missing, or there is one that is not wanted; the message has their names.

    Examples
    --------
    >>> from fastnn.decisions.columns import order_by_name
    >>> order_by_name(["b", "a"], ["a", "b"], "load: test.csv", "train.csv")
    ([1, 0], [])
    """
    match = match_names(given, wanted)
    order = [place for place in match.places if place is not None]
    missing = [name for name, place in zip(wanted, match.places, strict=True) if place is None]
    wrong = [f"lacks {listed(missing)}"] if missing else []
    wrong += [f"has {listed(match.surplus)} besides"] if match.surplus else []
    if wrong:
        raise ValueError(f"{where}: columns: expected those of {other}, but the table {' and '.join(wrong)}")
    if not match.respelled:
        return order, []
    pairs = listed([f"{here} as {there}" for here, there in match.respelled])
    taken = Decision("columns", f"taken {pairs}", f"the spelling differs from {other}", "give equal names")
    return order, [taken]


def by_position(count: int, why: str) -> Decision:
    """Return the decision to take columns in the order in which they stand."""
    return Decision("columns", f"the {count} by position", why, "give both tables the same first line of names")


def named_by_comment(names: Sequence[str]) -> Decision:
    """Return the decision to take the names of columns from a comment."""
    return Decision("columns", f"named {listed(names, 4)}", "the comment above the rows", "remove the comment")


def named_by_title(names: Sequence[str], title: str) -> Decision:
    """Return the decision to take the first row for names, most of them numbers, because of one word in it."""
    why = f"the first line's {title!r} occurs nowhere else"
    return Decision("columns", f"named {listed(names, 4)}", why, "a line of names above")
