"""The key of a cached result: a hash of the settings and of the code that computes the result."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Callable, Mapping
from typing import Any


def cache_key(part: Callable[..., Any], settings: Mapping[str, Any]) -> str:
    """Return a SHA-256, shortened, of `settings` and of the code that `part` runs in its own study.

    The functions, classes and constants that `part` names are followed within its module, or within its package for
    the studies that come with fastnn. All other code is represented by the version of fastnn, which belongs in
    `settings`.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    _follow(part, _home(part), digest.update, set())
    return digest.hexdigest()[:24]


def _home(value: Any) -> str:
    """The module of a function or class, or the package if it belongs to one of fastnn's own studies."""
    return ".".join(str(value.__module__).split(".")[:3])


def _follow(value: Any, module: str, add: Callable[[bytes], None], seen: set[int]) -> None:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, types.FunctionType):
        if _home(value) == module:
            _follow_code(value.__code__, value.__globals__, module, add, seen)
            add(repr((value.__defaults__, value.__kwdefaults__)).encode())
        else:
            add(f"{value.__module__}.{value.__qualname__}".encode())
    elif isinstance(value, type):
        if _home(value) == module:
            for name, item in vars(value).items():
                if callable(item) or isinstance(item, classmethod | staticmethod | property) or name[:2] != "__":
                    _follow(item, module, add, seen)
    elif isinstance(value, classmethod | staticmethod):
        _follow(value.__func__, module, add, seen)
    elif isinstance(value, property):
        _follow(value.fget, module, add, seen)
    elif _is_plain(value):
        add(repr(value).encode())
    elif isinstance(value, dict):
        for name, item in value.items():
            add(repr(name).encode())
            _follow(item, module, add, seen)
    elif isinstance(value, tuple | list):
        for item in value:
            _follow(item, module, add, seen)


def _is_plain(value: Any) -> bool:
    """Whether ``repr(value)`` is the same in every process. That of a function contains its address."""
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.items())
    if isinstance(value, tuple | list | frozenset):
        return all(map(_is_plain, value))
    return isinstance(value, int | float | str | bytes | type | None)


def _follow_code(
    code: types.CodeType, names: Mapping[str, Any], module: str, add: Callable[[bytes], None], seen: set[int]
) -> None:
    add(code.co_code)
    docstring = code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else None
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _follow_code(constant, names, module, add, seen)
        elif constant is not docstring:
            add(repr(constant).encode())
    for name in code.co_names:
        add(name.encode())
        if name in names:
            _follow(names[name], module, add, seen)
