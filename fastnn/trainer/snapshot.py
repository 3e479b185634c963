"""A training at one point between two steps, as a checkpoint file stores it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.model.file import check_digest, read, write
from fastnn.model.schema import is_number
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer
from fastnn.trainer.callbacks import CallbackList
from fastnn.trainer.checkpoint_schema import check_checkpoint, check_progress
from fastnn.trainer.description import arguments_of, describe, differences, rebuild
from fastnn.trainer.history import History
from fastnn.trainer.position import Position
from fastnn.trainer.spec import TrainingSpec

Array = NDArray[Any]

_FILE = re.compile(r"checkpoint-(\d+)\.safetensors")
_UNFINISHED = re.compile(rf"\.({_FILE.pattern})\.")


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
        tensors = {**_arrays(spec), "history/steps": history.steps}
        described = []
        for i, callback in enumerate(callbacks.in_order):
            state = callback.state()
            arrays = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
            tensors |= {f"callback/{i}/{key}": value for key, value in arrays.items()}
            rest = {key: value for key, value in state.items() if key not in arrays}
            described.append({"type": type(callback).__name__, "state": rest})
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
        file = Path(path)
        if file.is_dir():
            files = files_in(file)
            if not files:
                raise FileNotFoundError(f"resume: no checkpoint in {path}")
            file = files[-1]
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
        here, there = spec.problem.model.config(), self.description["config"]
        for name in ("input_shape", "dtype", "input_scale", "layers"):
            if here[name] != there.get(name):
                raise ValueError(
                    f"resume: {self.path} belongs to a model of another architecture: {name} was {there.get(name)}, "
                    f"is {here[name]}"
                )
        wrong = differences(self._checkpoint["configuration"], spec.configuration)
        if wrong:
            raise ValueError(f"resume: {self.path} belongs to another training: {'; '.join(wrong)}")
        before, now = self._checkpoint["data"], spec.data
        for name in dict.fromkeys((*before, *now)):
            if name not in now:
                raise ValueError(f"resume: {self.path} was trained with {name}, which are missing")
            if name not in before:
                raise ValueError(f"resume: {self.path} was trained without {name}")
            if {**before[name], **({} if same_data else {"sha256": now[name]["sha256"]})} != now[name]:
                shapes = [tuple(part[name]["shape"]) for part in (before, now)]
                how = "other values" if shapes[0] == shapes[1] else f"shape {shapes[1]} instead of {shapes[0]}"
                raise ValueError(f"resume: {self.path} was trained with other data: {name} have {how}")
        check_progress(f"resume: {self.path}", self.position, self.history.steps.size, spec.steps, spec.samples)
        self._optimizer_arguments(spec.problem.optimizer)
        for name, array in _arrays(spec).items():
            found = self.tensors.get(name)
            if found is None or found.shape != array.shape or found.dtype != array.dtype:
                raise ValueError(f"resume: {self.path} holds no {name} of shape {array.shape} and dtype {array.dtype}")

    def restore(self, spec: TrainingSpec, callbacks: CallbackList) -> None:
        """Put model, optimiser and callbacks into the state of the checkpoint, which has passed `check`."""
        stored = list(enumerate(self._checkpoint["callbacks"]))
        for callback in callbacks.in_order:
            for place, (i, entry) in enumerate(stored):
                if entry["type"] == type(callback).__name__:
                    prefix = f"callback/{i}/"
                    arrays = {n.removeprefix(prefix): a for n, a in self.tensors.items() if n.startswith(prefix)}
                    try:
                        callback.restore({**entry["state"], **arrays})
                    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                        raise ValueError(
                            f"resume: {self.path} holds no state of {entry['type']} ({type(error).__name__}: {error})"
                        ) from None
                    del stored[place]
                    break
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
        if changed and type(optimizer).__module__.startswith("fastnn."):  # whose constructor checks its arguments
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
