"""What an operation of the user's own consists of, as plain text: enough to make it again in another process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn._version import __version__
from fastnn.custom import plain
from fastnn.custom.compile import Entry, addresses
from fastnn.custom.source import Source
from fastnn.kernels import custom
from fastnn.kernels.custom import Kind
from fastnn.layers import REGISTRY
from fastnn.losses import ALIASES, LOSSES
from fastnn.optim import OPTIMIZERS

Function = Callable[..., Any]
_WORDS = {"linear"} | {word for layer in REGISTRY.values() for word in (layer.kind, *layer.words)}
_BUILT_IN: dict[Kind, Collection[str]] = {
    "activation": _WORDS,
    "layer": _WORDS,
    "loss": {*LOSSES, *ALIASES},
    "update rule": OPTIMIZERS.keys(),
}


def checked_name(owner: str, kind: Kind, function: Function, name: object) -> str:
    """The name of an operation: `name`, or that of its function if it is None.

    Raises
    ------
    TypeError, ValueError
        If it is not a word that Python takes as a name, or the name of something built in.
    """
    found = function.__name__ if name is None else name
    if not isinstance(found, str):
        raise TypeError(f"{owner}: name: expected text, got {found!r:.80}")
    if not found.isidentifier():
        raise ValueError(f"{owner}: name: expected a name of letters, digits and _, got {found!r:.80}")
    if found in _BUILT_IN[kind]:
        raise ValueError(f"{owner}: name: {found!r} is built in; give this {kind} another name")
    other: Kind = "activation" if kind == "layer" else "layer"
    if kind in ("activation", "layer") and custom.find(other, found) is not None:
        raise ValueError(f"{owner}: name: {found!r} is the name of a custom {other}; give this {kind} another name")
    return found


@dataclass(frozen=True)
class Definition:
    """An operation: its name, the functions that it is made of, and what its derivative was taken from.

    Parameters
    ----------
    name : str
    text : str
        Python functions of numbers, as `fastnn.custom.source` writes them.
    module : str
        Where the user's function stands.
    derivative : {"given", "dual numbers", "central differences", ""}
    kinks : tuple of float
        Points at which the function is not smooth, as far as the check has seen.
    """

    name: str
    text: str
    module: str
    derivative: str = ""
    kinks: tuple[float, ...] = ()

    @property
    def digest(self) -> str:
        """Of what is computed."""
        return hashlib.sha256(f"{self.text}\0{__version__}".encode()).hexdigest()

    def plain(self, *names: str) -> list[Function]:
        """Some of the functions, as Python functions of float64."""
        found = plain.run(self.text)
        return [_quiet(found[name]) for name in names]

    def compile(self, dtype: str, loops: str, entries: Sequence[Entry], *, bounded: bool = False) -> list[int]:
        """The addresses of compiled loops over the functions.

        Parameters
        ----------
        dtype : {"float32", "float64"}
        loops : str
            Functions that call those of the definition for each element.
        entries : sequence of Entry
            The loops.
        bounded : bool
            Whether an index beyond an array raises an IndexError, instead of reading what lies there.
        """
        text = re.sub(r"^def ", f"@{'bounded' if bounded else 'compiled'}\ndef ", self.text, flags=re.MULTILINE)
        found, functions = addresses(self.name, f"{text}\n\n\n{loops}", entries, dtype)
        _KEPT.append(functions)
        return found


_KEPT: list[list[Any]] = []  # compiled functions live as long as the process: the C side may call them at any time


def _quiet(function: Function) -> Function:
    def call(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return call


def joined(*sources: Source) -> str:
    """The text of some sources, each function once."""
    found: dict[str, str] = {}
    for source in sources:
        for function, text in zip(source.tree, source.text.split("\n\n"), strict=True):
            found.setdefault(function.name, text)
    return "\n\n\n".join(found.values())
