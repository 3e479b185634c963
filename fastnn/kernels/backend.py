"""The choice of the backend that runs a kernel.

``native`` falls back to ``numba``, and ``numba`` to ``reference``, for the kernels that they do not have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from fastnn.caller import warn_caller
from fastnn.environment import BACKEND, ISA
from fastnn.kernels.precisions import Precision
from fastnn.random.philox import use_compiled

KernelFunction = Callable[..., None]
_NAMES = ("native", "numba", "reference")  # best first
# The kernels of AVX-512, with products in AMX's tile registers where a precision allows them. Where there is no AMX,
# those of the best set that there is, with functions in the place of the registers' instructions: for tests.
_AMX = "amx"
_AMX_TABLES = "avx512"

try:
    import fastnn.kernels._native as _native  # in this form, the error names the module if it is missing
except ImportError as _error:
    _native = None  # type: ignore[assignment]
    _native_error = str(_error)


def _has_amx() -> bool:
    """Whether instructions on tile registers are compiled and the processor has them."""
    return _AMX_TABLES in _native.isa_tables() and bool(_native.has_amx())


def _chosen_isa() -> str:
    """The name of the instruction set to use: ``FASTNN_ISA``, or the best one."""
    names = [*([_AMX] if _has_amx() else []), *_native.isa_tables()]
    asked = os.environ.get(ISA)
    if asked and asked not in (*names, _AMX):
        raise ImportError(f"{ISA}: expected one of {', '.join(names)} on this machine, got {asked!r}")
    return asked or names[0]


@cache
def native_isa() -> str | None:
    """The instruction set of the native backend; None without the native module."""
    return None if _native is None else _chosen_isa()


def isa_in_words() -> str | None:
    """The instruction set of the native backend, and whether functions stand for its instructions."""
    isa = native_isa()
    return f"{isa} (emulated)" if isa == _AMX and not _has_amx() else isa


def native_table(which: str = "kernels") -> Mapping[str, KernelFunction]:
    """The native "kernels", "probes" or "populations" of the instruction set in use, by name."""
    isa = native_isa()
    assert isa is not None  # callers make sure that there is a native module
    tables = _native.isa_tables(which)  # the best one comes first
    return dict(tables[next(iter(tables)) if isa == _AMX else isa])


def faster_precisions() -> frozenset[Precision]:
    """The precisions in which the kernels in use multiply faster than in float32; with emulated tiles all of them."""
    return _native_precisions() if current_backend() == "native" else frozenset()


@cache
def _native_precisions() -> frozenset[Precision]:
    """Those of the native kernels. The system is asked for AMX here, so that it is asked only if it is needed."""
    isa = native_isa()
    if isa == _AMX and _native.use_tiles("amx" if _has_amx() else "emulated"):
        return frozenset(Precision) - {Precision.FLOAT32}
    if isa in (_AMX, _AMX_TABLES) and _native.bf16_is_fast():
        return frozenset([Precision.BF16])
    return frozenset()


def panel_columns(dtype: np.dtype[Any]) -> int:
    """The number of columns in the panels of weights that native kernels read fastest."""
    return _own_kernels("native")["affine_forward"].panel_columns(dtype)  # type: ignore[attr-defined, no-any-return]


def available_backends() -> tuple[str, ...]:
    """The names of the backends that this installation has, best first."""
    present = {
        "native": _native is not None,
        "numba": find_spec("numba") is not None and find_spec("fastnn.kernels.numba") is not None,
        "reference": True,
    }
    return tuple(name for name in _NAMES if present[name])


@cache
def _own_kernels(backend: str) -> Mapping[str, KernelFunction]:
    if backend == "native":
        return native_table()
    if backend == "numba":
        from fastnn.kernels import numba

        return numba.KERNELS
    from fastnn.kernels import reference  # a process on native kernels never needs it

    return reference.KERNELS


@cache
def native_population() -> Mapping[str, KernelFunction]:
    """The native kernels of populations and of random words, which are no rows of the table; empty without them."""
    return {} if _native is None else native_table("populations")


@cache
def _table(backend: str) -> Mapping[str, tuple[str, KernelFunction]]:
    """Return for each kernel name the first backend, from `backend` on, that has the kernel, and its function there."""
    found: dict[str, tuple[str, KernelFunction]] = {}
    for name in reversed(_NAMES[_NAMES.index(backend) :]):
        if name in available_backends():
            found.update({kernel: (name, f) for kernel, f in _own_kernels(name).items()})
    return found


def _check(backend: str, source: str) -> str:
    if backend not in _NAMES:
        raise ValueError(f"{source}: expected one of {', '.join(_NAMES)}, got {backend!r}")
    if backend not in available_backends():
        reason = f"the native module cannot be loaded: {_native_error}" if backend == "native" else "pip install numba"
        raise ImportError(f"{source}: backend {backend!r} is not installed ({reason})")
    return backend


def _numba_works() -> bool:
    """Whether numba can be imported, which fails with NumPy and Python releases that are too new for it."""
    try:
        import numba  # noqa: F401
    except Exception:
        return False
    return "numba" in available_backends()


def _default() -> str:
    if os.environ.get(ISA):
        native_isa()  # an instruction set that is not available is an error now, not at the first call
    asked = os.environ.get(BACKEND)
    if asked:
        return _check(asked, BACKEND)
    if _native is None:
        best = "numba" if _numba_works() else "reference"
        warn_caller(
            f"fastnn runs without its compiled kernels ({_native_error}), on {best}: the same results, many times "
            "slower. Install a C compiler and Python's headers (Debian/Ubuntu: apt install gcc python3-dev), then "
            "pip install --no-cache-dir --force-reinstall fastnn-cpu",
            RuntimeWarning,
        )
        return best
    return "native"


_INITIAL = _default()
use_compiled(native_population().get("random_words"))
_current: ContextVar[str] = ContextVar("fastnn_backend", default=_INITIAL)


def current_backend() -> str:
    """The name of the backend in use."""
    return _current.get()


def get(name: str, backend: str | None = None) -> KernelFunction:
    """The kernel `name` of the backend in use, or of `backend`; if that has none, of the next backend that does."""
    return _table(backend or _current.get())[name][1]


def backend_of(name: str) -> str:
    """The backend that runs kernel `name` now."""
    return _table(_current.get())[name][0]


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Use the backend `name` for all kernels inside the ``with`` block.

    Parameters
    ----------
    name : {"native", "numba", "reference"}

    Raises
    ------
    ValueError
        If there is no backend of that name.
    ImportError
        If that backend is not installed.

    Examples
    --------
    >>> import fastnn
    >>> with fastnn.use_backend("reference"):
    ...     fastnn.kernels.current_backend()
    'reference'
    """
    token = _current.set(_check(name, "use_backend"))
    try:
        yield
    finally:
        _current.reset(token)
