"""What all checkpoints have in common: their files, the state of callbacks, and what must be as it was to go on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.trainer.callbacks import CallbackList
from fastnn.trainer.description import differences

Array = NDArray[Any]
Tensors = Mapping[str, Array]

_FILE = re.compile(r"checkpoint-(\d+)\.safetensors")
_UNFINISHED = re.compile(rf"\.({_FILE.pattern})\.")
_ARCHITECTURE = ("input_shape", "dtype", "input_scale", "layers")

# --- files ---


def file_of(folder: Path, step: int) -> Path:
    """The file for the checkpoint after step `step`."""
    return folder / f"checkpoint-{step:09d}.safetensors"


def files_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, from the earliest to the latest."""
    found = [path for path in folder.iterdir() if _FILE.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda path: int(path.stem.partition("-")[2]))


def unfinished_in(folder: Path) -> set[str]:
    """The names of the checkpoints in a folder of which there is a part that `write_whole` did not finish."""
    found = (_UNFINISHED.match(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return {match[1] for match in found if match}


def latest(path: str | PathLike[str]) -> Path:
    """The file of a checkpoint: the path itself, or the latest in a folder.

    Raises
    ------
    FileNotFoundError
        If the folder has none.
    """
    file = Path(path)
    if not file.is_dir():
        return file
    files = files_in(file)
    if not files:
        raise FileNotFoundError(f"resume: no checkpoint in {path}")
    return files[-1]


# --- callbacks ---


def states_of(callbacks: CallbackList) -> tuple[dict[str, Array], list[dict[str, Any]]]:
    """The arrays of the callbacks under their names in the file, and everything else of their states."""
    tensors: dict[str, Array] = {}
    described = []
    for i, callback in enumerate(callbacks.in_order):
        state = callback.state()
        arrays = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
        tensors |= {f"callback/{i}/{key}": value for key, value in arrays.items()}
        rest = {key: value for key, value in state.items() if key not in arrays}
        described.append({"type": type(callback).__name__, "state": rest})
    return tensors, described


def restore_callbacks(
    path: Path, described: Sequence[Mapping[str, Any]], tensors: Tensors, callbacks: CallbackList
) -> None:
    """Give each callback the first state of its class that is left.

    Raises
    ------
    ValueError
        If it is not that of such a callback.
    """
    stored = list(enumerate(described))
    for callback in callbacks.in_order:
        for place, (i, entry) in enumerate(stored):
            if entry["type"] == type(callback).__name__:
                prefix = f"callback/{i}/"
                arrays = {n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)}
                try:
                    callback.restore({**entry["state"], **arrays})
                except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                    raise ValueError(
                        f"resume: {path} holds no state of {entry['type']} ({type(error).__name__}: {error})"
                    ) from None
                del stored[place]
                break


# --- what must be as it was ---


def check_architecture(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raise ValueError if the configurations of two models differ in what a model computes."""
    for name in _ARCHITECTURE:
        if here[name] != there.get(name):
            raise ValueError(
                f"resume: {path} belongs to a model of another architecture: {name} was {there.get(name)}, "
                f"is {here[name]}"
            )


def check_configuration(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise ValueError if the arguments of a trainer differ in what decides about the bits of a training."""
    wrong = differences(before, now)
    if wrong:
        raise ValueError(f"resume: {path} belongs to another training: {'; '.join(wrong)}")


def check_data(path: Path, before: Mapping[str, Any], now: Mapping[str, Any], same_data: bool = True) -> None:
    """Raise ValueError if the fingerprints of data differ; those of values only if `same_data`."""
    for name in dict.fromkeys((*before, *now)):
        if name not in now:
            raise ValueError(f"resume: {path} was trained with {name}, which are missing")
        if name not in before:
            raise ValueError(f"resume: {path} was trained without {name}")
        if {**before[name], **({} if same_data else {"sha256": now[name]["sha256"]})} != now[name]:
            shapes = [tuple(part[name]["shape"]) for part in (before, now)]
            how = "other values" if shapes[0] == shapes[1] else f"shape {shapes[1]} instead of {shapes[0]}"
            raise ValueError(f"resume: {path} was trained with other data: {name} have {how}")
