"""The network of the study, its data and its capped loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import functional
from fastnn.architecture import parse
from fastnn.model import Sequential
from fastnn.studies.study import Run
from fastnn.studies.training import Pair

CAP = 1e-8  # added to p before its logarithm, so that the loss of an image is at most -log(1e-8) = 18.42


def sets(run: Run, train: int) -> dict[str, Pair]:
    """Return the first `train` images, the last sixth of the training file for validation, and the test images."""
    x, y = run.data.train
    held_out = len(x) // 6
    count = min(train, len(x) - held_out)
    return {"": (x[:count], y[:count]), "val": (x[-held_out:], y[-held_out:]), "test": run.data.test}


def network(run: Run, hidden: int, init: str, activation: str = "relu", dtype: str = "float32") -> Sequential:
    """Return a 784-hidden-hidden-10 network with weights drawn by `init`."""
    inputs = run.data.train_images[0].size
    text = f"mlp:{inputs}-{hidden}-{hidden}-{len(run.data.class_names)}"
    return parse(text, activation=activation, init=init, dtype=dtype, seed=run.seed, input_scale=run.data.scale)


def losses(logits: NDArray[Any], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean of -log(p + 1e-8), the loss of the report, and the mean of -log p."""
    log_p = functional.log_softmax(logits.astype(np.float64))[np.arange(len(labels)), labels]
    return float(np.mean(-np.log(np.exp(log_p) + CAP))), float(np.mean(-log_p))


def evaluate(model: Sequential, images: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, float]:
    """Return both losses and the accuracy."""
    logits = model.forward(images)
    capped, plain = losses(logits, labels)
    return {"loss": capped, "uncapped": plain, "accuracy": float(np.mean(logits.argmax(axis=1) == labels))}
