"""Learning-rate schedules as text, on the command line and as the argument of a `Trainer`."""

from __future__ import annotations

from typing import Any

from fastnn.named import suggestion
from fastnn.schedules import SCHEDULES, Schedule

SCHEDULE_HELP = (
    "constant; exponential:DECAY, times DECAY after each epoch; step:EVERY,DECAY, times DECAY every EVERY epochs; "
    "cosine:EPOCHS, down to 0; onecycle:EPOCHS, up and down; warmup:EPOCHS+ followed by another schedule"
)
_LAST_RATE = 0.1  # for "exponential": the rate of the last epoch as a share of the first epoch's


def resolved(text: str, epochs: int) -> str:
    """Fill in the numbers of a schedule that follow from the number of epochs of the training.

    Parameters
    ----------
    text : str
    epochs : int

    Examples
    --------
    >>> from fastnn.schedule_texts import resolved
    >>> resolved("warmup:2+cosine", 20)
    'warmup:2+cosine:18'
    """
    first, plus, then = text.partition("+")
    if plus:
        warm = first.partition(":")[2]
        rest = epochs - float(warm) if is_number(warm) else epochs
        return f"{first}+{resolved(then, max(1, round(rest)))}"
    if text == "exponential":
        return f"{text}:{_LAST_RATE ** (1 / max(1, epochs - 1))!r}"
    return f"{text}:{epochs}" if text in ("cosine", "onecycle") else text


def from_text(text: str) -> Schedule:
    """Return the schedule that a text such as "exponential:0.9", "step:10,0.5" or "warmup:2+cosine:20" stands for.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        If the name is unknown, or the numbers do not fit the schedule.
    """
    first, plus, then = text.partition("+")
    name, colon, numbers = first.partition(":")
    parts = numbers.split(",") if colon else []
    if name not in SCHEDULES or not all(map(is_number, parts)) or (plus != "" and name != "warmup"):
        raise ValueError(f"schedule: expected {SCHEDULE_HELP}, got {text!r}{suggestion(name, SCHEDULES)}")
    values: list[Any] = [int(part) if part.isdecimal() else float(part) for part in parts]
    try:
        return SCHEDULES[name](*values, **({"then": from_text(then)} if plus else {}))
    except TypeError as error:
        raise ValueError(f"schedule: {text!r} does not fit ({error}); expected {SCHEDULE_HELP}") from None


def is_number(text: str) -> bool:
    """Whether a text is a number, as `float` reads it."""
    try:
        float(text)
    except ValueError:
        return False
    return True
