"""The text of a table as rows of values: encoding, line ends, comments, delimiter, quotes and decimal commas."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path

from fastnn.data.inflate import gunzip, is_gzip
from fastnn.decisions.columns import is_number

DELIMITERS = ";\t,|"

_SAMPLED_LINES = 20  # from which the delimiter is found
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # the first line that spreadsheets write and read
_DECIMAL_COMMA = re.compile(r" *[-+]?\d*,\d+([eE][-+]?\d+)? *")
_WITH_COMMA = re.compile(r'(?:^|(?<=[;\t]))[ "]*+([-+]?\d*,\d+)(?:[eE][-+]?\d+)?(?=[ "]*(?:[;\t]|$))', re.MULTILINE)
_WITH_POINT = re.compile(r'(?:^|(?<=[;\t]))[ "]*+[-+]?\d*\.\d+(?:[eE][-+]?\d+)?(?=[ "]*(?:[;\t]|$))', re.MULTILINE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


def decoded(data: bytes, where: str) -> str:
    """Return the text of a file: UTF-8, or UTF-16 that begins with its byte order mark.

    Raises
    ------
    ValueError
        If it is neither; `where` begins the message.
    """
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
        # a name with an accent is the same name, whether the accent is a character of its own or not
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    except UnicodeDecodeError as error:
        byte = data[min(error.start, len(data) - 1)]
        raise ValueError(
            f"{where}: not UTF-8 text: byte {byte:#04x} at offset {error.start}; save the table as UTF-8"
        ) from None


def read_text(path: Path, where: str) -> str:
    """Return the text of a table, gzipped or not.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, decompressed or decoded.
    """
    data = path.read_bytes()
    return decoded(gunzip(data, where) if is_gzip(data) else data, where)


def begins_table(start: bytes) -> bool:
    """Return whether a file that begins with these bytes may be a table: its first line has a delimiter, and is text.

    Comments and the line ``sep=;`` before it are passed over.
    """
    text = start.decode("utf-16" if start.startswith(_UTF16) else "utf-8-sig", "replace")
    for line in re.split(r"[\r\n]+", text):
        if any((character < " " and character != "\t") or character == "\x7f" for character in line):
            return False
        if line.strip() and not line.startswith("#"):
            return any(delimiter in line for delimiter in DELIMITERS)
    return False


class Rows:
    """The rows of a table, which can be gone through more than once, and the number of the current line.

    Parameters
    ----------
    text : str
    where : str
        The beginning of every error message.

    Attributes
    ----------
    comment : list of str
        The values of the comment directly above the first row, empty if there is none.
    line : int
        The number of the line that was read last, from 1.

    Raises
    ------
    ValueError
        If commas in numbers may be decimal commas or separate thousands.
    """

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._lines = text.split("\n")
        self._quoted = '"' in text
        self._trailing = False
        self._width = 0
        self.line = 0
        start, separator, comment = self._find_start()
        del self._lines[:start]
        self._start = start
        self.delimiter = separator or _delimiter(self._lines)
        self.comment = self._values_of(comment)
        self._decimal_comma = self.delimiter != "," and "," in text and self._has_decimal_commas(text)
        self._find_width()

    def _find_start(self) -> tuple[int, str, str]:
        """Return how many lines precede the first row, the delimiter if one of them names it, and the last comment."""
        separator = comment = ""
        for number, line in enumerate(self._lines):
            named = _SEPARATOR.fullmatch(line.strip())
            if named and not separator:
                separator, comment = named[1], ""
            elif line.startswith("#"):
                comment = line.lstrip("# ")
            elif line.strip():
                return number, separator, comment
            else:
                comment = ""
        return len(self._lines), separator, ""

    def _has_decimal_commas(self, text: str) -> bool:
        found = {match[1] for match in _WITH_COMMA.finditer(text)}
        if not found:
            return False
        shown = min(found)
        if _WITH_POINT.search(text):
            raise ValueError(f"{self.where}: numbers with a comma ({shown}) and with a point; write all with a point")
        if all(map(_THOUSANDS.fullmatch, found)):
            raise ValueError(
                f"{self.where}: {shown}: the comma may be a decimal comma or separate thousands; write numbers with a "
                "decimal point, and without separators of thousands"
            )
        return True

    def _find_width(self) -> None:
        """Find the number of values in a row, and whether each row ends with a delimiter behind the last value."""
        first, *more = [*islice(self, 2)] or [[]]
        second = more[0] if more else first
        ends = [row[-1].strip() == "" for row in (first, second) if row]
        self._trailing = len(second) > 2 and (all(ends) or (ends[-1] and len(first) == len(second) - 1))
        self._width = len(second) - self._trailing

    def _values_of(self, comment: str) -> list[str]:
        try:
            return next(csv.reader([comment], delimiter=self.delimiter, skipinitialspace=True, strict=True), [])
        except csv.Error:
            return []

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows that hold a value; comments between rows are passed over."""
        reader = csv.reader(self._lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)
        width, cut = self._width, self._trailing
        before = 0
        try:
            for row in reader:
                if reader.line_num != before + 1:
                    raise csv.Error("a quoted value goes on over the end of the line")
                before += 1
                if not any(map(str.strip, row)) or (row[0].startswith("#") and width and len(row) != width + cut):
                    continue
                if cut and len(row) == width + 1:
                    if row[-1].strip():
                        raise csv.Error(f"{len(row)} values, but other rows have {width} and a delimiter behind them")
                    row.pop()
                if self._decimal_comma:
                    row = [value.replace(",", ".") if _DECIMAL_COMMA.fullmatch(value) else value for value in row]
                self.line = self._start + reader.line_num
                yield row
        except csv.Error as error:
            line = self._start + reader.line_num
            raise ValueError(f"{self.where}: line {line}: {_explained(str(error))}") from None

    def columns(self, positions: Sequence[int], skip: int) -> list[list[str]]:
        """Return the values of some columns; rows that are too short are left to the reader of numbers.

        Parameters
        ----------
        positions : sequence of int
        skip : int
            How many rows to pass over: 1 for a line of names.
        """
        plain = not (self._quoted or self._trailing or self._decimal_comma)
        plain = plain and not any(line.startswith("#") for line in self._lines)
        if plain and set(positions) <= {0, self._width - 1}:  # much faster, and these are asked for of large tables
            delimiter = self.delimiter
            lines = islice((line for line in self._lines if line.strip(f"{delimiter} ")), skip, None)
            ends = [(line.split(delimiter, 1)[0], line.rsplit(delimiter, 1)[-1]) for line in lines]
            return [[pair[0 if position == 0 else 1] for pair in ends] for position in positions]
        rows = [row for row in islice(self, skip, None) if len(row) > max(positions)]
        return [[row[position] for row in rows] for position in positions]


