"""The signatures of all kernels by name, and the kernels of a backend that is written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType

from fastnn.kernels.signature import Signature, parse
from fastnn.kernels.signatures import SIGNATURE_TEXTS

SIGNATURES: dict[str, Signature] = {s.name: s for s in map(parse, SIGNATURE_TEXTS)}


def kernels_in(modules: Iterable[ModuleType]) -> dict[str, Callable[..., None]]:
    """The functions in `modules` that have the name of a kernel, by that name."""
    return {name: getattr(module, name) for module in modules for name in SIGNATURES if hasattr(module, name)}
