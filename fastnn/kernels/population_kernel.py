"""The kernel of populations of the backend in use."""

from __future__ import annotations

from functools import cache

from fastnn.kernels.backend import KernelFunction, current_backend, native_isa
from fastnn.kernels.reference.population import population_steps as reference_steps

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


@cache
def _native_steps(isa: str) -> KernelFunction:
    return _native.isa_tables("populations")[isa]["population_steps"]


def population_steps() -> KernelFunction:
    """``population_steps`` of the native backend, if that is in use, else of the reference."""
    isa = native_isa()
    return _native_steps(isa) if current_backend() == "native" and isa is not None else reference_steps
