"""The gradient of one array, and its finite differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastnn.gradcheck.differences import Float64, Quotient, default_step, difference
from fastnn.gradcheck.result import ArrayCheck
from fastnn.random import Purpose, permutation

# These smaller steps are tried if the first may straddle a kink; with still smaller ones, rounding dominates.
_REFINEMENTS = (1 / 16, 1 / 256)


@dataclass(frozen=True)
class Target:
    """An array, its gradient by back-propagation, and the function that the gradient belongs to.

    Attributes
    ----------
    name : str
    value : float64 array
        Where the gradient is computed.
    analytic : float64 array, shape of value
        The gradient of ``sum(evaluate(value) * cotangent)`` that is checked.
    evaluate : callable
        ``evaluate(value) -> float64 array``; it must not write into its argument.
    cotangent : float64 array or number
        It has the shape of the output.
    """

    name: str
    value: Float64
    analytic: Float64
    evaluate: Callable[[Float64], Float64]
    cotangent: Float64 | np.float64

    def numeric(self, index: tuple[int, ...], h: float, *, central: bool = True) -> Quotient:
        """Return the difference quotient along one entry."""
        return difference(self.evaluate, self.value, index, h, self.cotangent, central=central)

    def sample(self, count: int | None, seed: int, stream: int) -> list[tuple[int, ...]]:
        """Return `count` random indices without repetition, in order; None means all indices."""
        size = self.value.size
        if size == 0:
            raise ValueError(f"gradcheck: {self.name} is empty, shape {self.value.shape}")
        flat: NDArray[np.int64] = np.arange(size)
        if count is not None and count < size:
            flat = np.sort(permutation(seed, Purpose.CHECK, stream, size)[:count])
        return [tuple(int(i) for i in np.unravel_index(k, self.value.shape)) for k in flat]

    def compare(self, indices: list[tuple[int, ...]], *, tolerance: float, h: float | None, refine: bool) -> ArrayCheck:
        """Compare the entries at `indices`; with `refine`, use smaller steps where a kink may be near."""
        steps = default_step(self.value) if h is None else np.full(self.value.shape, h)
        quotients = [self.numeric(i, float(steps[i])) for i in indices]
        analytic = np.array([self.analytic[i] for i in indices])
        refined = 0
        if refine:
            doubtful = ~(_relative(analytic, np.array([q.value for q in quotients])) <= tolerance)
            for k in np.flatnonzero(doubtful).tolist():
                nearer = self._off_the_kink(indices[k], float(steps[indices[k]]), quotients[k])
                refined += nearer is not quotients[k]
                quotients[k] = nearer
        numeric = np.array([q.value for q in quotients])
        rounding = max(q.rounding for q in quotients)
        k = int(np.argmax(np.abs(analytic - numeric)))  # a NaN counts as the largest
        return ArrayCheck(
            name=self.name,
            shape=self.value.shape,
            checked=len(indices),
            error=relative_error(analytic, numeric),
            rounding=rounding,
            index=indices[k],
            analytic=float(analytic[k]),
            numeric=float(numeric[k]),
            tolerance=tolerance,
            refined=refined,
            zero=bool(np.abs(analytic).max() <= rounding and np.abs(numeric).max() <= rounding),
        )

    def _off_the_kink(self, index: tuple[int, ...], h: float, quotient: Quotient) -> Quotient:
        """Return the quotient for `h`, or for a smaller step if `h` straddles a kink.

        If the function is smooth, all quotients agree up to rounding and the first is returned. The analytic value
        plays no part in the choice, so a wrong gradient still fails.
        """
        small, smaller = (self.numeric(index, h * factor) for factor in _REFINEMENTS)
        if abs(quotient.value - smaller.value) <= smaller.rounding:
            return quotient
        return small if abs(small.value - smaller.value) <= smaller.rounding else smaller


def relative_error(analytic: Float64, numeric: Float64) -> float:
    """Return ``max|analytic - numeric| / max|numeric|``; 0 if both are zero, NaN if either is NaN."""
    return float(_relative(analytic, numeric).max())


def _relative(analytic: Float64, numeric: Float64) -> Float64:
    gap = np.abs(analytic - numeric)
    with np.errstate(divide="ignore", invalid="ignore"):
        error: Float64 = np.where(gap == 0, 0.0, gap / np.abs(numeric).max())
    return error
