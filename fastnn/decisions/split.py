"""Which samples are the test split, where the files hold none."""

from __future__ import annotations

from fastnn.decisions.decision import Decision

TEST_SPLIT = "test split"
"""The subject of the decision."""


def drawn_split(test: int, total: int, how: str = "drawn from each class") -> Decision:
    """Return the decision to draw the test split from the samples.

    Parameters
    ----------
    test, total : int
        How many samples are drawn, and out of how many.
    how : str
    """
    return Decision(
        TEST_SPLIT,
        f"{test} of the {total} samples, {how}",
        "the files hold no test split",
        "test_fraction= of fastnn.data.load, or a file of its own for each split",
    )
