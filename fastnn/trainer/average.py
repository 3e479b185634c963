"""The average of a model's arrays over the steps of a training, which stands in their place while somebody looks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import number
from fastnn.kernels.layout import copy_on_line
from fastnn.model.sequential import Sequential
from fastnn.program.step import AVERAGE, Problem

Array = NDArray[Any]

KEEP = 0.999
"""The share that a moving average keeps in a step if no other is given."""


def as_average(average: str | None) -> float | None:
    """The share of a moving average that a step keeps; None: there is no average.

    Parameters
    ----------
    average : str or None
        ``"ema"``, or with the share ``"ema:0.99"``.

    Raises
    ------
    ValueError
        If it is something else, or the share is not above 0 and below 1.

    Examples
    --------
    >>> from fastnn.trainer.average import as_average
    >>> as_average("ema"), as_average("ema:0.99")
    (0.999, 0.99)
    """
    if average is None:
        return None
    name, given, share = average.partition(":") if isinstance(average, str) else ("", "", "")
    if name != "ema":
        raise ValueError(f"Trainer: average: expected None, 'ema' or 'ema:SHARE', got {average!r:.80}")
    if not given:
        return KEEP
    try:
        keep = float(share)
    except ValueError:
        raise ValueError(f"Trainer: average: expected a number behind 'ema:', got {average!r:.80}") from None
    return number("Trainer", "average", keep, above=0, below=1)


def begin_average(model: Sequential, state: dict[str, dict[str, Array]]) -> None:
    """Let the average of each array of a model begin with what the array holds now.

    Parameters
    ----------
    model : Sequential
    state : dict of str to dict of str to array
        By parameter and slot; every array, running statistics included, gets a slot more.
    """
    flat = copy_on_line(model.params)
    for name, parameter in model.named_parameters.items():
        state[name][AVERAGE] = parameter.view(flat)
    for name, array in model.state.items():
        state[name] = {AVERAGE: array.copy()}


def exchange(problem: Problem) -> None:
    """Exchange the arrays of a model with those in the slot of the average: once, and they are there; twice, back.

    Parameters
    ----------
    problem : Problem
        With an average; the model and `state` must be up to date.
    """
    for name, array in {**problem.model.parameters, **problem.model.state}.items():
        other = problem.state[name][AVERAGE]
        kept = array.copy()
        array[...] = other
        np.copyto(other, kept)
