"""Objects that may be asked for by name: optimisers, schedules, losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def named(what: str, wanted: str | T, base: type[T], table: Mapping[str, type[T]], options: Mapping[str, Any]) -> T:
    """`wanted` itself where it is a `base`, else the one of that name in `table`, made with `options`.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if isinstance(wanted, base):
        return wanted
    if not isinstance(wanted, str) or wanted not in table:
        raise ValueError(f"{what}: expected one of {', '.join(table)}, got {wanted!r}")
    return table[wanted](**options)
