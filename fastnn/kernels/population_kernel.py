"""The kernel of populations of the backend in use, and the compiled generator of random words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from fastnn.kernels.backend import KernelFunction, current_backend, native_isa
from fastnn.kernels.reference.population import population_steps as reference_steps
from fastnn.random.philox import use_compiled

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


@cache
def _native_table(isa: str) -> Mapping[str, KernelFunction]:
    return dict(_native.isa_tables("populations")[isa])


def population_steps() -> KernelFunction:
    """``population_steps`` of the native backend, if that is in use, else of the reference."""
    isa = native_isa()
    return (
        _native_table(isa)["population_steps"] if current_backend() == "native" and isa is not None else reference_steps
    )


if (_isa := native_isa()) is not None:
    use_compiled(_native_table(_isa)["random_words"])
