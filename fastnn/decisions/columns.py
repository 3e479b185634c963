"""Which column of a table holds the labels, which one only numbers the rows, and the order of the features."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from fastnn.decisions.decision import Decision
from fastnn.decisions.names import listed, match_names

LABEL_NAMES = ("label", "labels", "class", "target", "y", "category", "digit", "letter", "species")
"""The names of a column of labels, in lower case."""
LABEL_OVERRIDE = "label=, --label"

_HEADER_WORDS = ("label", "labels", "class", "target")
_COUNTER_NAMES = ("", "id", "index", "unnamed: 0", "rowid", "row_id")
_MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", "inf", "-inf")  # what stands where a number is missing
_MANY = 100  # more different whole numbers than this are levels of grey or counts rather than classes
_FEW = 10  # so many different values are few in a table of any length
_NUMBER = re.compile(r" *[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)? *")


def is_number(value: str) -> bool:
    """Return whether a text is a decimal number, with an exponent or not."""
    return _NUMBER.fullmatch(value) is not None


def whole_number(value: str) -> int | None:
    """Return the whole number that a text such as 7, 07, 7.0 or 7.000e+00 stands for, None if it is none."""
    if not is_number(value):
        return None
    number = float(value)
    return int(number) if isfinite(number) and number.is_integer() and abs(number) < 2**53 else None


@dataclass(frozen=True)
class Column:
    """What the values of a column say about its meaning.

    Parameters
    ----------
    position : int
    title : str
        The column in words, for sentences: "column 'species'" or "the last column".
    rows, numbers, whole, distinct : int
        How many values there are, how many of them are numbers and whole numbers, and how many different ones.
    worded : bool
        Whether a value is neither a number nor a mark of a missing one, such as NA or "?".
    from_start : bool
        Whether the different values are all whole numbers without a gap, from 0 or 1 on, or only -1 and 1.
    """

    position: int
    title: str
    rows: int
    numbers: int
    whole: int
    distinct: int
    worded: bool
    from_start: bool

    @classmethod
    def of(cls, position: int, title: str, values: Sequence[str]) -> Column:
        """Look at the values of a column, each a text."""
        counts: dict[str, int] = {}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        wholes = {value: whole_number(value) for value in counts}
        found = sorted({number for number in wholes.values() if number is not None})
        complete = None not in wholes.values() and len(found) > 1
        return cls(
            position,
            title,
            len(values),
            sum(count for value, count in counts.items() if is_number(value)),
            sum(count for value, count in counts.items() if wholes[value] is not None),
            len(found) if complete else len({value.strip() for value in counts}),
            any(not is_number(value) and value.strip().lower() not in _MISSING for value in counts),
            complete and (found == [-1, 1] or (found[0] in (0, 1) and found[-1] - found[0] == len(found) - 1)),
        )

    @property
    def few(self) -> bool:
        """Whether values occur again and again, as those of classes do: on average at least twice."""
        return self.distinct <= max(_FEW, self.rows // 2)

    @property
    def holds_words(self) -> bool:
        """Whether it may be the labels because of its words: few, and none of its numbers has decimals."""
        return self.worded and self.numbers == self.whole and self.few

    @property
    def holds_class_numbers(self) -> bool:
        """Whether it may be the labels because of its whole numbers: few, and at least two."""
        return self.whole == self.rows and self.few and self.distinct > 1

    @property
    def numbers_classes(self) -> bool:
        """Whether its whole numbers look as those of classes are most often written: 0, 1, 2, ... or 1, 2, 3, ..."""
        return self.holds_class_numbers and self.from_start and self.distinct <= _MANY

    @property
    def evidence(self) -> str:
        """What speaks for it, in words."""
        kind = "words" if self.numbers < self.rows else "whole numbers"
        return f"{self.distinct} different {kind} in {self.rows} rows"


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


def called_labels(names: Sequence[str], where: str) -> int | None:
    """Return the place of the name that says that a column holds labels, None if there is no such name.

    Raises
    ------
    ValueError
        If there are several.
    """
    called = [place for place, name in enumerate(names) if name.lower() in LABEL_NAMES]
    if len(called) > 1:
        raise ValueError(
            f"{where}: columns {', '.join(names[place] for place in called)} may all be labels; give label= (--label)"
        )
    return called[0] if called else None


def named_label(title: str) -> Decision:
    """Return the decision for the column whose name says that it holds labels."""
    return Decision("labels", title, "its name", LABEL_OVERRIDE)


def label_by_evidence(
    columns: Sequence[Column], ends: Sequence[Column], last: Column | None, where: str
) -> tuple[int | None, Decision | None]:
    """Choose the column of labels by what the columns hold.

    Parameters
    ----------
    columns : sequence of Column
        Those that may be the labels if they hold words: the columns that do not begin with a number.
    ends : sequence of Column
        Those that may be the labels if they hold whole numbers, or words further down: where the columns have no
        names, the first and the last one.
    last : Column or None
        The last column: if words elsewhere might be the labels, it is doubtful whether class numbers there are.
    where : str
        The beginning of the error message.

    Returns
    -------
    position : int or None
        None if no column qualifies.
    decision : Decision or None

    Raises
    ------
    ValueError
        If several columns qualify equally.
    """
    words = list({column.position: column for column in (*columns, *ends) if column.holds_words}.values())
    numbers = [column for column in ends if column.holds_class_numbers]
    numbers = [column for column in numbers if column.from_start] or numbers
    numbers = [column for column in numbers if column.distinct <= _MANY] or numbers
    found = words or numbers
    if len(words) == 1 and last is not None and last.position != words[0].position and last.numbers_classes:
        found = [*words, last]  # words that are a feature, and the labels at the end
    if not found:
        return None, None
    if len(found) > 1:
        said = " and ".join(f"{column.title} ({column.evidence})" for column in found[:4])
        raise ValueError(f"{where}: {said} may each be the labels; give label= (--label)")
    return found[0].position, Decision("labels", found[0].title, found[0].evidence, LABEL_OVERRIDE)


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
    if len(values) < _FEW or whole_number(values[0]) not in (0, 1):
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


def check_labels_recur(labels: Sequence[str], name: str | None, chosen: bool, where: str) -> None:
    """Check that a column of labels holds classes rather than figures that are to be predicted.

    Parameters
    ----------
    labels : sequence of str
    name : str or None
        The name of the column.
    chosen : bool
        Whether the user names the column: then whole numbers may be as many as they like.
    where : str
        The beginning of the error message.

    Raises
    ------
    ValueError
        If the values are numbers and hardly ever recur.
    """
    column = Column.of(0, "", labels)
    figures = column.numbers == column.rows and not column.few and not (chosen and column.whole == column.rows)
    if figures:
        called = "the column of labels" if name is None else f"column {name!r}"
        raise ValueError(
            f"{where}: {called} has {column.distinct} different numbers in {column.rows} rows, which are no classes; "
            "give label= (--label), the column of the classes"
        )


def class_texts(labels: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the class that each text of a label stands for, and the classes in their order.

    If all labels are whole numbers, 7, 07, 7.0 and 7.000e+00 are the same class and the order is that of the numbers;
    otherwise each text is a class, in alphabetical order.

    Examples
    --------
    >>> from fastnn.decisions.columns import class_texts
    >>> class_texts(["10", "9", "1e1"])
    ({'10': '10', '9': '9', '1e1': '10'}, ('9', '10'))
    """
    texts = dict.fromkeys(labels)
    numbers = {text: whole_number(text) for text in texts}
    found = sorted({number for number in numbers.values() if number is not None})
    if None in numbers.values():
        return {text: text for text in texts}, tuple(sorted(texts))
    return {text: str(number) for text, number in numbers.items()}, tuple(map(str, found))
