"""A training at one place, as a checkpoint keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.model.file import check_digest, read, write
from fastnn.model.sequential import Sequential
from fastnn.program.step import Task
from fastnn.trainer.description import arguments_of, configuration, describe, differences, fingerprint, rebuild
from fastnn.trainer.history import History
from fastnn.trainer.position import Position

if TYPE_CHECKING:
    from fastnn.trainer.run import Run
    from fastnn.trainer.trainer import Trainer

Array = NDArray[Any]

_FILE = re.compile(r"checkpoint-(\d+)\.safetensors")


def file_of(folder: Path, step: int) -> Path:
    """Where the checkpoint behind step `step` goes."""
    return folder / f"checkpoint-{step:09d}.safetensors"


def files_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the latest last."""
    found = [path for path in folder.iterdir() if _FILE.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda path: int(path.stem.partition("-")[2]))


def data_of(task: Task, validation: tuple[Array, Array] | None) -> dict[str, Any]:
    """Fingerprints of all that is trained on and validated with."""
    arrays = {name: value for name, value in vars(task).items() if isinstance(value, np.ndarray)}
    if validation is not None:
        arrays |= {"validation inputs": validation[0], "validation targets": validation[1]}
    return {name: fingerprint(array) for name, array in arrays.items()}


@dataclass(frozen=True)
class Snapshot:
    """What a checkpoint file holds.

    Parameters
    ----------
    path : Path
        Of the file that it was read from, or goes to.
    tensors : dict of str to array
        The model's arrays by their names; with a prefix ending in "/" optimiser state, history and what callbacks
        keep.
    description : dict
        Architecture ("config") and the rest ("checkpoint").
    """

    path: Path
    tensors: Mapping[str, Array]
    description: Mapping[str, Any]

    # --- writing ---

    @classmethod
    def take(cls, path: Path, run: Run, data: Mapping[str, Any]) -> Snapshot:
        """The training as it is now; `data` is what `data_of` gives for it."""
        trainer = run.trainer
        run.session.store_state()
        tensors = {
            **trainer.model.parameters,
            **trainer.model.state,
            **{f"optimizer/{slot}/{n}": a for n, slots in run.task.state.items() for slot, a in slots.items()},
            "history/steps": trainer.history.steps,
        }
        callbacks = []
        for i, callback in enumerate(run.calls.callbacks):
            state = callback.state()
            arrays = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
            tensors |= {f"callback/{i}/{key}": value for key, value in arrays.items()}
            rest = {key: value for key, value in state.items() if key not in arrays}
            callbacks.append({"type": type(callback).__name__, "state": rest})
        checkpoint = {
            "configuration": run.configuration,
            "optimizer": describe(trainer.optimizer)["arguments"],
            "position": asdict(trainer.position),
            "stop": bool(trainer.stop),
            "history": trainer.history.epochs,
            "callbacks": callbacks,
            "data": data,
        }
        return cls(path, tensors, {"config": trainer.model.config(), "checkpoint": checkpoint})

    def write(self) -> None:
        """Write the file, whole or not at all."""
        write(self.path, self.tensors, self.description)

    # --- reading ---

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Snapshot:
        """Read a checkpoint: a file, or the latest of a folder.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If it is damaged, or no checkpoint.
        """
        file = Path(path)
        if file.is_dir():
            files = files_in(file)
            if not files:
                raise FileNotFoundError(f"resume: no checkpoint in {path}")
            file = files[-1]
        tensors, description = read(file, "resume")
        if "checkpoint" not in description:
            raise ValueError(f"resume: {file} is a model file, not a checkpoint; fit goes on from a model")
        check_digest(file, tensors, description, "resume")
        return cls(file, tensors, description)

    @property
    def _checkpoint(self) -> Mapping[str, Any]:
        checkpoint: Mapping[str, Any] = self.description["checkpoint"]
        return checkpoint

    @property
    def history(self) -> History:
        """All epochs and steps until now."""
        return History([dict(epoch) for epoch in self._checkpoint["history"]], self.tensors["history/steps"].copy())

    @property
    def position(self) -> Position:
        """Where the training stood."""
        return Position(**self._checkpoint["position"])

    def trainer_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the constructor of the trainer; `given` go before those of the checkpoint."""
        options = {"model": Sequential.load(self.path)} if "model" not in given else {}
        for name, described in self._checkpoint["configuration"].items():
            if name not in given:
                options[name] = rebuild(name, described)
        return {**options, **given}

    # --- going on ---

    def check(self, trainer: Trainer, task: Task, validation: tuple[Array, Array] | None) -> None:
        """Raise ValueError if the trainer and its data cannot go on from here."""
        here, there = trainer.model.config(), self.description["config"]
        for name in ("input_shape", "dtype", "input_scale", "layers"):
            if here[name] != there.get(name):
                raise ValueError(
                    f"resume: {self.path} is of another architecture: its {name} are {there.get(name)}, "
                    f"the model's are {here[name]}"
                )
        wrong = differences(self._checkpoint["configuration"], configuration(trainer))
        if wrong:
            raise ValueError(f"resume: {self.path} is of another training: {'; '.join(wrong)}")
        before, now = self._checkpoint["data"], data_of(task, validation)
        for name in dict.fromkeys((*before, *now)):
            if name not in now:
                raise ValueError(f"resume: {self.path} was trained with {name}, which are missing")
            if name not in before:
                raise ValueError(f"resume: {self.path} was trained without {name}")
            if before[name] != now[name]:
                shapes = [tuple(part[name]["shape"]) for part in (before, now)]
                how = "other values" if shapes[0] == shapes[1] else f"shape {shapes[1]} instead of {shapes[0]}"
                raise ValueError(f"resume: {self.path} was trained with other data: {name} have {how}")
        arrays = {**trainer.model.parameters, **trainer.model.state, **self._slots(task)}
        for name, array in arrays.items():
            found = self.tensors.get(name)
            if found is None or found.shape != array.shape or found.dtype != array.dtype:
                raise ValueError(f"resume: {self.path} holds no {name} of shape {array.shape} and dtype {array.dtype}")

    def restore(self, trainer: Trainer, task: Task) -> None:
        """Bring model, optimiser and callbacks to where they were; `check` has been passed."""
        for name, array in {**trainer.model.parameters, **trainer.model.state, **self._slots(task)}.items():
            array[...] = self.tensors[name]
        trainer.model.seed = self.description["config"]["seed"]
        trainer.stop = self._checkpoint["stop"]
        now = arguments_of(trainer.optimizer)
        for name, value in self._checkpoint["optimizer"].items():  # a callback may have changed them
            if isinstance(value, int | float | str) and now.get(name) != value:
                setattr(trainer.optimizer, name, value)
        assert trainer.run is not None
        kept = list(enumerate(self._checkpoint["callbacks"]))
        for callback in trainer.run.calls.callbacks:
            for place, (i, entry) in enumerate(kept):
                if entry["type"] == type(callback).__name__:
                    prefix = f"callback/{i}/"
                    arrays = {n.removeprefix(prefix): a for n, a in self.tensors.items() if n.startswith(prefix)}
                    callback.restore({**entry["state"], **arrays})
                    del kept[place]
                    break

    @staticmethod
    def _slots(task: Task) -> dict[str, Array]:
        return {f"optimizer/{slot}/{n}": a for n, slots in task.state.items() for slot, a in slots.items()}
