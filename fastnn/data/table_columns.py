"""Finds which columns of a table hold names, labels and features, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from fastnn.data.table_text import Rows
from fastnn.decisions import Decision
from fastnn.decisions.columns import (
    are_names,
    by_position,
    counts_rows,
    is_number,
    is_title,
    named_by_comment,
    named_by_title,
    numbers_rows,
    order_by_name,
    row_counter,
)
from fastnn.decisions.label_column import Column, called_labels, label_by_evidence, named_label, surplus_label
from fastnn.decisions.names import listed, match_names, repeated


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Parameters
    ----------
    width : int
        How many values a row has.
    features : tuple of int
        The places of the features in a row, in the order in which they are taken.
    names : tuple of str or None
        The names of the features, in that order.
    label : int or None
        The place of the labels.
    label_name : str or None
    skip : int
        How many rows come before the first sample: 1 if the first row has the names.
    left_out : tuple of str
        The names of the columns that are neither labels nor features.
    counted : bool
        Whether the first column was left out because it numbers the rows, in a table without names.
    decisions : tuple of Decision
    """

    width: int
    features: tuple[int, ...]
    names: tuple[str, ...] | None
    label: int | None
    label_name: str | None
    skip: int
    left_out: tuple[str, ...] = ()
    counted: bool = False
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class WantedColumns:
    """The columns that a table should have.

    Parameters
    ----------
    other : str
        What wants them, in words: "the model", "train.csv".
    count : int
        The number of features.
    names : tuple of str or None
        Of the features, in their order.
    label : int or None
        The place of the labels in a row of the other table, if it is known.
    label_name : str or None
        Their name there.
    left_out : tuple of str
        The columns of the other table that were left out.
    counted : bool
        Whether its first column was left out, without a name.
    mixed : bool
        Whether features may be text, which then says nothing about where the labels are.
    """

    other: str
    count: int
    names: tuple[str, ...] | None = None
    label: int | None = None
    label_name: str | None = None
    left_out: tuple[str, ...] = ()
    counted: bool = False
    mixed: bool = False


def find_columns(rows: Rows, label: str | int | None, wanted: WantedColumns | None, where: str) -> Columns:
    """Find out what the columns of a table are.

    Parameters
    ----------
    rows : Rows
    label : str, int or None
        The column of the labels, if the user names it.
    wanted : WantedColumns or None
        The columns that the table should have, if something is known about them.
    where : str
        The beginning of the error messages.

    Raises
    ------
    ValueError
        If there are no rows, names are repeated or missing, columns are missing or surplus, or it cannot be said which
        column holds the labels.
    """
    return _Finder(rows, wanted, where).find(label)


