"""What a checkpoint must hold, checked as a whole before a training goes on from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.model.schema import (
    CONFIG,
    Field,
    check_fields,
    is_flag,
    is_number,
    is_object,
    is_text,
    is_whole,
    list_of,
)
from fastnn.trainer.position import Position

_CHECKPOINT = {
    "configuration": Field("an object", is_object),
    "optimizer": Field("an object", is_object),
    "position": Field("an object", is_object),
    "stop": Field("true or false", is_flag),
    "history": Field("a list of objects", list_of(is_object)),
    "callbacks": Field("a list of objects", list_of(is_object)),
    "data": Field("an object", is_object),
}
_POSITION = {
    "epoch": Field("a whole number of at least 1", lambda value: is_whole(value) and value >= 1),
    "step": Field("a whole number of at least 0", is_whole),
    "correct": Field("a whole number of at least 0", is_whole),
    "seconds": Field("a number of at least 0", lambda value: is_number(value) and value >= 0),
}
_CALLBACK = {"type": Field("text", is_text), "state": Field("an object", is_object)}
_ARRAY = {
    "shape": Field("a list of sizes", list_of(is_whole)),
    "dtype": Field("text", is_text),
    "sha256": Field("text", is_text),
}


def check_checkpoint(where: str, description: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Check the description and the arrays of a checkpoint, as far as they can be checked without the training.

    Parameters
    ----------
    where : str
        Begins the message of an error: the function and the file.
    description : dict
    tensors : dict of str to array

    Raises
    ------
    ValueError
        If an entry is missing, unknown or of another type, or if they do not fit each other.
    """
    checkpoint = description["checkpoint"]
    check_fields(f"{where}: config", description.get("config"), CONFIG)
    check_fields(f"{where}: checkpoint", checkpoint, _CHECKPOINT)
    check_fields(f"{where}: position", checkpoint["position"], _POSITION)
    check_parts(where, checkpoint["callbacks"], checkpoint["data"])
    epochs, position = checkpoint["history"], Position(**checkpoint["position"])
    for number, line in enumerate(epochs, 1):
        if line.get("epoch") != number or isinstance(line["epoch"], bool):
            raise ValueError(f"{where}: history: expected epoch {number}, got {line.get('epoch')!r:.80}")
    if position.epoch != len(epochs) + 1:
        raise ValueError(f"{where}: position: expected epoch {len(epochs) + 1}, got {position.epoch}")
    steps = tensors.get("history/steps")
    if steps is None or steps.ndim != 1 or steps.dtype != np.float64:
        raise ValueError(f"{where}: expected the losses of the steps, a vector of float64, as history/steps")


def check_parts(where: str, callbacks: Sequence[Any], data: Mapping[str, Any]) -> None:
    """Raise ValueError if an entry is not that of a callback, or no fingerprint; `where` begins the message."""
    for i, entry in enumerate(callbacks):
        check_fields(f"{where}: callback {i}", entry, _CALLBACK)
    for name, entry in data.items():
        check_fields(f"{where}: data: {name}", entry, _ARRAY)


def check_progress(where: str, position: Position, losses: int, steps: int, samples: int) -> None:
    """Check that a training of these sizes can have come so far.

    Parameters
    ----------
    where : str
        Begins the message of an error: the function and the file.
    position : Position
    losses : int
        How many steps have a loss.
    steps, samples : int
        Of an epoch.

    Raises
    ------
    ValueError
        If it cannot.
    """
    if position.step > steps or position.correct > samples:
        raise ValueError(
            f"{where}: position: expected at most {steps} steps and {samples} samples of an epoch, got "
            f"{position.step} and {position.correct}"
        )
    done = (position.epoch - 1) * steps + position.step
    if losses != done:
        raise ValueError(f"{where}: expected the losses of {done} steps, got {losses}")
