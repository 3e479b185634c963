"""What the JSON in model files and checkpoints must look like: checked as a whole, before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fastnn.kernels.precisions import PRECISIONS


class Field(NamedTuple):
    """One entry of an object.

    Parameters
    ----------
    expected : str
        What its value must be, in words.
    fits : callable
        Whether a value is that.
    required : bool
    """

    expected: str
    fits: Callable[[Any], bool]
    required: bool = True


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, of at least 0 and below 2**63."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def is_seed(value: Any) -> bool:
    """Whether a value is a seed, a whole number of at least 0 and below 2**64."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**1023 if isinstance(value, int) else math.isfinite(value)


def is_text(value: Any) -> bool:
    """Whether a value is text."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def is_object(value: Any) -> bool:
    """Whether a value is an object, a mapping of names to values."""
    return isinstance(value, dict)


def list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A check for lists all of whose values pass `fits`."""
    return lambda value: isinstance(value, list) and all(map(fits, value))


def or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A check for values that pass `fits`, or None."""
    return lambda value: value is None or fits(value)


def check_fields(what: str, value: Any, fields: Mapping[str, Field]) -> None:
    """Check that a value is an object with these entries and no others.

    Parameters
    ----------
    what : str
        Begins the message of an error.
    value : JSON value
    fields : mapping of str to Field

    Raises
    ------
    ValueError
        If it is not.

    Examples
    --------
    >>> from fastnn.model.schema import Field, check_fields, is_whole
    >>> check_fields("position", {"step": -1}, {"step": Field("a whole number", is_whole)})
    Traceback (most recent call last):
    ValueError: position: step: expected a whole number, got -1
    """
    if not isinstance(value, dict):
        raise ValueError(f"{what}: expected an object, got {value!r:.80}")
    for name in value:
        if name not in fields:
            raise ValueError(f"{what}: expected {', '.join(fields)}, got {name!r:.80}")
    for name, field in fields.items():
        if name not in value:
            if field.required:
                raise ValueError(f"{what}: {name} is missing")
        elif not field.fits(value[name]):
            raise ValueError(f"{what}: {name}: expected {field.expected}, got {value[name]!r:.80}")


_NAMES = or_none(list_of(is_text))

CONFIG = {
    "layers": Field("a list of layers", list_of(lambda layer: is_object(layer) and is_text(layer.get("type")))),
    "input_shape": Field("a list of sizes", list_of(is_whole)),
    "dtype": Field("'float32' or 'float64'", lambda value: value in ("float32", "float64"), required=False),
    "seed": Field("a whole number below 2**64 or null", or_none(is_seed), required=False),
    "input_scale": Field("a finite number", is_number, required=False),
    "class_names": Field("a list of text or null", _NAMES, required=False),
    "task": Field("text", is_text, required=False),
    "points": Field("an object of text", lambda v: is_object(v) and all(map(is_text, v.values())), required=False),
    "column_names": Field("a list of text or null", _NAMES, required=False),
    "channels_last": Field("true or false", is_flag, required=False),
    "reading": Field("an object", is_object, required=False),
    "precision": Field(f"one of {', '.join(PRECISIONS)}", lambda value: value in PRECISIONS, required=False),
}
"""The configuration of a model, as `fastnn.Sequential.config` makes it."""
