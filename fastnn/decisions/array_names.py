"""Which arrays of a file are images and labels: by their names, and what has another name is left out."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.decisions.decision import Decision

_SHOWN = 10


def without_arrays(names: Sequence[str]) -> tuple[Decision, ...]:
    """Say which arrays of a file are left out, if there are any.

    Parameters
    ----------
    names : sequence of str

    Examples
    --------
    >>> from fastnn.decisions.array_names import without_arrays
    >>> print(*without_arrays(["x_val", "y_val"]))
    arrays: without x_val, y_val (these are not names of images or labels; to change it: rename or join them)
    """
    if not names:
        return ()
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return (Decision("arrays", f"without {shown}", "these are not names of images or labels", "rename or join them"),)
