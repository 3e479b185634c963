"""From a column to the inputs of a network: numbers scaled robustly, categories, dates as their parts.

Each encoder is fitted to the column of a training set, describes itself in values that JSON can hold, and encodes the
column of another table in float32. What is missing has an input of its own, if anything was missing in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import choice
from fastnn.model.schema import Field, check_fields, is_flag, is_number, is_object, is_text, list_of
from fastnn.tabular.categories import CategoryEncoder, stacked
from fastnn.tabular.columns import Column, Kind

Array = NDArray[Any]
_CLIP = 3.0  # an input is never further from 0 than this
_YEAR, _WEEK = 365.2425, 7.0  # in days


class Encoder(Protocol):
    """What encodes one column."""

    kind: ClassVar[Kind]

    @property
    def codes(self) -> int:
        """How many codes its only input can be, 0, 1, …; 0: its inputs are no codes."""

    @property
    def width(self) -> int:
        """The number of inputs that it makes."""

    def encode(self, column: Column) -> Array:
        """The inputs (N, width) float32 for a column."""

    def config(self) -> dict[str, Any]:
        """Its arguments, as JSON holds them."""


def smooth_clip(values: Array, limit: float = _CLIP) -> Array:
    """X / √(1 + (x / limit)²): about x near 0, and never beyond ±limit.

    Parameters
    ----------
    values : (N,) float64 array
    limit : float

    Notes
    -----
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data",
    2024, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.tabular.encoders import smooth_clip
    >>> smooth_clip(np.array([0.0, 4.0, 1e300])).round(12).tolist()
    [0.0, 2.4, 3.0]
    """
    bounded = np.clip(values, -1e150, 1e150)  # so that its square is finite
    clipped: Array = bounded / np.hypot(1.0, bounded / limit)
    return clipped


@dataclass(frozen=True)
class Scale:
    """A robust scale: (x - center) factor, clipped smoothly, with 0 for what is missing.

    The centre is the median. The factor is 1 over the distance between the quartiles, where they differ, otherwise 2
    over the range; 0 for a column whose values are all alike.

    Parameters
    ----------
    center, factor : float
    """

    center: float
    factor: float

    @classmethod
    def fit(cls, values: Array) -> Scale:
        """The scale of the values that are not NaN.

        Parameters
        ----------
        values : (N,) float64 array
        """
        present = values[~np.isnan(values)]
        if not present.size:
            return cls(0.0, 0.0)
        low, center, high = np.quantile(present, [0.25, 0.5, 0.75])
        with np.errstate(all="ignore"):
            quartiles, extent = high - low, present.max() - present.min()
            factor = 1 / quartiles if quartiles > 0 else 2 / extent if extent > 0 else 0.0
        return cls(float(center), float(factor) if np.isfinite(factor) else 0.0)

    def apply(self, values: Array) -> Array:
        """The scaled values.

        Parameters
        ----------
        values : (N,) float64 array, with NaN where one is missing
        """
        with np.errstate(all="ignore"):
            return np.where(np.isnan(values), 0.0, smooth_clip((values - self.center) * self.factor))


@dataclass(frozen=True)
class NumberEncoder:
    """Numbers: scaled, where wanted also in pieces, and whether one is missing.

    Parameters
    ----------
    scale : Scale
    missing : bool
        Whether some were missing in training, so that there is an input that says so.
    edges : sequence of float
        Ends of the pieces, rising. Each piece has an input, which is 0 below it, 1 above it, and rises linearly within.

    Notes
    -----
    Piecewise-linear encoding between quantiles: Gorishniy, Rubachev & Babenko, "On embeddings for numerical features in
    tabular deep learning", 2022, section 3.1.
    """

    scale: Scale
    missing: bool
    edges: Sequence[float] = ()
    kind: ClassVar[Kind] = "number"
    codes: ClassVar[int] = 0

    @classmethod
    def fit(cls, column: Column, pieces: int = 0) -> NumberEncoder:
        """The encoder of a column.

        Parameters
        ----------
        column : Column
        pieces : int
            At most so many pieces, with about equally many values in each; 0: none.
        """
        present = column.values[~np.isnan(column.values)]
        edges: list[float] = []
        if pieces and present.size:
            edges = np.unique(np.quantile(present, np.linspace(0, 1, pieces + 1))).tolist()
        several = len(edges) > 2  # a single piece says no more than the scaled value
        return cls(Scale.fit(column.values), len(present) < len(column.values), tuple(edges) if several else ())

    @property
    def width(self) -> int:
        """One input, one for each piece and for what is missing; none for a column whose values are all alike."""
        return (self.scale.factor != 0) + max(0, len(self.edges) - 1) + self.missing

    def encode(self, column: Column) -> Array:
        """The inputs (N, width) float32 for a column."""
        parts = [self.scale.apply(column.values)] if self.scale.factor else []
        with np.errstate(all="ignore"):
            for low, high in pairwise(self.edges):
                parts.append(np.nan_to_num(np.clip((column.values - low) / (high - low), 0, 1)))
        parts += [np.isnan(column.values)] if self.missing else []
        return stacked(parts, len(column.values))

    def config(self) -> dict[str, Any]:
        """Its arguments, as JSON holds them."""
        return {"scale": asdict(self.scale), "missing": self.missing, "edges": list(self.edges)}


@dataclass(frozen=True)
class DateEncoder:
    """Dates: the time itself, and its place in the year, in the week and in the day as sine and cosine.

    Parameters
    ----------
    scale : Scale
        Of the days since 1970.
    missing : bool
    hours : bool
        Whether some had a time of day in training.
    """

    scale: Scale
    missing: bool
    hours: bool
    kind: ClassVar[Kind] = "date"
    codes: ClassVar[int] = 0

    @classmethod
    def fit(cls, column: Column) -> DateEncoder:
        """The encoder of a column."""
        present = column.values[~np.isnan(column.values)]
        hours = bool((present % 1 != 0).any())
        return cls(Scale.fit(column.values), len(present) < len(column.values), hours)

    @property
    def width(self) -> int:
        """The number of inputs."""
        return (self.scale.factor != 0) + 4 + 2 * self.hours + self.missing

    def encode(self, column: Column) -> Array:
        """The inputs (N, width) float32 for a column."""
        days, gone = column.values, np.isnan(column.values)
        parts = [self.scale.apply(days)] if self.scale.factor else []
        for period in (_YEAR, _WEEK, *([1.0] if self.hours else [])):
            turn = 2 * np.pi * (np.floor(days) if period > 1 else days) / period
            parts += [np.where(gone, 0, wave(turn)) for wave in (np.sin, np.cos)]
        return stacked([*parts, gone] if self.missing else parts, len(days))

    def config(self) -> dict[str, Any]:
        """Its arguments, as JSON holds them."""
        return {"scale": asdict(self.scale), "missing": self.missing, "hours": self.hours}


def _rising(value: Any) -> bool:
    return list_of(is_number)(value) and all(low < high for low, high in pairwise(value))


def _different_texts(value: Any) -> bool:
    return list_of(is_text)(value) and len(set(value)) == len(value)


ENCODERS: dict[Kind, type[NumberEncoder] | type[CategoryEncoder] | type[DateEncoder]] = {
    "number": NumberEncoder,
    "category": CategoryEncoder,
    "date": DateEncoder,
}


_SCALE = {"center": Field("a number", is_number), "factor": Field("a number", is_number)}
_FLAG = Field("true or false", is_flag)
_FIELDS: dict[Kind, dict[str, Field]] = {
    "number": {"scale": Field("an object", is_object), "missing": _FLAG, "edges": Field("rising numbers", _rising)},
    "category": {"categories": Field("different texts", _different_texts), "missing": _FLAG, "others": _FLAG}
    | {"coded": Field("true or false", is_flag, required=False)},
    "date": {"scale": Field("an object", is_object), "missing": _FLAG, "hours": _FLAG},
}


def rebuilt(kind: Kind, config: dict[str, Any]) -> Encoder:
    """The encoder that `config` describes.

    Parameters
    ----------
    kind : {"number", "category", "date"}
    config : JSON value

    Raises
    ------
    ValueError
        If it describes none.
    """
    check_fields(kind, config, _FIELDS[choice("load", "kind", kind, ENCODERS)])
    arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    if "scale" in arguments:
        check_fields("scale", arguments["scale"], _SCALE)
        arguments["scale"] = Scale(**arguments["scale"])
    encoder: Encoder = ENCODERS[kind](**arguments)
    return encoder
