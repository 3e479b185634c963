"""Objects that can be made by name: optimisers, schedules, losses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar, cast

T = TypeVar("T")

SYNONYMS: Mapping[str, str] = {
    "swish": "silu",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "leakyrelu": "leaky_relu",
    "lrelu": "leaky_relu",
    "linear": "identity",
    "logistic": "sigmoid",
    "acc": "accuracy",
    "val_acc": "val_accuracy",
    "f1": "macro_f1",
    "f1_score": "macro_f1",
    "nll": "softmax_cross_entropy",
    "log_loss": "softmax_cross_entropy",
    "softmax": "softmax_cross_entropy",
    "he": "he_normal",
    "kaiming": "he_normal",
    "kaiming_normal": "he_normal",
    "kaiming_uniform": "he_uniform",
    "glorot": "glorot_uniform",
    "xavier": "glorot_uniform",
}
"""A name that other libraries give to something, and its name here."""


def named(
    what: str,
    wanted: str | T,
    base: type[T],
    table: Mapping[str, type[T]],
    options: Mapping[str, Any],
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> T:
    """The object of a name in a table of classes, made with `options`; an instance of `base` is returned as it is.

    `aliases` are other names of those in the table.

    Raises
    ------
    ValueError
        If there is no class of that name; `what` begins the message.
    TypeError
        If it is neither a name nor such an object.
    """
    if isinstance(wanted, base):
        return wanted
    if not isinstance(wanted, str):
        raise TypeError(
            f"{what}: expected one of {', '.join(table)}, or an object of {base.__name__}, "
            f"got {of_type(wanted)}{how_to_make(wanted, base)}"
        )
    name = aliases.get(wanted, wanted)
    if name not in table:
        raise ValueError(
            f"{what}: expected one of {', '.join(table)}, got {wanted!r}{suggestion(wanted, (*table, *aliases))}"
        )
    return table[name](**options)


def suggestion(wanted: object, known: Iterable[str]) -> str:
    """The end of an error's message that names what was probably meant, or nothing if nothing known is like it.

    Parameters
    ----------
    wanted : object
        What was given.
    known : iterable of str

    Examples
    --------
    >>> from fastnn.named import suggestion
    >>> suggestion("hubber", ("huber", "quantile"))
    "; did you mean 'huber'?"
    >>> suggestion("swish", ("relu", "silu"))
    "; did you mean 'silu'?"
    """
    names = list(known)
    # as it is written first, because a class may have the name of its module but for the capital
    spelled = (wanted, wanted.lower()) if isinstance(wanted, str) else ()
    meant = [SYNONYMS[text] for text in spelled if SYNONYMS.get(text) in names]
    near = meant or next(filter(None, (get_close_matches(text, names, 1) for text in spelled)), [])
    return f"; did you mean {near[0]!r}?" if near else ""


def of_type(value: object) -> str:
    """What a value is, for the end of a message about it: its type, or the name of the class that it is itself.

    Examples
    --------
    >>> from fastnn.named import of_type
    >>> of_type(1.5), of_type(float)
    ('float', 'the class float')
    """
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def how_to_make(wanted: object, base: type) -> str:
    """The end of the message about a class that stands where an object of it should, or nothing about other values.

    Parameters
    ----------
    wanted : object
        What was given in the place of an object of `base`.
    base : type

    Examples
    --------
    >>> from fastnn.named import how_to_make
    >>> from fastnn.layers import Layer, ReLU
    >>> how_to_make(ReLU, Layer)
    '; ReLU() makes one'
    """
    return f"; {wanted.__name__}() makes one" if isinstance(wanted, type) and issubclass(wanted, base) else ""


def is_built_in(cls: type) -> bool:
    """Whether a class is one of fastnn's own, and not a user's, which may do something else."""
    return cls.__module__.startswith("fastnn.")


def declared_arguments(called: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The arguments of a class's constructor, or of a function, which are looked up once."""
    return _arguments(cast(Hashable, called))


@lru_cache(maxsize=256)
def _arguments(called: Hashable) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(cast(Callable[..., Any], called)).parameters
