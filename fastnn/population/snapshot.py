"""The training of a population between two epochs, as a checkpoint file stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.model.file import building, check_digest, read, write
from fastnn.model.schema import Field, check_fields, is_flag, is_object, list_of
from fastnn.population.file import TRAINING, stored_in
from fastnn.population.population import Population
from fastnn.population.rules import Rule
from fastnn.population.spec import PopulationSpec
from fastnn.population.state import PopulationState
from fastnn.trainer.callbacks import CallbackList
from fastnn.trainer.checkpoint_schema import check_parts
from fastnn.trainer.continuation import (
    check_architecture,
    check_configuration,
    check_data,
    latest,
    restore_callbacks,
    states_of,
)

Array = NDArray[Any]

_LEFT, _OPTIMIZER, _RULE = "training/left", "training/optimizer/", "training/rule/"  # names of arrays
_FIELDS = {
    "configuration": Field("an object", is_object),
    "stop": Field("true or false", is_flag),
    "callbacks": Field("a list of objects", list_of(is_object)),
    "data": Field("an object", is_object),
}


@dataclass(frozen=True)
class PopulationSnapshot:
    """The content of a checkpoint file, which is a file of the population as well.

    Parameters
    ----------
    path : Path
        The file from which it was read, or to which it will be written.
    tensors : dict of str to array
        Those of the population; ``training/left``, ``training/optimizer/SLOT`` and ``training/rule/NAME`` hold the
        numbers of the members that are still being trained, their state of the optimiser, and the state of the rule by
        which members stop; ``callback/I/KEY`` holds the arrays of the callbacks.
    description : dict
        That of the population, and everything else that is not an array.
    population : Population
        As it was.
    """

    path: Path
    tensors: Mapping[str, Array]
    description: Mapping[str, Any]
    population: Population

    # --- writing ---

    @classmethod
    def take(
        cls, path: Path, spec: PopulationSpec, state: PopulationState, population: Population, callbacks: CallbackList
    ) -> PopulationSnapshot:
        """A training in some state, whose population is that."""
        tensors, description = population.contents()
        arrays, described = states_of(callbacks)
        tensors |= {_LEFT: state.left, **arrays}
        tensors |= {f"{_OPTIMIZER}{slot}": rows for slot, rows in state.optimizer.items()}
        tensors |= {f"{_RULE}{name}": array for name, array in spec.rule.state().items()}
        training = {
            "configuration": spec.configuration,
            "stop": callbacks.stop,
            "callbacks": described,
            "data": spec.data,
        }
        return cls(path, tensors, {**description, TRAINING: training}, population)

    def write(self) -> None:
        """Write the file, whole or not at all."""
        write(self.path, self.tensors, self.description)

    # --- reading ---

    @classmethod
    def read(cls, path: str | PathLike[str]) -> PopulationSnapshot:
        """Read a checkpoint: a file, or the latest in a folder.

        Raises
        ------
        FileNotFoundError
            If there is no checkpoint.
        ValueError
            If the file is damaged or does not hold a checkpoint of a population.
        """
        file = latest(path)
        tensors, description = read(file, "resume")
        if TRAINING not in description:
            raise ValueError(f"resume: expected the checkpoint of a population, got {file}, which is none")
        check_digest(file, tensors, description, "resume")
        with building("training", file, "resume"):
            training = description[TRAINING]
            check_fields("training", training, _FIELDS)
            check_parts("training", training["callbacks"], training["data"])
        return cls(file, tensors, description, Population.of_stored(stored_in(file, tensors, description, "resume")))

    @property
    def _training(self) -> Mapping[str, Any]:
        training: Mapping[str, Any] = self.description[TRAINING]
        return training

    @property
    def stop(self) -> bool:
        """Whether a callback had ended the training."""
        return bool(self._training["stop"])

    @property
    def state(self) -> PopulationState:
        """How far the training had come; `check` has found it whole."""
        of = self.population
        return PopulationState(
            of.params, of.epochs, of.epochs_done, of.failed, self.tensors[_LEFT], self._arrays(_OPTIMIZER)
        )

    def check(self, spec: PopulationSpec) -> None:
        """Check that a training can continue from here.

        Raises
        ------
        ValueError
            If its architecture, arguments or data are not those of the checkpoint, or this is not whole.
        """
        check_architecture(self.path, self.description["config"], spec.model.config())
        check_configuration(self.path, self._training["configuration"], spec.configuration)
        check_data(self.path, self._training["data"], spec.data)
        members, epochs = len(spec.members), len(self.population.epochs)
        left = self.tensors.get(_LEFT)
        if left is None or left.dtype != np.int64 or left.ndim != 1 or (np.diff(left) <= 0).any():
            raise ValueError(f"resume: {self.path} does not say which members are left")
        if len(left) and not (
            left[0] >= 0 and left[-1] < members and (self.population.epochs_done[left] == epochs).all()
        ):
            raise ValueError(f"resume: {self.path} holds members that are not among the {members} of epoch {epochs}")
        shape, dtype = (len(left), spec.model.size), spec.model.dtype
        found = {slot: (rows.shape, rows.dtype) for slot, rows in self._arrays(_OPTIMIZER).items()}
        expected = dict.fromkeys(spec.optimizer.slots, (shape, dtype)) if len(left) else {}
        if found != expected:
            raise ValueError(f"resume: {self.path}: optimizer: expected arrays {expected}, got {found}")
        self._restore_rule(spec.rule)

    def restore(self, callbacks: CallbackList) -> None:
        """Put the callbacks into the state of the checkpoint."""
        restore_callbacks(self.path, self._training["callbacks"], self.tensors, callbacks)

    def _restore_rule(self, rule: Rule) -> None:
        state = self._arrays(_RULE)
        if not state:
            return
        with building("rule of stopping", self.path, "resume"):
            rule.restore(state, self.population.params)

    def _arrays(self, prefix: str) -> dict[str, Array]:
        return {n.removeprefix(prefix): array for n, array in self.tensors.items() if n.startswith(prefix)}
