"""Constructor parameters taken over from a base class, each with one default in one place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T", bound=type)


def with_parameters_of(base: type) -> Callable[[T], T]:
    """Show the parameters of `base`'s constructor where the class's own has ``**rest``.

    scikit-learn reads an estimator's parameters from the signature of its constructor.
    """

    def decorate(cls: T) -> T:
        constructor: Any = vars(cls)["__init__"]
        own = inspect.signature(constructor)
        named = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        inherited = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, p in inspect.signature(vars(base)["__init__"]).parameters.items()
            if name not in own.parameters
        ]
        constructor.__signature__ = own.replace(parameters=[*named, *inherited])
        return cls

    return decorate
