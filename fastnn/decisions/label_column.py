"""Which column of a table holds the labels, and which classes its texts stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.decisions.cells import MISSING
from fastnn.decisions.columns import FEW, is_number, whole_number
from fastnn.decisions.decision import Decision

LABEL_NAMES = ("label", "labels", "class", "target", "y", "category", "digit", "letter", "species")
"""The names of a column of labels, in lower case."""
LABEL_OVERRIDE = "label=, --target"

_NO_WORDS = (*MISSING, "inf", "-inf")  # what may stand in a column of numbers
_MANY = 100  # more different whole numbers than this are levels of grey or counts rather than classes


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
            any(not is_number(value) and value.strip().lower() not in _NO_WORDS for value in counts),
            complete and (found == [-1, 1] or (found[0] in (0, 1) and found[-1] - found[0] == len(found) - 1)),
        )

    @property
    def few(self) -> bool:
        """Whether values occur again and again, as those of classes do: on average at least twice."""
        return self.distinct <= max(FEW, self.rows // 2)

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
            f"{where}: columns {', '.join(names[place] for place in called)} may all be labels; give label= (--target)"
        )
    return called[0] if called else None


def named_label(title: str) -> Decision:
    """Return the decision for the column whose name says that it holds labels."""
    return Decision("labels", title, "its name", LABEL_OVERRIDE)


def surplus_label(title: str, other: str) -> Decision:
    """Return the decision for the only column that is not one of the features of a model or of another table."""
    return Decision("labels", title, f"the only column that {other} does not have", LABEL_OVERRIDE)


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
        raise ValueError(f"{where}: {said} may each be the labels; give label= (--target)")
    return found[0].position, Decision("labels", found[0].title, found[0].evidence, LABEL_OVERRIDE)


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
            "give label= (--target), the column of the classes"
        )


def class_texts(labels: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the class that each text of a label stands for, and the classes in their order.

    If all labels are whole numbers, 7, 07, 7.0 and 7.000e+00 are the same class and the order is that of the numbers;
    otherwise each text is a class, in alphabetical order.

    Examples
    --------
    >>> from fastnn.decisions.label_column import class_texts
    >>> class_texts(["10", "9", "1e1"])
    ({'10': '10', '9': '9', '1e1': '10'}, ('9', '10'))
    """
    texts = dict.fromkeys(labels)
    numbers = {text: whole_number(text) for text in texts}
    found = sorted({number for number in numbers.values() if number is not None})
    if None in numbers.values():
        return {text: text for text in texts}, tuple(sorted(texts))
    return {text: str(number) for text, number in numbers.items()}, tuple(map(str, found))
