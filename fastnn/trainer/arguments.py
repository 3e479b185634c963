"""What may be handed to a `Trainer`: each check gives it back, or raises and says what was expected."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def checked(name: str, value: T, kind: type[T]) -> T:
    """`value`, which must be of that type."""
    if not isinstance(value, kind):
        raise TypeError(f"Trainer: {name} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def count(name: str, value: int, least: int = 1, owner: str = "Trainer") -> int:
    """`value` as an int, which must be at least `least`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{owner}: {name} must be an int, got {type(value).__name__}")
    if not least <= value < 2**64:
        raise ValueError(f"{owner}: {name} must be at least {least} and below 2**64, got {value}")
    return int(value)
