"""Objects that can be made by name: optimisers, schedules, losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def named(what: str, wanted: str | T, base: type[T], table: Mapping[str, type[T]], options: Mapping[str, Any]) -> T:
    """The object of a name in a table of classes, made with `options`; an instance of `base` is returned as it is.

    Raises
    ------
    ValueError
        If there is no class of that name; `what` begins the message.
    """
    if isinstance(wanted, base):
        return wanted
    if not isinstance(wanted, str) or wanted not in table:
        raise ValueError(f"{what}: expected one of {', '.join(table)}, got {wanted!r}")
    return table[wanted](**options)
