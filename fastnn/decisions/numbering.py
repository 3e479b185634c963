"""Which class the number of a label means: classes are counted from 0 or from 1."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.decisions.decision import Decision

OVERRIDE = "class_names=, --class-names"


def counted_from_one(found: Sequence[int]) -> bool:
    """Return whether labels are all numbers from 1 to the number of classes, of which there are at least two.

    Parameters
    ----------
    found : sequence of int
        The different labels of the training split, in their order.

    Examples
    --------
    >>> from fastnn.decisions.numbering import counted_from_one
    >>> counted_from_one([1, 2, 3]), counted_from_one([0, 1, 2]), counted_from_one([1, 3])
    (True, False, False)
    """
    return len(found) > 1 and list(found) == list(range(1, len(found) + 1))


def from_one(classes: int) -> Decision:
    """Say that the classes are numbered from 1 in the file and keep these numbers as their names."""
    return Decision(
        "labels",
        f"classes 1 ... {classes}, which keep their numbers as names",
        f"no label is 0, and each number from 1 to {classes} occurs",
        OVERRIDE,
    )


def ten_is_zero() -> Decision:
    """Say that the label 10 means the digit 0, as in the files of SVHN."""
    return Decision(
        "labels", "10 is the digit 0", "the file's name and its labels 1 ... 10 are those of SVHN", OVERRIDE
    )
