"""What may be handed to a `Trainer`: each check gives it back, or raises and says what was expected."""

from __future__ import annotations

import math
import numbers
from typing import TypeVar

T = TypeVar("T")


def checked(name: str, value: T, kind: type[T]) -> T:
    """`value`, which must be of that type."""
    if not isinstance(value, kind):
        raise TypeError(f"Trainer: {name} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def limit(name: str, value: float | None) -> float | None:
    """`value` as a float above 0; None as it is."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"Trainer: {name} must be a number, got {type(value).__name__}")
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"Trainer: {name} must be finite and above 0, got {value}")
    return number


def count(name: str, value: int, least: int = 1, owner: str = "Trainer") -> int:
    """`value` as an int, which must be at least `least`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{owner}: {name} must be an int, got {type(value).__name__}")
    if not least <= value < 2**64:
        raise ValueError(f"{owner}: {name} must be at least {least} and below 2**64, got {value}")
    return int(value)
