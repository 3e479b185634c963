"""The kernel of populations of the backend in use."""

from __future__ import annotations

from fastnn.kernels.backend import KernelFunction, current_backend, native_population
from fastnn.kernels.reference.population import population_steps as reference_steps


def population_steps() -> KernelFunction:
    """``population_steps`` of the native backend, if that is in use, else of the reference."""
    found = native_population().get("population_steps") if current_backend() == "native" else None
    return reference_steps if found is None else found
