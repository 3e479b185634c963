"""Describing optimisers, schedules, losses and data in JSON, and building them again from their descriptions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import data, losses, optim, schedules
from fastnn.data.mapped import rows_of
from fastnn.losses import Loss
from fastnn.named import declared_arguments
from fastnn.optim import Optimizer
from fastnn.schedules import Schedule

_NOT_DESCRIBED = ("model", "callbacks", "progress", "print_every")  # arguments of Trainer
_ADDED = {"precision": "float32"}  # arguments that older checkpoints lack, with what they were
_MAY_DIFFER = ("epochs", "compile", "on_nonfinite")  # a resumed training gives the same bits all the same
_HASHED_BYTES = 2**26  # of a larger array, only rows at equal distances are hashed


def describe(value: Any) -> Any:
    """A value as JSON can hold it: objects by type and arguments, functions by name, arrays by their SHA-256."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return fingerprint(value)
    if isinstance(value, Mapping):
        return {"items": [[describe(key), describe(item)] for key, item in value.items()]}  # JSON's keys are text
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if callable(value) and hasattr(value, "__qualname__"):
        return {"function": value.__qualname__}
    return {"type": type(value).__name__, "arguments": {n: describe(v) for n, v in arguments_of(value).items()}}


def arguments_of(value: Any) -> dict[str, Any]:
    """The constructor arguments of an object: what its `config` returns, or its public attributes."""
    if hasattr(value, "config"):
        return dict(value.config())
    return {name: item for name, item in vars(value).items() if not name.startswith("_")}


def rebuild(name: str, description: Any) -> Any:
    """The value that `describe` described, if it consists of fastnn's own classes.

    Parameters
    ----------
    name : str
        What the value is, for the message of an error.
    description : JSON value

    Raises
    ------
    ValueError
        If it does not.
    """
    if isinstance(description, list):
        return [rebuild(name, item) for item in description]
    if not isinstance(description, dict):
        return description
    if set(description) == {"type", "arguments"}:
        cls = _known().get(description["type"])
        if cls is not None:
            return cls(**{key: rebuild(f"{name}.{key}", item) for key, item in description["arguments"].items()})
    if set(description) == {"items"}:
        return {key: rebuild(name, item) for key, item in description["items"]}
    what = description.get("type") or description.get("function") or "an array"
    raise ValueError(f"{name} was {what}, which a checkpoint does not hold; pass {name}=…")


def _known() -> dict[str, type]:
    return {
        cls.__name__: cls
        for module, base in ((optim, Optimizer), (schedules, Schedule), (losses, Loss), (data, data.Augmentation))
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, base)
    }


def configuration(trainer: object) -> dict[str, Any]:
    """The arguments of a trainer that decide what it does to the model, described."""
    names = (name for name in declared_arguments(type(trainer)) if name not in _NOT_DESCRIBED)
    return {name: describe(getattr(trainer, name)) for name in names}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Describe in words the differences between two configurations that keep a training from being resumed."""
    before = {**_ADDED, **before}
    names = [name for name in (*before, *(name for name in now if name not in before)) if name not in _MAY_DIFFER]
    return [
        f"{name} was {_short(before.get(name))}, is {_short(now.get(name))}"
        for name in names
        if before.get(name) != now.get(name)
    ]


def _short(description: Any) -> str:
    arguments = description.get("arguments") if isinstance(description, dict) else None
    if isinstance(arguments, dict) and set(description) == {"type", "arguments"}:
        inner = ", ".join(f"{key}={_short(item)}" for key, item in arguments.items())
        return f"{description['type']}({inner})"
    return repr(description)


def fingerprint(array: NDArray[Any]) -> dict[str, Any]:
    """Shape, dtype and SHA-256 of an array; for more than 64 MiB, the SHA-256 of rows at equal distances."""
    step = max(1, -(-array.nbytes // _HASHED_BYTES))
    rows = rows_of(array, slice(None, None, step)) if array.ndim else array
    digest = hashlib.sha256(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data).hexdigest()
    return {"shape": list(array.shape), "dtype": array.dtype.name, "sha256": digest}
