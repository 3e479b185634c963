"""The order of names in which s2 comes before s10."""

from __future__ import annotations

import re


def natural_order(text: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that orders digits within a name as numbers, and tells apart names that differ in zeros only.

    Examples
    --------
    >>> from fastnn.data.natural import natural_order
    >>> sorted(["s10", "s2", "s02"], key=natural_order)
    ['s02', 's2', 's10']
    """
    parts = [part.lstrip("0") if part.isdecimal() else part for part in re.split(r"(\d+)", text)]
    return [(len(part), part) if k % 2 else (-1, part) for k, part in enumerate(parts)], text
