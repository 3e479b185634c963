"""From a column of categories to the inputs of a network: one-hot, or a code that an embedding looks up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.tabular.columns import Column, Kind

Array = NDArray[Any]
MOST_CATEGORIES = 255  # of a column that have an input of their own; the rarer ones share one
LEAST_ROWS = 2  # in which a category must occur to have an input of its own
MOST_ONE_HOT = 8  # categories; with more of them a column is embedded, where embeddings are wanted


@dataclass(frozen=True)
class CategoryEncoder:
    """Categories: one input for each, or for two of them a single one of ±1; or a code for all of them.

    Rare categories and those that were never seen share an input, if there were rare ones in training; otherwise an
    unseen category has no input that is 1. Codes are numbered as the inputs would be, and -1 where none would be 1.

    Parameters
    ----------
    categories : sequence of str
        Those with an input of their own, the most frequent ones first.
    missing, others : bool
        Whether there is an input for what is missing, and for rare categories.
    coded : bool
        Whether the column becomes a code.
    """

    categories: Sequence[str]
    missing: bool
    others: bool
    coded: bool = False
    kind: ClassVar[Kind] = "category"

    @classmethod
    def fit(cls, column: Column, embedded: bool = False) -> CategoryEncoder:
        """The encoder of a column.

        Parameters
        ----------
        column : Column
        embedded : bool
            Whether it becomes a code if it has many categories.
        """
        counts = Counter(value for value in column.values.tolist() if value is not None)
        ranked = sorted(counts, key=lambda value: (-counts[value], value))
        kept = [value for value in ranked if counts[value] >= LEAST_ROWS][:MOST_CATEGORIES]
        coded = embedded and len(kept) > MOST_ONE_HOT
        return cls(tuple(kept), sum(counts.values()) < len(column.values), len(kept) < len(ranked), coded)

    @property
    def codes(self) -> int:
        """How many codes there are; 0 for one-hot inputs."""
        return len(self.categories) + self.others + self.missing if self.coded else 0

    @property
    def _binary(self) -> bool:
        return len(self.categories) == 2 and not self.others

    @property
    def width(self) -> int:
        """The number of inputs; 0 where everything is of one category."""
        if self.coded:
            return 1
        alone = len(self.categories) == 1 and not (self.missing or self.others)
        return 0 if alone else (1 if self._binary else len(self.categories) + self.others) + self.missing

    def encode(self, column: Column) -> Array:
        """The inputs (N, width) float32 for a column."""
        place: dict[str | None, int] = {value: i for i, value in enumerate(self.categories)}
        unseen = len(place) if self.others else -1
        place[None] = len(place) + self.others if self.missing else -1  # what is missing
        codes = np.array([place.get(value, unseen) for value in column.values.tolist()], np.int64)
        if self.coded:
            return codes.astype(np.float32)[:, None]
        if self.width == 0:
            return np.empty((len(codes), 0), np.float32)
        if self._binary:
            parts = [(codes == 0) * 1.0 - (codes == 1), *([codes == 2] if self.missing else [])]
        else:
            parts = [codes == i for i in range(self.width)]
        return stacked(parts, len(codes))

    def config(self) -> dict[str, Any]:
        """Its arguments, as JSON holds them."""
        flags = {"missing": self.missing, "others": self.others, "coded": self.coded}
        return {"categories": list(self.categories), **flags}


def stacked(parts: Sequence[Array], rows: int) -> Array:
    """Inputs side by side, (rows, parts) float32.

    Parameters
    ----------
    parts : sequence of (rows,) arrays
    rows : int

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.tabular.categories import stacked
    >>> stacked([np.array([1, 2]), np.array([True, False])], 2).tolist()
    [[1.0, 1.0], [2.0, 0.0]]
    """
    if not parts:
        return np.empty((rows, 0), np.float32)
    return np.stack([np.asarray(part, np.float32) for part in parts], axis=1)
