"""What a gradient check found."""

from __future__ import annotations

import math
from dataclasses import dataclass


class GradCheckError(AssertionError):
    """A gradient disagrees with finite differences."""


@dataclass(frozen=True)
class ArrayCheck:
    """The gradient of one array against finite differences.

    Attributes
    ----------
    name : str
        The array, e.g. ``"w"`` or ``"dense1.w"``.
    shape : tuple of int
        Its shape.
    checked : int
        Number of entries compared.
    error : float
        ``max|analytic - numeric| / max|numeric|`` over those.
    index : tuple of int
        Where ``|analytic - numeric|`` is largest.
    analytic, numeric : float
        Both gradients there.
    tolerance : float
        Largest error that passes.
    rounding : float
        What rounding in the differences alone can make of ``|analytic - numeric|``, an upper
        bound. It decides where the gradient is so tiny beside the outputs that it exceeds the
        tolerance.
    refined : int
        Entries for which a smaller step was needed because the first one straddled a kink.
    zero : bool
        Whether both gradients are zero as far as differences can tell. The check says little
        then: a wrong factor would pass.
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
        """Whether the error is within the tolerance, or the largest gap within rounding."""
        # Written so that a NaN fails.
        return self.error <= self.tolerance or abs(self.analytic - self.numeric) <= self.rounding


@dataclass(frozen=True)
class GradCheckResult:
    """The outcome of a gradient check; true when it passed, a table when printed.

    Attributes
    ----------
    name : str
        What was checked.
    tolerance : float
        Largest error that passes.
    arrays : tuple of ArrayCheck
        One for each array, in order.
    problems : tuple of str
        What else is wrong, such as a function that wrote into its input.
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
            With the table as its message.
        """
        if not self.passed:
            raise GradCheckError(str(self))

    def __bool__(self) -> bool:
        """Return `passed`."""
        return self.passed

    def __str__(self) -> str:
        """Return a table, one line an array."""
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
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            left = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            right = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
            cells = [*left[:2], *right[2:4], left[4], *right[5:7], left[7]]
            lines.append("  " + "  ".join(cells).rstrip())
        lines += [f"  problem: {problem}" for problem in self.problems]
        return "\n".join(lines)
