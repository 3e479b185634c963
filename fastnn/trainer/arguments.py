"""What may be handed to a `Trainer`: each check gives it back, or raises and says what was expected."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def checked(name: str, value: T, kind: type[T]) -> T:
    """`value`, which must be of that type."""
    if not isinstance(value, kind):
        raise TypeError(f"Trainer: {name} must be a {kind.__name__}, got {type(value).__name__}")
    return value
