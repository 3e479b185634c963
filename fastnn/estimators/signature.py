"""Constructor parameters inherited from a base class, so that each default is written once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T", bound=type)


def parameter_names(kind: Any) -> tuple[str, ...]:
    """The names of the parameters of an estimator's constructor, in alphabetical order, as scikit-learn has them."""
    return _names_of(kind.__init__)


@lru_cache(maxsize=64)
def _names_of(constructor: Callable[..., Any]) -> tuple[str, ...]:
    found = inspect.signature(constructor).parameters.values()
    return tuple(sorted(p.name for p in found if p.name != "self" and p.kind is not inspect.Parameter.VAR_KEYWORD))


def with_parameters_of(base: type) -> Callable[[T], T]:
    """Decorate a class: replace ``**rest`` in the signature of its constructor by the parameters of `base`.

    scikit-learn reads the parameters of an estimator from the signature of its constructor.
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
