"""The files that a training writes: the model, a record of how it was made, its history, and a picture of that."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from fastnn.cli import run_config
from fastnn.cli.inputs import MODEL_FILE
from fastnn.cli.output import CONFIG_FILE, CURVE_FILE, HISTORY_FILE, OPTIONS_FILE, Output, save_figure
from fastnn.config import config
from fastnn.data import Dataset
from fastnn.files import write_whole
from fastnn.plots import learning_curve
from fastnn.trainer import Trainer


def check_can_write() -> None:
    """Raise ImportError if the package that model files need is missing, before training rather than after it."""
    try:
        import safetensors.numpy  # noqa: F401
    except ImportError:
        raise ImportError("model files need the safetensors package: pip install safetensors") from None


def write(
    output: Output, options: argparse.Namespace, data: Dataset, trainer: Trainer, result: dict[str, Any]
) -> list[str]:
    """Write the files of a run and return their names."""
    trainer.model.save(output.path(MODEL_FILE))
    described = {
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "options": {name: value for name, value in vars(options).items() if name not in run_config.NOT_REPEATED},
        "optimizer": repr(trainer.optimizer),
        "schedule": repr(trainer.schedule),
        "data": fingerprint(data),
        "model": trainer.model.config(),
        "result": result,
        "environment": config(),
    }
    write_whole(output.path(CONFIG_FILE), json.dumps(described, indent=2) + "\n")
    run_config.write(output.path(OPTIONS_FILE), options)
    trainer.history.to_csv(output.path(HISTORY_FILE))
    written = [MODEL_FILE, CONFIG_FILE, OPTIONS_FILE, HISTORY_FILE]
    try:
        save_figure(output.path(CURVE_FILE), learning_curve, trainer.history)
    except ImportError:
        print(f"no {CURVE_FILE}: it needs matplotlib (pip install matplotlib)", file=sys.stderr)
    else:
        written.append(CURVE_FILE)
    return written


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
