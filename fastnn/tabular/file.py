"""The file of an estimator of tables: its members, how it reads a table, and its parameters, in one model file."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastnn.model.file import TABLE, building, check_digest, read, write
from fastnn.model.schema import Field, check_fields, is_flag, is_object, is_text, list_of
from fastnn.model.sequential import Sequential
from fastnn.tabular.inputs import TableInputs

Array = NDArray[Any]

_FIELDS = {
    "estimator": Field("text", is_text),
    "parameters": Field("an object", is_object),
    "inputs": Field("a list of objects", list_of(is_object)),
    "state": Field("an object", is_object),
    "named": Field("true or false", is_flag),
    "members": Field("a list of models, at least one", lambda value: list_of(is_object)(value) and len(value) > 0),
}


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
        If the file holds something else, or is damaged; before memory is taken for what it describes.
    FileNotFoundError
        If there is no such file.
    """
    tensors, description = read(path)
    if TABLE not in description:
        raise ValueError(f"load: {path}: expected an estimator of tables, got another model")
    check_digest(path, tensors, description, "load")
    with building("estimator", path):
        found = description[TABLE]
        check_fields(TABLE, found, _FIELDS)
        inputs = TableInputs.from_config(found["inputs"])
        arrays: list[dict[str, Array]] = [{} for _ in found["members"]]
        for name, value in tensors.items():
            number, _, rest = name.partition("/")
            arrays[int(number)][rest] = value
    members = [Sequential.restored(path, config, own) for config, own in zip(found["members"], arrays, strict=True)]
    for i, member in enumerate(members):
        if (member.input_shape, member.output_shape) != ((inputs.width,), members[0].output_shape):
            raise ValueError(
                f"load: {path}: expected members from {inputs.width} inputs to {members[0].output_shape} outputs, "
                f"got member {i} from {member.input_shape} to {member.output_shape}"
            )
        looked_up = dict(member.layers[0].codes) if member.layers else {}
        if looked_up != inputs.codes:
            raise ValueError(
                f"load: {path}: expected members that look up the codes {inputs.codes}, got member {i} with {looked_up}"
            )
    return found, inputs, members
