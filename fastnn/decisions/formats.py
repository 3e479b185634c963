"""Which data set of a folder is read if it holds several, in files of different formats."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.decisions.decision import Decision


def one_of_several(taken: str, others: Sequence[str]) -> Decision:
    """Say that a folder holds data sets of several formats, and which of them is read.

    Parameters
    ----------
    taken : str
        The format that is read, in words.
    others : sequence of str
        The formats that the folder could be read as as well, at least one.

    Examples
    --------
    >>> from fastnn.decisions.formats import one_of_several
    >>> print(one_of_several("an .npz file", ["a .csv file"]))
    data set: an .npz file (the folder could also be read as a .csv file; to change it: give the path of the file or
    folder to read)
    """
    evidence = f"the folder could also be read as {' or '.join(others)}"
    return Decision("data set", taken, evidence, "give the path of the file or folder to read")
