"""Objects that can be made by name: optimisers, schedules, losses."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

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


def constructor_arguments(cls: type) -> Mapping[str, inspect.Parameter]:
    """The constructor arguments of a class, which are looked up once."""
    return _arguments(cast(Hashable, cls))


@lru_cache(maxsize=256)
def _arguments(cls: Hashable) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(cast(type, cls)).parameters
