"""Compiles a loop when it is first called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import ParamSpec, cast

P = ParamSpec("P")


def jit(function: Callable[P, None]) -> Callable[P, None]:
    """Let Numba compile `function` at its first call, and cache the machine code on disk if possible.

    Numba is imported at the first call as well, because the native backend looks through this package without needing
    it.
    """
    compiled: Callable[P, None] | None = None

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        nonlocal compiled
        if compiled is None:
            compiled = _compile(function)
        compiled(*args, **kwargs)

    return call


def _compile(function: Callable[P, None]) -> Callable[P, None]:
    import numba

    njit = partial(numba.njit, nogil=True, error_model="numpy", fastmath=False)
    try:
        dispatcher = njit(function, cache=True)
    except RuntimeError:  # neither NUMBA_CACHE_DIR nor this folder nor the user's cache is writable
        dispatcher = njit(function)
    return cast("Callable[P, None]", dispatcher)
