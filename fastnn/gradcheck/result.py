"""The results of gradient checks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastnn.views import text_lines


class GradCheckError(AssertionError):
    """A gradient disagrees with finite differences."""


@dataclass(frozen=True)
class ArrayCheck:
    """The gradient of one array, compared with finite differences.

    Attributes
    ----------
    name : str
        The name of the array, such as ``"w"`` or ``"dense1.w"``.
    shape : tuple of int
        Its shape.
    checked : int
        The number of entries that were compared.
    error : float
        ``max|analytic - numeric| / max|numeric|`` over these entries.
    index : tuple of int
        The index at which ``|analytic - numeric|`` is largest.
    analytic, numeric : float
        Both gradients there.
    tolerance : float
        The largest error that passes.
    rounding : float
        An upper bound of ``|analytic - numeric|`` from rounding in the differences alone. It decides if the gradient is
        so tiny compared with the outputs that rounding exceeds the tolerance.
    refined : int
        The number of entries for which a smaller step was needed because the first one straddled a kink.
    zero : bool
        Whether both gradients are zero as far as differences can tell. The check then says little, because a wrong
        factor would pass.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    error: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    tolerance: float
    rounding: float = 0.0
    refined: int = 0
    zero: bool = False

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance, or the largest difference within rounding."""
        # The comparisons are written so that a NaN fails.
        return self.error <= self.tolerance or abs(self.analytic - self.numeric) <= self.rounding


@dataclass(frozen=True)
class GradCheckResult:
    """The outcome of a gradient check, which is true if it passed and prints as a table.

    Attributes
    ----------
    name : str
        What was checked.
    tolerance : float
        The largest error that passes.
    arrays : tuple of ArrayCheck
        The result for each array, in order.
    problems : tuple of str
        Other faults, such as a function that wrote into its input.
    """

    name: str
    tolerance: float
    arrays: tuple[ArrayCheck, ...]
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every array passed and there was no other problem."""
        return not self.problems and all(a.passed for a in self.arrays)

    @property
    def errors(self) -> dict[str, float]:
        """The error of each array by name."""
        return {a.name: a.error for a in self.arrays}

    @property
    def worst(self) -> ArrayCheck:
        """The array with the largest error, with index and both values there.

        Arrays that failed come before those that passed, NaN before numbers.
        """
        return max(self.arrays, key=lambda a: (not a.passed, math.isnan(a.error), a.error))

    def raise_if_failed(self) -> None:
        """Raise if the check failed.

        Raises
        ------
        GradCheckError
            If the check failed; the message is the table.
        """
        if not self.passed:
            raise GradCheckError(str(self))

    def __bool__(self) -> bool:
        """Return `passed`."""
        return self.passed

    def __str__(self) -> str:
        """Return a table with one line for each array."""
        verdict = "passed" if self.passed else "FAILED"
        lines = [
            f"gradcheck of {self.name}: {verdict} (largest error {self.worst.error:.1e}, "
            f"tolerance {self.tolerance:.0e})"
        ]
        rows = [("array", "shape", "checked", "error", "worst at", "analytic", "numeric", "")]
        for a in self.arrays:
            notes = [] if a.passed else ["FAILED"]
            if a.zero:
                notes.append("zero gradient: little was tested")
            elif a.passed and a.error > a.tolerance:
                notes.append("tiny gradient: within rounding")
            if a.refined:
                notes.append(f"{a.refined} beside a kink, smaller step")
            rows.append(
                (
                    a.name,
                    "x".join(map(str, a.shape)) or "scalar",
                    str(a.checked),
                    f"{a.error:.1e}",
                    str(list(a.index)),
                    f"{a.analytic:.9g}",
                    f"{a.numeric:.9g}",
                    "; ".join(notes),
                )
            )
        lines += [f"  {line.rstrip()}" for line in text_lines(rows, left={0, 1, 4, 7})]
        lines += [f"  problem: {problem}" for problem in self.problems]
        return "\n".join(lines)
