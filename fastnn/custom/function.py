"""What is given to `fastnn.custom`: the text of a function and the names of its arguments."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from types import FunctionType
from typing import Any, NoReturn

Function = Callable[..., Any]


def refuse(owner: str, what: str, line: int | None = None) -> NoReturn:
    where = "" if line is None else f" (line {line} of the function)"
    raise ValueError(f"{owner}: {what}{where}")


def parameters(owner: str, function: Function) -> list[inspect.Parameter]:
    """The parameters of a function, which must all be plain names."""
    if not isinstance(function, FunctionType):
        hint = "; leave Numba's decorator out" if isinstance(getattr(function, "py_func", None), FunctionType) else ""
        raise TypeError(f"{owner}: expected a function made with def, got {function!r:.80}{hint}")
    found = list(inspect.signature(function, follow_wrapped=False).parameters.values())
    if any(p.kind not in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY, p.KEYWORD_ONLY) for p in found):
        refuse(owner, "expected arguments with names, got * or **")
    return found


def check_places(owner: str, names: Sequence[str], places: Mapping[int, Collection[str]]) -> None:
    """Refuse arguments whose names say that they stand in another order than the one in which they are given.

    Parameters
    ----------
    owner : str
    names : sequence of str
        Of the arguments.
    places : mapping of int to collection of str
        For some places, what is usually called by which names.
    """
    for place, usual in places.items():
        for at, name in enumerate(names):
            if name in usual and at != place:
                listed = ", ".join(names)
                refuse(owner, f"expected {name} as argument {place + 1}, got it as argument {at + 1} of ({listed})")


def tree_of(owner: str, function: Function) -> ast.FunctionDef:
    """The text of a function as a tree: of the one that is called, not of one that a decorator has hidden behind it."""
    code = function.__code__
    try:
        if code.co_name == "<lambda>" or code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            refuse(owner, "expected a function made with def, got a lambda or a coroutine")
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError):
        refuse(owner, "the text of the function cannot be read; define it in a file or a notebook's cell")
    return next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == code.co_name)
