"""A training at one point between two steps, as a checkpoint file stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fastnn.model.file import check_digest, read, write
from fastnn.model.schema import is_number
from fastnn.model.sequential import Sequential
from fastnn.named import is_built_in
from fastnn.optim import Optimizer
from fastnn.trainer.callbacks import CallbackList
from fastnn.trainer.checkpoint_schema import check_checkpoint, check_progress
from fastnn.trainer.continuation import (
    check_architecture,
    check_configuration,
    check_data,
    latest,
    restore_callbacks,
    states_of,
)
from fastnn.trainer.description import arguments_of, describe, rebuild
from fastnn.trainer.history import History
from fastnn.trainer.position import Position
from fastnn.trainer.spec import TrainingSpec

Array = NDArray[Any]


@dataclass(frozen=True)
class Snapshot:
    """The content of a checkpoint file.

    Parameters
    ----------
    path : Path
        The file from which it was read, or to which it will be written.
    tensors : dict of str to array
        The model's parameters and state under their names; ``optimizer/SLOT/PARAMETER``, ``history/steps`` and
        ``callback/I/KEY`` hold the optimiser's state, the losses of the steps and the arrays of the callbacks.
    description : dict
        The model's architecture ("config") and everything else that is not an array ("checkpoint").
    """

    path: Path
    tensors: Mapping[str, Array]
    description: Mapping[str, Any]

    # --- writing ---

    @classmethod
    def take(
        cls, path: Path, spec: TrainingSpec, history: History, position: Position, callbacks: CallbackList
    ) -> Snapshot:
        """The training as it is now; model and optimiser state must be up to date."""
        model = spec.problem.model
        arrays, described = states_of(callbacks)
        tensors = {**_arrays(spec), "history/steps": history.steps, **arrays}
        checkpoint = {
            "configuration": spec.configuration,
            "optimizer": describe(spec.problem.optimizer)["arguments"],
            "position": asdict(position),
            "stop": callbacks.stop,
            "history": history.epochs,
            "callbacks": described,
            "data": spec.data,
        }
        return cls(path, tensors, {"config": model.config(), "checkpoint": checkpoint})

    def write(self) -> None:
        """Write the file, whole or not at all."""
        write(self.path, self.tensors, self.description)

    # --- reading ---

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Snapshot:
        """Read a checkpoint: a file, or the latest in a folder.

        Raises
        ------
        FileNotFoundError
            If there is no checkpoint.
        ValueError
            If the file is damaged or does not hold a checkpoint.
        """
        file = latest(path)
        tensors, description = read(file, "resume")
        if "checkpoint" not in description:
            raise ValueError(f"resume: {file} is a model file, not a checkpoint; `fit` continues from a model")
        check_digest(file, tensors, description, "resume")
        check_checkpoint(f"resume: {file}", description, tensors)
        return cls(file, tensors, description)

    @property
    def _checkpoint(self) -> Mapping[str, Any]:
        checkpoint: Mapping[str, Any] = self.description["checkpoint"]
        return checkpoint

    @property
    def history(self) -> History:
        """A copy of the history up to the checkpoint."""
        return History([dict(epoch) for epoch in self._checkpoint["history"]], self.tensors["history/steps"].copy())

    @property
    def position(self) -> Position:
        """How far the training had come."""
        return Position(**self._checkpoint["position"])

    @property
    def stop(self) -> bool:
        """Whether a callback had ended the training."""
        return bool(self._checkpoint["stop"])

    def trainer_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the trainer's constructor: those that are given, and for the others those of the checkpoint."""
        options = {"model": Sequential.load(self.path)} if "model" not in given else {}
        for name, described in self._checkpoint["configuration"].items():
            if name not in given:
                try:
                    options[name] = rebuild(name, described)
                except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
                    raise ValueError(f"from_checkpoint: {self.path}: {error}") from None
        return {**options, **given}

    # --- resuming ---

    def check(self, spec: TrainingSpec, same_data: bool = True) -> None:
        """Check that a training can continue from here; with data of the same values if `same_data`.

        Raises
        ------
        ValueError
            If its architecture, configuration or data are not those of the checkpoint.
        """
        check_architecture(self.path, self.description["config"], spec.problem.model.config())
        check_configuration(self.path, self._checkpoint["configuration"], spec.configuration)
        check_data(self.path, self._checkpoint["data"], spec.data, same_data)
        check_progress(f"resume: {self.path}", self.position, self.history.steps.size, spec.steps, spec.samples)
        self._optimizer_arguments(spec.problem.optimizer)
        for name, array in _arrays(spec).items():
            found = self.tensors.get(name)
            if found is None or found.shape != array.shape or found.dtype != array.dtype:
                raise ValueError(f"resume: {self.path} holds no {name} of shape {array.shape} and dtype {array.dtype}")

    def restore(self, spec: TrainingSpec, callbacks: CallbackList) -> None:
        """Put model, optimiser and callbacks into the state of the checkpoint, which has passed `check`."""
        restore_callbacks(self.path, self._checkpoint["callbacks"], self.tensors, callbacks)
        for name, value in self._optimizer_arguments(spec.problem.optimizer).items():
            setattr(spec.problem.optimizer, name, value)
        for name, array in _arrays(spec).items():
            array[...] = self.tensors[name]
        spec.problem.model.seed = self.description["config"].get("seed", 0)

    def _optimizer_arguments(self, optimizer: Optimizer) -> dict[str, Any]:
        """The arguments of the optimiser that differ from what they are: a callback may have changed them.

        Raises
        ------
        ValueError
            If it has no such argument, or another type of value.
        """
        now, changed = arguments_of(optimizer), {}
        for name, value in self._checkpoint["optimizer"].items():
            if name in now and now[name] == value:
                continue
            if name not in now or not ((is_number(value) and is_number(now[name])) or type(value) is type(now[name])):
                raise ValueError(
                    f"resume: {self.path}: optimizer: expected values for {', '.join(now)}, as they are in "
                    f"{optimizer!r}, got {value!r:.80} for {name!r:.80}"
                )
            changed[name] = value
        if changed and is_built_in(type(optimizer)):  # whose constructor checks its arguments
            try:
                type(optimizer)(**now | changed)
            except (TypeError, ValueError) as error:
                raise ValueError(f"resume: {self.path}: {error}") from None
        return changed


def _arrays(spec: TrainingSpec) -> dict[str, Array]:
    """All arrays that steps change, under their names in the file."""
    model, state = spec.problem.model, spec.problem.state
    slots = {f"optimizer/{slot}/{n}": a for n, slots in state.items() for slot, a in slots.items()}
    return {**model.parameters, **model.state, **slots}
