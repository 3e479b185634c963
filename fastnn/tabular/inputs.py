"""A whole table as the inputs of a network: an encoder for each column, checked by name and order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.model.schema import Field, check_fields, is_object, is_text
from fastnn.tabular.categories import CategoryEncoder
from fastnn.tabular.columns import Column, Kind, columns_of
from fastnn.tabular.encoders import DateEncoder, Encoder, NumberEncoder, rebuilt

Array = NDArray[Any]
Numeric = Literal["scaled", "piecewise"]
Categories = Literal["one-hot", "embedding"]
PIECES = 12  # of the range of a number, at most
_FIELDS = {
    "name": Field("text", is_text),
    "kind": Field("text", is_text),
    "encoder": Field("an object", is_object),
}


class Encoding(NamedTuple):
    """How numbers and categories become inputs.

    Parameters
    ----------
    numeric : {"scaled", "piecewise"}
        Whether numbers also have an input for each of some pieces of their range.
    categories : {"one-hot", "embedding"}
        Whether columns of many categories become codes, which an embedding looks up.
    """

    numeric: Numeric = "scaled"
    categories: Categories = "one-hot"


DEFAULT = Encoding()


class TableInputs:
    """Encodes tables of the columns of a training set.

    Parameters
    ----------
    encoders : mapping of str to Encoder
        By the name of the column, in their order.

    Examples
    --------
    >>> from fastnn.tabular.inputs import TableInputs
    >>> inputs = TableInputs.fit("example", [[1.0, "red"], [2.0, "blue"], [4.0, "red"], [3.0, "blue"]])
    >>> inputs.encode("example", [[2.5, "red"], [2.5, "blue"], [2.5, "green"]]).tolist()
    [[0.0, -1.0], [0.0, 1.0], [0.0, 0.0]]
    """

    def __init__(self, encoders: Mapping[str, Encoder]) -> None:
        self.encoders = dict(encoders)

    @classmethod
    def fit(
        cls,
        function: str,
        table: Any,
        categorical: Collection[str | int] = (),
        encoding: Encoding = DEFAULT,
    ) -> TableInputs:
        """Encoders for the columns of a training set.

        Parameters
        ----------
        function : str
            It begins the message of an error.
        table : data frame or array_like
        categorical : collection of str and int
            Columns of categories, whatever their dtype.
        encoding : Encoding
        """
        fits: dict[Kind, Callable[[Column], Encoder]] = {
            "number": partial(NumberEncoder.fit, pieces=PIECES if encoding.numeric == "piecewise" else 0),
            "category": partial(CategoryEncoder.fit, embedded=encoding.categories == "embedding"),
            "date": DateEncoder.fit,
        }
        return cls({column.name: fits[column.kind](column) for column in columns_of(function, table, categorical)})

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each column holds, by its name."""
        return {name: encoder.kind for name, encoder in self.encoders.items()}

    @property
    def codes(self) -> dict[int, int]:
        """The inputs that are codes, by their number, with how many there are."""
        found: dict[int, int] = {}
        at = 0
        for encoder in self.encoders.values():
            found |= {at: encoder.codes} if encoder.codes else {}
            at += encoder.width
        return found

    @property
    def width(self) -> int:
        """The number of inputs of the network; one, which is always 0, for a table of constants."""
        return max(1, sum(encoder.width for encoder in self.encoders.values()))

    def encode(self, function: str, table: Any) -> Array:
        """The inputs (N, width) float32 for a table.

        Parameters
        ----------
        function : str
            It begins the message of an error.
        table : data frame or array_like
            The columns of a data frame must have the names and the order of those in training.

        Raises
        ------
        ValueError, TypeError
            If the columns are others, or hold something else than in training.
        """
        kinds = self.kinds
        categorical = [name for name, kind in kinds.items() if kind == "category"]
        columns = columns_of(function, table, categorical, expected=list(kinds))
        parts = [encoder.encode(_of_kind(function, c, encoder)) for c, encoder in self._paired(columns)]
        x = np.concatenate(parts, axis=1, dtype=np.float32)
        return np.ascontiguousarray(x) if x.shape[1] else np.zeros((len(x), 1), np.float32)

    def _paired(self, columns: Sequence[Column]) -> list[tuple[Column, Encoder]]:
        return list(zip(columns, self.encoders.values(), strict=True))

    def __str__(self) -> str:
        """What each column is taken for, in a line for each kind."""
        lines = []
        for kind, words in _WORDS.items():
            names = [name for name, encoder in self.encoders.items() if encoder.kind == kind]
            lines += [f"{words}: {', '.join(names)}"] if names else []
        return "\n".join(lines)

    def config(self) -> list[dict[str, Any]]:
        """The encoders, as JSON holds them."""
        return [{"name": name, "kind": e.kind, "encoder": e.config()} for name, e in self.encoders.items()]

    @classmethod
    def from_config(cls, config: Sequence[Mapping[str, Any]]) -> TableInputs:
        """What `config` described.

        Parameters
        ----------
        config : sequence of dict

        Raises
        ------
        ValueError
            If it describes no inputs.
        """
        for one in config:
            check_fields("inputs", one, _FIELDS)
        encoders = {one["name"]: rebuilt(one["kind"], one["encoder"]) for one in config}
        if not encoders or len(encoders) < len(config):
            raise ValueError(f"inputs: expected columns of different names, got {len(config)} of {len(encoders)} names")
        return cls(encoders)


def _of_kind(function: str, column: Column, encoder: Encoder) -> Column:
    """A column that must be of the encoder's kind; one without any value is of every kind."""
    if column.kind == encoder.kind:
        return column
    if column.kind == "number" and np.isnan(column.values).all():
        return Column(column.name, encoder.kind, column.values)
    raise ValueError(
        f"{function}: X: column {column.name!r}: expected {_WORDS[encoder.kind]}, as in training, got "
        f"{_WORDS[column.kind]}"
    )


_WORDS: dict[Kind, str] = {"number": "numbers", "category": "categories", "date": "dates"}
