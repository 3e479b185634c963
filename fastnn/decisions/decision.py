"""One choice between several readings of an input, in words that can be shown to the user."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """A reading that was chosen where an input has more than one.

    Parameters
    ----------
    subject : str
        What was decided: "labels", "pixels".
    taken : str
        The reading that was chosen: "column 'species'".
    evidence : str
        Why: "the only column that is not numeric".
    override : str
        How to choose another reading, for the library and for the command line: "label=, --target".

    Examples
    --------
    >>> from fastnn.decisions import Decision
    >>> print(Decision("labels", "column 'species'", "the only column that is not numeric", "label=, --target"))
    labels: column 'species' (the only column that is not numeric; to change it: label=, --target)
    """

    subject: str
    taken: str
    evidence: str
    override: str

    def __str__(self) -> str:
        """Return the decision as one sentence."""
        return f"{self.subject}: {self.taken} ({self.evidence}; to change it: {self.override})"