_kept: ContextVar[dict[Path, tuple[tuple[int, int, int], Rows]] | None] = ContextVar("kept", default=None)


@contextmanager
def tables_kept() -> Iterator[None]:
    """Inside, the text of a table that was read is kept, so that what is asked of it next does not read it again."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def rows_of(path: Path, where: str) -> Rows:
    """Return the rows of a table, gzipped or not.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, decompressed or decoded, or as for `Rows`.
    """
    kept = _kept.get()
    if kept is None:
        return Rows(read_text(path, where), where)
    status = path.stat()
    stamp = status.st_mtime_ns, status.st_size, status.st_ino
    if path not in kept or kept[path][0] != stamp:
        kept[path] = stamp, Rows(read_text(path, where), where)
    return kept[path][1]


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that leaves rows of one width, the largest share of numbers, or else the most values."""
    sample = list(islice((line for line in lines if line.strip() and not line.startswith("#")), _SAMPLED_LINES))
    scores = {}
    for delimiter in DELIMITERS:
        try:
            rows = list(csv.reader(sample, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            continue
        values = [value for row in rows for value in row]
        if any(len(row) > 1 for row in rows):
            numbers = sum(is_number(v) or (delimiter != "," and bool(_DECIMAL_COMMA.fullmatch(v))) for v in values)
            even = len({len(row) for row in rows}) == 1
            scores[delimiter] = (even, numbers / len(values), len(values))
    return max(scores, key=lambda each: scores[each]) if scores else ","


def _explained(message: str) -> str:
    if "unexpected end of data" in message:
        return 'a value begins with " and does not end'
    return 'text behind the closing " of a value' if "expected after" in message else message
