"""The files that a training writes: the model, a record of how it was made, its history, and a picture of that."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fastnn.cli import run_config
from fastnn.cli.ensemble import EnsembleTrainer
from fastnn.cli.inputs import MODEL_FILE
from fastnn.cli.output import CONFIG_FILE, CURVE_FILE, HISTORY_FILE, OPTIONS_FILE, Output, save_figure
from fastnn.cli.streams import print_prose
from fastnn.config import config
from fastnn.data import Dataset
from fastnn.files import write_whole
from fastnn.plots import learning_curve
from fastnn.trainer import Trainer


class Savable(Protocol):
    """A model that can be written to a file."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it, whole or not at all."""


def check_can_write() -> None:
    """Raise ImportError if the package that model files need is missing, before training rather than after it."""
    try:
        import safetensors.numpy  # noqa: F401
    except ImportError:
        raise ImportError("model files need the safetensors package: pip install safetensors") from None


@dataclass(frozen=True)
class Written:
    """What was written.

    Parameters
    ----------
    folder, model : Path
        The folder of the run, and the file of the model, which is elsewhere if it could not be written there.
    names : tuple of str
        The files in the folder.
    missing : tuple of str
        The files that could not be written.
    """

    folder: Path
    model: Path
    names: tuple[str, ...]
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        inside = f"in {self.folder}/: {', '.join(self.names)}" if self.names else f"nothing in {self.folder}/"
        return inside if self.model.parent == self.folder else f"the model is in {self.model}, {inside}"


def write(
    output: Output,
    options: argparse.Namespace,
    data: Dataset,
    trainer: Trainer | EnsembleTrainer,
    result: dict[str, Any],
) -> Written:
    """Write the files of a run, the model first.

    A file that cannot be written is named on standard error, and the others are written all the same.

    Raises
    ------
    OSError
        If the model can be written nowhere.
    """
    model = save_model(trainer.model, output)
    made = described(options, trainer, fingerprint(data), result)
    return write_others(
        output,
        model,
        {
            CONFIG_FILE: lambda path: write_whole(path, as_json(made)),
            OPTIONS_FILE: lambda path: run_config.write(path, options),
            HISTORY_FILE: trainer.history.to_csv,
            CURVE_FILE: lambda path: save_figure(path, learning_curve, trainer.history),
        },
    )


def write_others(output: Output, model: Path, writers: dict[str, Callable[[Path], Any]]) -> Written:
    """Write the files of a run beside its model, each by its function."""
    names = [model.name] if model.parent == output.folder else []
    missing = []
    for name, write_file in writers.items():
        try:
            write_file(output.path(name))
        except ImportError:
            print_prose(f"no {name}: it needs matplotlib (pip install matplotlib)")
        except OSError as error:
            missing.append(name)
            print_prose(f"no {output.path(name)}: {error.strerror or error}")
        except Exception as error:  # of a picture: whatever matplotlib raises, the training is worth more
            if not name.endswith(".png"):
                raise
            missing.append(name)
            print_prose(f"no {output.path(name)}: {type(error).__name__}: {error}")
        else:
            names.append(name)
    return Written(output.folder, model, tuple(names), tuple(missing))


def save_model(model: Savable, output: Output) -> Path:
    """Write a model to the folder of the run, or, if that fails, elsewhere, and return its path.

    The other places are the current folder, the home folder and that for temporary files. That the model is there is
    said on standard error.

    Raises
    ------
    OSError
        If none can be written to; the message names them all.
    """
    wanted = output.path(MODEL_FILE)
    failures = []
    stamp = time.strftime("%Y%m%d-%H%M%S")
    elsewhere: tuple[Callable[[], Path], ...] = (Path.cwd, Path.home, lambda: Path(tempfile.gettempdir()))
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)  # if somebody has removed it meanwhile
        model.save(wanted)
    except OSError as error:
        failures.append(f"{wanted}: {error.strerror or error}")
    else:
        return wanted
    for place in elsewhere:
        try:
            path = place() / f"fastnn-model-{stamp}-{os.getpid()}.safetensors"
            model.save(path)
        except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
            failures.append(str(error))
        else:
            print_prose(f"{failures[0]}; the model is in {path}")
            return path
    raise OSError(f"the model cannot be written anywhere: {'; '.join(failures)}")


def described(
    options: argparse.Namespace, trainer: Trainer | EnsembleTrainer, data: dict[str, Any], result: dict[str, Any]
) -> dict[str, Any]:
    """Return the record of how a model was made: options, data, model, result and environment."""
    how = {"optimizer": repr(trainer.optimizer), "schedule": repr(trainer.schedule)}
    return made_with(options, how | {"data": data, "model": trainer.model.config(), "result": result})


def made_with(options: argparse.Namespace, rest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of the options, of the rest, and of the environment."""
    return {
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "options": {name: value for name, value in vars(options).items() if name not in run_config.NOT_REPEATED},
        **rest,
        "environment": config(),
    }


def interrupted(written: Written, epochs: int, of: int) -> int:
    """Say that Ctrl-C ended a training whose model is written all the same, and return the exit status."""
    print_prose(
        f"fastnn train: interrupted after {epochs} of {of} epochs; the model at that moment is in {written.model}"
    )
    return 130


def as_json(made: dict[str, Any]) -> str:
    """Return the record of a run as the text of its file."""
    return json.dumps(made, indent=2) + "\n"


def fingerprint(data: Dataset) -> dict[str, Any]:
    """Describe a data set: names, scale, decisions, the shape and dtype of each array, and the SHA-256 of them all."""
    arrays = {
        "train_images": data.train_images,
        "train_labels": data.train_labels,
        "test_images": data.test_images,
        "test_labels": data.test_labels,
    }
    described: dict[str, Any] = {"name": data.name, "class_names": list(data.class_names), "scale": data.scale}
    if data.column_names is not None:
        described["column_names"] = list(data.column_names)
    described["decisions"] = [str(decision) for decision in data.decisions]
    for name, array in arrays.items():
        described[name] = {"shape": list(array.shape), "dtype": array.dtype.name}
    return described | {"sha256": data.sha256()}
