"""Runs kernels at once, on new arrays. Layers use this when a step is not being recorded."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from fastnn.kernels.backend import KernelFunction, get


class Counter(NamedTuple):
    """What counter-based random masks depend on: the seed, and the position in the training."""

    seed: int
    step: Any  # (1,) int64, counted from 1
    row: Any  # (1,) int64: the position in the batch of the first sample that is processed

    @classmethod
    def at(cls, seed: int = 0, step: int = 0, row: int = 0) -> Counter:
        """A counter with fixed numbers."""
        return cls(seed, np.array([step]), np.array([row]))


class Ops(Protocol):
    """What a layer computes with: kernels by name, and a method that makes output arrays.

    `Eager` runs each call at once. A recorder (``fastnn.program``) records the same calls, with stand-ins for arrays
    that have a shape and a dtype but no data.
    """

    dtype: np.dtype[Any]
    """The dtype of the model's arrays."""

    beta: float
    """0.0 if gradients of parameters are written, 1.0 if they are added to what is there (over blocks of a batch)."""

    counter: Counter
    """The seed, the step and the first row, for layers that draw random numbers."""

    precision: int
    """That of products; see `fastnn.kernels.Precision`."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Any:
        """An uninitialised array of the model's dtype, or of `dtype`."""

    def __getattr__(self, kernel: str) -> KernelFunction:
        """Kernel `kernel` of the table (fastnn.kernels.SIGNATURES)."""


class Eager:
    """Runs every kernel at once, on NumPy arrays.

    Parameters
    ----------
    dtype : dtype
        The dtype of the arrays that `empty` makes.
    beta : float
        0.0 or 1.0; see `Ops.beta`.
    counter : Counter, optional
        See `Ops.counter`. Default: step 0 of seed 0.
    precision : int
        See `Ops.precision`.
    """

    def __init__(self, dtype: DTypeLike, beta: float = 0.0, counter: Counter | None = None, precision: int = 0) -> None:
        self.dtype = np.dtype(dtype)
        self.beta, self.precision = beta, precision
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
