"""What a training is given where the user leaves it open: the scale of its inputs, batch, learning rate and length."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from fastnn.decisions.decision import Decision

_BATCH = 64
_SMALLEST_BATCH = 8
_STEPS_PER_EPOCH = 8  # at least so many, if the smallest batch allows it
_STEPS = 2000  # of a whole training of few samples
_EPOCHS = (10, 150)  # the fewest and the most
_PATIENCE = 0.2  # epochs without improvement until the training ends, as a share of all
_SLOWEST, _FASTEST = 0.1, 4.0  # the rates that are taken, as multiples of the rate that suits most data
_UNMOVED = 0.98


def standardised(by: str) -> Decision:
    """Return the decision to standardise the inputs.

    Parameters
    ----------
    by : str
        Whose mean and deviation are taken, in words: "each column".
    """
    taken = f"standardised by the mean and the deviation of {by}"
    return Decision("inputs", taken, "of the training samples", "--no-standardize")


def batch_size(samples: int) -> int:
    """Return how many samples a step has: 64, or fewer where an epoch would have few steps.

    Examples
    --------
    >>> from fastnn.decisions.training import batch_size
    >>> batch_size(60_000), batch_size(300), batch_size(40)
    (64, 37, 8)
    """
    return max(_SMALLEST_BATCH, min(_BATCH, samples // _STEPS_PER_EPOCH))


def training_length(samples: int, batch: int) -> tuple[int, int]:
    """Return the most epochs of a training, and after how many without improvement it ends.

    Examples
    --------
    >>> from fastnn.decisions.training import training_length
    >>> training_length(60_000, 64), training_length(300, 37)
    ((10, 5), (150, 30))
    """
    fewest, most = _EPOCHS
    epochs = min(most, max(fewest, round(_STEPS / -(-samples // batch))))
    return epochs, max(5, round(_PATIENCE * epochs))


def length(epochs: int, patience: int | None) -> Decision:
    """Return the decision about the length of a training."""
    if patience is None:
        return Decision("epochs", str(epochs), "nothing is held out to choose by", "--epochs")
    why = f"it ends when the validation loss has not improved for {patience}, with the best weights"
    return Decision("epochs", f"up to {epochs}", why, "--epochs, --early-stopping")


def rate(suggested: float, usual: float) -> tuple[float, Decision]:
    """Return the learning rate, rounded to two digits, and the decision for it.

    Parameters
    ----------
    suggested : float
        Where the loss fell fastest in a range test.
    usual : float
        The rate that suits most data. What is many times smaller or larger is an accident of the range test.

    Examples
    --------
    >>> from fastnn.decisions.training import rate
    >>> print(rate(0.00123, 0.002)[1])
    learning rate: 0.0012 (the loss fell fastest there in a short range test; to change it: --learning-rate)
    """
    taken = float(f"{min(max(suggested, _SLOWEST * usual), _FASTEST * usual):.2g}")
    why = "the loss fell fastest there in a short range test"
    if not _SLOWEST * usual <= suggested <= _FASTEST * usual:
        why = f"the loss fell fastest at {suggested:.2g} in a short range test, and this is the nearest rate of use"
    return taken, Decision("learning rate", f"{taken:g}", why, "--learning-rate")


def has_not_moved(loss: float, counts: Sequence[int]) -> str | None:
    """Return what to say if a classifier has learned nothing but how frequent the classes are, None otherwise.

    Parameters
    ----------
    loss : float
        The mean cross-entropy of the last epoch, in nats.
    counts : sequence of int
        How many samples each class has. The cross-entropy of their shares p is -sum p log p.

    Examples
    --------
    >>> from fastnn.decisions.training import has_not_moved
    >>> has_not_moved(0.1, [50, 50]) is None
    True
    """
    total = sum(counts)
    shares = [count / total for count in counts if count]
    chance = -sum(share * log(share) for share in shares)
    if not chance or loss < _UNMOVED * chance:
        return None
    return (
        f"the loss has not moved: it is {loss:.3g}, and {chance:.3g} for a guess by the frequency of the classes; try "
        "another --learning-rate (ten times smaller, ten times larger), more --epochs, --activation relu"
    )
