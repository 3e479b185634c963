"""The file of a population: the parameters and figures of all members beside the architecture that they share."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.layers.base import Shape
from fastnn.model.declared import declared
from fastnn.model.file import building, check_digest, describes, read
from fastnn.model.schema import CONFIG, Field, check_fields, is_seed, is_whole, list_of
from fastnn.model.sequential import Sequential

Array = NDArray[Any]

_DESCRIPTION = "population"  # the key of the description in a file
_HISTORY, _STATE = "history/", "state/"  # before the name of a figure, of an array of the model's state
TRAINING = "population_training"
"""The key of the description by which the file holds a training that can go on."""
OF_TRAINING = ("training/", "callback/")
"""How the names of the arrays begin that such a file has beside those of a population."""


def _is_failure(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_whole, value)) and value[1] > 0


_FIELDS = {
    "seeds": Field("a list of whole numbers below 2**64", list_of(is_seed)),
    "failed": Field("a list of pairs of a member and a step", list_of(_is_failure)),
}


class Stored(NamedTuple):
    """What the file of a population holds.

    Parameters
    ----------
    model : Sequential
        One of the architecture, whose parameters count for nothing.
    params : (K, P) array of the model's dtype
    seeds : list of K int
    columns : dict of str to (E, K) float64 array
        The figures of all epochs and members.
    done, best_epoch : (K,) int64
    failed : dict of int to int
    """

    model: Sequential
    params: Array
    seeds: list[int]
    columns: dict[str, NDArray[np.float64]]
    done: NDArray[np.int64]
    best_epoch: NDArray[np.int64]
    failed: dict[int, int]


def holds_population(path: str | PathLike[str]) -> bool:
    """Whether a file is that of a population; False for every other file, and for none."""
    return describes(path, _DESCRIPTION)


def contents_of(stored: Stored) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the description of a population, as `fastnn.model.file.write` takes them."""
    tensors = {
        "params": stored.params,
        "epochs_done": stored.done,
        "best_epoch": stored.best_epoch,
        **{f"{_HISTORY}{name}": column for name, column in stored.columns.items()},
        **{f"{_STATE}{name}": array for name, array in stored.model.state.items()},
    }
    rest = {"seeds": stored.seeds, "failed": [[k, step] for k, step in stored.failed.items()]}
    return tensors, {"config": stored.model.config(), _DESCRIPTION: rest}


def read_population(path: str | PathLike[str]) -> Stored:
    """Read a population; memory is taken for what the file has alone.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        If the file is not that of a population, or is damaged.
    FileNotFoundError
        If there is no such file.
    """
    tensors, description = read(path)
    if _DESCRIPTION not in description:
        raise ValueError(f"load: {path} holds one model, not a population; use Sequential.load")
    check_digest(path, tensors, description, "load")
    return stored_in(path, tensors, description, "load")


def stored_in(
    path: str | PathLike[str], tensors: Mapping[str, Array], description: Mapping[str, Any], function: str
) -> Stored:
    """The population in the arrays and the description of a file, whose digest is right.

    Raises
    ------
    ValueError
        If they are not those of a population; `function` begins the message.
    """
    with building("population", path, function):
        config, rest = description["config"], description[_DESCRIPTION]
        check_fields("config", config, CONFIG)
        check_fields(_DESCRIPTION, rest, _FIELDS)
        seeds, failed = rest["seeds"], dict(map(tuple, rest["failed"]))
        if not seeds:
            raise ValueError("expected at least one member, got none")
        others = OF_TRAINING if TRAINING in description else ()
        arrays = {name: array for name, array in tensors.items() if not name.startswith(others)}
        state, size = _state(arrays, declared(config))
        _take(arrays, "params", (len(seeds), size), np.dtype(config.get("dtype", "float32")))
        _take(arrays, "epochs_done", (len(seeds),), np.dtype(np.int64))
        _take(arrays, "best_epoch", (len(seeds),), np.dtype(np.int64))
        columns = _columns(arrays, len(seeds))
        epochs = max(map(len, columns.values()), default=0)
        done, best = tensors["epochs_done"], tensors["best_epoch"]
        if (done < 0).any() or (done > epochs).any() or (best < 0).any() or (best > done).any():
            raise ValueError(f"expected epochs_done from 0 to {epochs}, and best_epoch from 0 to epochs_done")
        if len(failed) < len(rest["failed"]) or any(k >= len(seeds) for k in failed):
            raise ValueError(f"expected failed members from 0 to {len(seeds) - 1}, each once")
        model = Sequential.from_config(config, draw=False)
        if {n: a.dtype for n, a in state.items()} != {n: a.dtype for n, a in model.state.items()}:
            raise ValueError(f"expected the state {', '.join(model.state)}, got {', '.join(state)}")
        for name, array in model.state.items():
            array[...] = state[name]
    return Stored(model, tensors["params"], seeds, columns, done, best, failed)


def _state(arrays: dict[str, Array], expected: Mapping[str, Shape]) -> tuple[dict[str, Array], int]:
    """Take the model's state out of the arrays of the file; with it, the number of parameters that are declared."""
    state = {name.removeprefix(_STATE): arrays.pop(name) for name in [*arrays] if name.startswith(_STATE)}
    for name, array in state.items():
        if expected.get(name) != array.shape:
            raise ValueError(f"expected {_STATE}{name} {expected.get(name)}, got {array.shape}")
    return state, sum(prod(shape) for name, shape in expected.items() if name not in state)


def _take(arrays: dict[str, Array], name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Take an array out of those of the file, and check that it is what the description needs."""
    array = arrays.pop(name)
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"expected {name} {shape} {dtype}, got {array.shape} {array.dtype}")


def _columns(arrays: Mapping[str, Array], members: int) -> dict[str, NDArray[np.float64]]:
    """The figures of the history, which are all that is left of the arrays; by name."""
    columns = {}
    for name, array in arrays.items():
        if not name.startswith(_HISTORY):
            raise ValueError(f"expected {_HISTORY}… and no other arrays, got {name!r:.80}")
        if array.ndim != 2 or array.shape[1] != members or array.dtype != np.float64:
            raise ValueError(f"expected {name} (epochs, {members}) float64, got {array.shape} {array.dtype}")
        columns[name.removeprefix(_HISTORY)] = array
    if len({len(array) for array in columns.values()}) > 1:
        raise ValueError("expected figures of equally many epochs, got others")
    if "epoch" in columns:
        raise ValueError("expected figures of epochs, got 'epoch', which is their number")
    return columns
