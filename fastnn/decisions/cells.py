"""What the cells of a column of text hold: numbers, dates or categories, and which of them are missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from fastnn.decisions.columns import FEW, is_number, whole_number
from fastnn.decisions.decision import Decision
from fastnn.decisions.names import listed

Kind = Literal["number", "category", "date"]

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
"""What stands where a value is missing, in lower case."""

_CATEGORICAL = "--categorical"
_IN_WORDS: dict[Kind, str] = {"number": "numbers", "category": "categories", "date": "dates"}
_NAMED = 12  # columns of a kind that a sentence lists
_POINT = re.compile(r"(?<=\d)\.0*$")
_PLAIN_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_TIME = re.compile(r"[T ]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC|[-+]\d{2}:?\d{2}))?")


def is_missing(text: str) -> bool:
    """Whether a cell says that its value is missing.

    Examples
    --------
    >>> from fastnn.decisions.cells import is_missing
    >>> [is_missing(text) for text in (" ", "N/A", "0", "nail")]
    [True, True, False, False]
    """
    return text.strip().lower() in MISSING


class Cells(NamedTuple):
    """What a column holds.

    Parameters
    ----------
    kind : {"number", "category", "date"}
    values : dict of str to float, str, datetime or None
        What each different text of the column stands for, None where the value is missing.
    decision : Decision or None
        What is to be said about it.
    """

    kind: Kind
    values: dict[str, float | str | datetime | None]
    decision: Decision | None = None


def cells_of(where: str, name: str, texts: Sequence[str], kind: Kind | None = None) -> Cells:
    """Find out what the texts of a column stand for.

    Numbers and dates are those columns all of whose values are such; all other columns are categories. Where numbers
    stand beside words, they are codes, and so categories too, if they are few and whole.

    Parameters
    ----------
    where : str
        The beginning of the message of an error.
    name : str
        The column in words.
    texts : sequence of str
    kind : {"number", "category", "date"}, optional
        What it must hold, if that is known.

    Raises
    ------
    ValueError
        If it holds something else, numbers beside some text that is none, or dates that have two readings.

    Examples
    --------
    >>> from fastnn.decisions.cells import cells_of
    >>> cells_of("f", "column 'a'", ["1", "", "2.5"])
    Cells(kind='number', values={'1': 1.0, '': None, '2.5': 2.5}, decision=None)
    """
    different = dict.fromkeys(texts)
    present = {text: text.strip() for text in different if not is_missing(text)}
    words = [text for text, plain in present.items() if not is_number(plain)]
    if (kind == "number" and words) or (kind is None and words and len(words) < len(present)):
        codes = [plain for plain in present.values() if is_number(plain)]
        if kind == "number" or None in map(whole_number, codes) or len(codes) > FEW:
            raise ValueError(_no_number(where, name, texts, words[0], known=kind is not None))
        why = f"words such as {words[0].strip()!r:.40} among {len(codes)} different whole numbers"
        return Cells("category", _categories(different, present), Decision(name, "categories", why, "mend the cells"))
    if kind == "category" or (words and kind is None and not _are_dates(present.values())):
        return Cells("category", _categories(different, present))
    if kind == "date" or (words and kind is None):
        return _dates(where, name, different, present, kind)
    return Cells("number", {text: float(present[text]) if text in present else None for text in different})


def columns_taken(kinds: Mapping[str, Kind], gaps: Mapping[str, int]) -> Decision:
    """Return the decision what the columns of a table hold.

    Parameters
    ----------
    kinds : mapping of str to {"number", "category", "date"}
        By the names of the columns.
    gaps : mapping of str to int
        How many values of each are missing.

    Examples
    --------
    >>> from fastnn.decisions.cells import columns_taken
    >>> print(columns_taken({"rooms": "number", "place": "category"}, {"rooms": 3, "place": 0}).taken)
    numbers in rooms; categories in place; 3 cells are missing, in rooms
    """
    by_kind = {kind: [name for name, own in kinds.items() if own == kind] for kind in _IN_WORDS}
    parts = [f"{_IN_WORDS[kind]} in {listed(names, _NAMED)}" for kind, names in by_kind.items() if names]
    total = sum(gaps.values())
    if total:
        lacking = listed([name for name, count in gaps.items() if count], _NAMED)
        parts.append(f"{total:,} {'cell is' if total == 1 else 'cells are'} missing, in {lacking}")
    return Decision("columns", "; ".join(parts), "by what their cells hold", f"{_CATEGORICAL} NAME,...")


def _categories(different: Collection[str], present: dict[str, str]) -> dict[str, float | str | datetime | None]:
    """Categories as they are written, but whole numbers without a point, as they are read elsewhere."""
    spelled = {text: _POINT.sub("", plain) if is_number(plain) else plain for text, plain in present.items()}
    return {text: spelled.get(text) for text in different}


def _no_number(where: str, name: str, texts: Sequence[str], word: str, known: bool) -> str:
    row = list(texts).index(word)
    numbers = sum(is_number(text.strip()) for text in texts)
    advice = "" if known else f". Mend or empty it, or say that the column holds categories: {_CATEGORICAL}"
    return (
        f"{where}: {name}: expected a number in each cell that is not empty, got {word.strip()!r:.40} in row {row}; "
        f"{numbers:,} cells are numbers{advice}"
    )


def _split(text: str) -> tuple[str, str]:
    """A date and the time of day behind it."""
    day, space, time = text.partition("T" if "T" in text else " ")
    return day, (space + time).rstrip()


def _are_dates(texts: Collection[str]) -> bool:
    for text in texts:
        day, time = _split(text)
        if time and not _TIME.fullmatch(time):
            return False
        if not any(form.fullmatch(day) for form in (_PLAIN_DATE, _DOTTED_DATE, _SLASHED_DATE)):
            return False
    return True


def _dates(where: str, name: str, different: Collection[str], present: dict[str, str], kind: Kind | None) -> Cells:
    """The dates of a column; with slashes, the day comes first or the month, as one of them tells."""
    if not _are_dates(present.values()):
        wrong = next(text for text in present.values() if not _are_dates([text]))
        raise ValueError(f"{where}: {name}: expected dates such as 2026-01-31, got {wrong!r:.40}")
    slashed = [found for text in present.values() if (found := _SLASHED_DATE.fullmatch(_split(text)[0]))]
    day_first = any(int(found[1]) > 12 for found in slashed)
    decision = None
    if slashed:
        month_first = any(int(found[2]) > 12 for found in slashed)
        if day_first == month_first:
            raise ValueError(
                f"{where}: {name}: {slashed[0][0]}: the day or the month may come first; write dates as 2026-01-31, or "
                f"say that the column holds categories: {_CATEGORICAL}"
            )
        taken = "dates with the day first" if day_first else "dates with the month first"
        decision = Decision(name, taken, "one of them has no other reading", "write dates as 2026-01-31")
    values: dict[str, float | str | datetime | None] = {}
    for text in different:
        values[text] = _date(where, name, present[text], day_first) if text in present else None
    return Cells("date", values, decision)


def _date(where: str, name: str, text: str, day_first: bool) -> datetime:
    day, time = _split(text)
    if found := _PLAIN_DATE.fullmatch(day):
        year, month, number = (int(found[k]) for k in (1, 2, 3))
    elif found := _DOTTED_DATE.fullmatch(day):
        year, month, number = (int(found[k]) for k in (3, 2, 1))
    else:
        found = _SLASHED_DATE.fullmatch(day)
        assert found is not None
        year, month, number = (int(found[k]) for k in ((3, 2, 1) if day_first else (3, 1, 2)))
    clock = re.match(r"[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?", time)
    hour, minute, second = (0, 0, 0) if clock is None else (int(clock[k] or 0) for k in (1, 2, 3))
    try:
        return datetime(year, month, number, hour, minute, second)
    except ValueError as error:
        raise ValueError(f"{where}: {name}: {text!r:.40} is no date ({error})") from None