class _Finder:
    def __init__(self, rows: Rows, wanted: WantedColumns | None, where: str) -> None:
        self.rows, self.wanted, self.where = rows, wanted, where
        self.decisions: list[Decision] = []
        head = list(islice(rows, 2))
        if not head:
            raise ValueError(f"{where}: no rows")
        names = head[0] if are_names(head[0], head[1] if len(head) > 1 else None) else self._titles(head[0])
        self.skip = 0 if names is None else 1
        if len(head) == self.skip:
            raise ValueError(f"{where}: a line of names, but no rows")
        self.first = head[self.skip]
        self.width = len(self.first)
        comment = rows.comment
        if names is None and len(comment) == self.width > 1 and not any(map(is_number, comment)):
            names = comment
            self.decisions.append(named_by_comment(names))
        self.names = None if names is None else self._checked([name.strip() for name in names])
        self.counted = self.names is None and self._first_counts()

    def _titles(self, first: list[str]) -> list[str] | None:
        """Return the first row if its names are numbers, save that of the labels, which stands nowhere else."""
        words = [place for place, value in enumerate(first) if not is_number(value)]
        if len(words) != 1 or not is_title(self.rows.columns(words, 0)[0]):
            return None
        self.decisions.append(named_by_title(first, first[words[0]].strip()))
        return first

    def _checked(self, names: list[str]) -> list[str]:
        if len(names) == self.width + 1 and names[-1] == "":
            names = names[:-1]
        if len(names) != self.width:
            hint = "; if the rows begin with names of their own, give that column a name too"
            raise ValueError(
                f"{self.where}: the first line names {len(names)} columns, but the next one has {self.width} values"
                f"{hint if len(names) == self.width - 1 else ''}"
            )
        twice = repeated(names)
        if twice:
            raise ValueError(f"{self.where}: the columns {listed([repr(name) for name in twice])} occur more than once")
        return names

    def _first_counts(self) -> bool:
        """Return whether the first column of a table without names only numbers the rows."""
        if self.wanted is not None and self.wanted.counted:
            return self.width > self.wanted.count
        return self.width > 2 and numbers_rows(self.rows.columns([0], self.skip)[0])

    def find(self, label: str | int | None) -> Columns:
        position = self._given(label) if label is not None else self._found()
        places = [place for place in range(self.width) if place != position]
        dropped = self._row_counters(places)
        if self.counted:
            dropped = [0] if position != 0 else []
            self.decisions += [row_counter(self._title(0)) for _ in dropped]
        places = [place for place in places if place not in dropped]
        names = None if self.names is None else [self.names[place] for place in places]
        wanted = self.wanted
        if wanted is not None and names is not None and wanted.names is not None:
            order, decisions = order_by_name(names, wanted.names, self.where, wanted.other)
            self.decisions += decisions
            places, names = [places[k] for k in order], list(wanted.names)
        elif wanted is not None:
            names = self._by_position(wanted, places)
        return Columns(
            self.width,
            tuple(places),
            None if names is None else tuple(names),
            position,
            None if self.names is None or position is None else self.names[position],
            self.skip,
            tuple(self.names[place] for place in dropped) if self.names is not None else (),
            self.counted,
            tuple(self.decisions),
        )

    def _by_position(self, wanted: WantedColumns, places: list[int]) -> list[str] | None:
        """Check the number of features; return their names."""
        if len(places) != wanted.count:
            raise ValueError(
                f"{self.where}: {len(places)} values besides the label, but {wanted.other} has {wanted.count}"
                f"{'' if wanted.names is None else f' ({listed(wanted.names)})'}"
            )
        if wanted.names is None and self.names is None:
            return None
        lacking = "this table" if self.names is None else wanted.other
        self.decisions.append(by_position(wanted.count, f"{lacking} has no names"))
        return (
            [self.names[place] for place in places] if wanted.names is None and self.names else list(wanted.names or ())
        )

    def _title(self, position: int) -> str:
        if self.names is not None:
            return f"column {self.names[position]!r}" if self.names[position] else f"column {position} (without a name)"
        return {0: "the first column", self.width - 1: "the last column"}.get(position, f"column {position}")

    def _given(self, label: str | int) -> int:
        """Return the place of the column that the user names."""
        there = "no names" if self.names is None else listed(self.names, 20)
        if isinstance(label, str):
            if self.names is not None and label in self.names:
                return self.names.index(label)
            try:
                label = int(label)
            except ValueError:
                raise ValueError(f"{self.where}: no column {label!r}; there are {there}") from None
        if not -self.width <= label < self.width:
            raise ValueError(f"{self.where}: no column {label}; there are {self.width}")
        return label % self.width

    def _found(self) -> int | None:
        """Return the place of the labels as the names or the values tell it."""
        wanted = self.wanted
        if wanted is None:
            return self._by_itself()
        if self.names is not None and wanted.names is not None:
            return self._surplus(self.names, wanted)
        if self.names is not None and (called := called_labels(self.names, self.where)) is not None:
            return called
        surplus = self.width - self.counted - wanted.count
        if surplus == 0 and (wanted.mixed or all(map(is_number, self.first))):
            return None
        if surplus == 1 and wanted.label is not None:
            return wanted.label
        return self._by_itself()

    def _surplus(self, names: Sequence[str], wanted: WantedColumns) -> int | None:
        """Return the place of the column that is not one of the wanted features, or None if all of them are."""
        if wanted.label_name is not None and wanted.label_name in names:
            return names.index(wanted.label_name)
        surplus = match_names(names, wanted.names or ()).surplus
        called = called_labels(surplus, self.where)
        if called is None:
            numbering = {names[place] for place in self._counters([names.index(name) for name in surplus])}
            surplus = [name for name in surplus if name not in numbering]
            called = 0 if len(surplus) == 1 else None
        if called is None:
            return None  # none, or too many, of which `order_by_name` complains
        position = names.index(surplus[called])
        if wanted.label_name is None or match_names([surplus[called]], [wanted.label_name]).surplus:
            self.decisions.append(surplus_label(self._title(position), wanted.other))
        return position

    def _by_itself(self) -> int | None:
        if self.names is not None and (called := called_labels(self.names, self.where)) is not None:
            self.decisions.append(named_label(self._title(called)))
            return called
        words = [place for place, value in enumerate(self.first) if not is_number(value)]
        ends = [int(self.counted), self.width - 1] if self.names is None and self.width > 1 else []
        if not words and not ends:
            return None
        looked = sorted({*words, *ends, self.width - 1})
        found = dict(zip(looked, self.rows.columns(looked, self.skip), strict=True))
        columns = {place: Column.of(place, self._title(place), values) for place, values in found.items()}
        position, decision = label_by_evidence(
            [columns[k] for k in words], [columns[k] for k in ends], columns[self.width - 1], self.where
        )
        self.decisions += [decision] if decision is not None else []
        return position

    def _row_counters(self, places: list[int]) -> list[int]:
        """Return the places of columns that number the rows, and note that they are left out."""
        if self.names is None:
            return []
        found = self._counters(places)
        self.decisions += [row_counter(self._title(place)) for place in found]
        return found

    def _counters(self, places: Sequence[int]) -> list[int]:
        names, wanted = self.names or (), self.wanted
        kept = () if wanted is None or wanted.names is None else wanted.names
        before = () if wanted is None else wanted.left_out
        asked = [place for place in places if names[place] not in kept]
        suspects = [place for place in asked if counts_rows(names[place], ("0", "1"))]
        if not suspects:
            return [place for place in asked if names[place] in before]
        columns = dict(zip(suspects, self.rows.columns(suspects, self.skip), strict=True))
        return [
            place
            for place in asked
            if names[place] in before or (place in columns and counts_rows(names[place], columns[place]))
        ]
