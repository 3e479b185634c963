"""What fastnn decides where an input has more than one reading.

Each file holds the guesses of one kind: the evidence that decides, the sentence that says what was taken, and the
argument or option that overrules it. Where the evidence does not decide, there is an error instead of a guess.
"""

from fastnn.decisions.decision import Decision

__all__ = ["Decision"]
