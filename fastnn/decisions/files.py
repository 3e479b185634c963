"""Which files of a folder are the data set, where there are others that might be one."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.decisions.decision import Decision
from fastnn.decisions.names import listed


def chosen_files(used: Sequence[str], others: Sequence[str]) -> tuple[Decision, ...]:
    """Return the decision to read some files of a folder, none if there are no others.

    Parameters
    ----------
    used, others : sequence of str
        Names of files and folders: those that are read, and those that might be data as well.

    Examples
    --------
    >>> from fastnn.decisions.files import chosen_files
    >>> print(*chosen_files(["train.csv", "test.csv"], ["submission.csv"]))
    files: train.csv, test.csv (the folder also holds submission.csv; to change it: the path of what is to be read)
    """
    if not others:
        return ()
    why = f"the folder also holds {listed(others, 4)}"
    return (Decision("files", listed(used), why, "the path of what is to be read"),)
