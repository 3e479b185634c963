"""The lines of the files of predictions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = Sequence[object]


def csv_text(rows: Iterable[Row]) -> str:
    """Return rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def number_rows(ids: Iterable[object], target: str | None, numbers: NDArray[Any]) -> list[Row]:
    """Return the lines with predicted numbers, the first one with the names of the columns."""
    return [("Id", "Prediction" if target is None else target), *zip(ids, numbers.tolist(), strict=True)]


def quantile_names(levels: Iterable[float]) -> list[str]:
    """Return the names of the columns of quantiles."""
    return [f"quantile {level:g}" for level in levels]


def quantile_rows(
    ids: Iterable[object], target: str | None, numbers: NDArray[Any], levels: Sequence[float], found: NDArray[Any]
) -> list[Row]:
    """Return the lines with predicted numbers, and all quantiles (N, levels) behind each."""
    head, *rows = number_rows(ids, target, numbers)
    return [[*head, *quantile_names(levels)], *([*a, *b] for a, b in zip(rows, found.tolist(), strict=True))]


def class_rows(
    ids: Iterable[object], names: Sequence[str], categories: Sequence[str], shares: NDArray[Any] | None
) -> list[Row]:
    """Return the lines with predicted classes, and with the probabilities of all classes if these are given."""
    if shares is None:
        return [("Id", "Category"), *zip(ids, categories, strict=True)]
    head = ("Id", "Category", *(f"P({name})" for name in names))
    lines = zip(ids, categories, shares.tolist(), strict=True)
    return [head, *((number, category, *map(rounded, share)) for number, category, share in lines)]


def top_rows(ids: Iterable[object], names: Sequence[str], shares: NDArray[Any], most: int) -> list[Row]:
    """Return the lines with the most probable classes; of equal ones the first."""
    count = min(most, len(names))
    order = np.argsort(-shares, axis=1, kind="stable")[:, :count]
    head = ["Id", *(f"{word} {place}" for place in range(1, count + 1) for word in ("Category", "Probability"))]
    lines: list[Row] = [head]
    for number, places, share in zip(ids, order, shares, strict=True):
        lines.append([number, *(cell for k in places for cell in (names[k], rounded(float(share[k]))))])
    return lines


def rounded(share: float) -> str:
    """Return a probability as text."""
    return f"{share:.6g}"
