"""The file of an estimator of tables: its members, how it reads a table, and its parameters, in one model file."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastnn.model.file import TABLE, check_digest, read, write
from fastnn.model.sequential import Sequential
from fastnn.tabular.inputs import TableInputs

Array = NDArray[Any]


class Saved(Protocol):
    """What of an estimator a file keeps."""

    inputs_: TableInputs
    members_: list[Sequential]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters."""

    def state(self) -> dict[str, Any]:
        """What else `predict` needs."""


def write_table(path: str | PathLike[str], estimator: Saved) -> None:
    """Write a fitted estimator.

    Parameters
    ----------
    path : path
    estimator : TableClassifier or TableRegressor
    """
    arrays = {
        f"{i}/{name}": value
        for i, member in enumerate(estimator.members_)
        for name, value in (member.parameters | member.state).items()
    }
    described = {
        "estimator": type(estimator).__name__,
        "parameters": _parameters(estimator),
        "inputs": estimator.inputs_.config(),
        "state": estimator.state(),
        "named": hasattr(estimator, "feature_names_in_"),
        "members": [member.config() for member in estimator.members_],
    }
    write(path, arrays, {TABLE: described})


def _parameters(estimator: Saved) -> dict[str, Any]:
    """The parameters that JSON can hold: a generator of random numbers is left out."""
    parameters = estimator.get_params(deep=False)
    seed = parameters.get("random_state")
    return parameters | {"random_state": seed if isinstance(seed, int | np.integer) else None}


def read_table(path: str | PathLike[str]) -> tuple[Mapping[str, Any], TableInputs, list[Sequential]]:
    """Read what `write_table` wrote: the description, how a table is read, and the members.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        If the file holds something else, or is damaged.
    FileNotFoundError
        If there is no such file.
    """
    tensors, description = read(path)
    if TABLE not in description:
        raise ValueError(f"load: {path}: expected an estimator of tables, got another model")
    check_digest(path, tensors, description, "load")
    try:
        found = description[TABLE]
        inputs = TableInputs.from_config(found["inputs"])
        members = [Sequential.from_config(config, draw=False) for config in found["members"]]
        for i, member in enumerate(members):
            for name, value in (member.parameters | member.state).items():
                value[...] = tensors[f"{i}/{name}"]
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise ValueError(f"load: {path} describes no estimator that this fastnn can build ({error})") from None
    return found, inputs, members
