"""Running kernels at once, on fresh arrays: what layers see when a step is not being recorded."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from fastnn.kernels.backend import KernelFunction, get


class Counter(NamedTuple):
    """Where in a training a step stands: what counter-based random masks depend on."""

    seed: int
    step: Any  # (1,) int64, counted from 1
    row: Any  # (1,) int64: place in its batch of the first sample worked on

    @classmethod
    def at(cls, seed: int = 0, step: int = 0, row: int = 0) -> Counter:
        """A counter of numbers that stand still."""
        return cls(seed, np.array([step]), np.array([row]))


class Ops(Protocol):
    """What a layer computes with: kernels by name, and a way to get an output array.

    `Eager` runs each call at once. A recorder (``fastnn.program``) takes the same calls down, with
    stand-ins for arrays that have a shape and a dtype but no data.
    """

    dtype: np.dtype[Any]
    """Of the model's arrays."""

    beta: float
    """What gradients of parameters start from: 0.0 nothing, 1.0 what they hold (sums over blocks of a batch)."""

    counter: Counter
    """For layers that draw: the seed, the step, the first row."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Any:
        """An uninitialised array of the model's dtype, or of `dtype`."""

    def __getattr__(self, kernel: str) -> KernelFunction:
        """Kernel `kernel` of the table (fastnn.kernels.SIGNATURES)."""


class Eager:
    """Ops that run at once on NumPy arrays.

    Parameters
    ----------
    dtype : dtype
        Of the arrays that `empty` makes.
    beta : float
        0.0 or 1.0, see `Ops.beta`.
    counter : Counter, optional
        See `Ops.counter`; default: step 0 of seed 0.
    """

    def __init__(self, dtype: DTypeLike, beta: float = 0.0, counter: Counter | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self.beta = beta
        self.counter = Counter.at() if counter is None else counter

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Any:
        """An uninitialised C-contiguous array."""
        return np.empty(shape, self.dtype if dtype is None else dtype)

    def __getattr__(self, kernel: str) -> KernelFunction:
        """Kernel `kernel` of the backend in use."""
        try:
            return get(kernel)
        except KeyError:
            raise AttributeError(f"no kernel is called {kernel!r}") from None
