"""Small trainings that the tests of layers, models, programs and trainers share."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strategies import Array

import fastnn
from fastnn import kernels, layers, optim

ROOT = Path(__file__).resolve().parent.parent

NATIVE = kernels.current_backend() == "native"  # only this backend compiles steps
needs_native = pytest.mark.skipif(not NATIVE, reason="not on the native backend")

ACTIVATIONS: dict[str, Callable[[], layers.Layer]] = {
    "relu": layers.ReLU,
    "leaky_relu": lambda: layers.LeakyReLU(0.1),
    "elu": lambda: layers.ELU(0.7),
    "sigmoid": layers.Sigmoid,
    "tanh": layers.Tanh,
    "tanhshrink": layers.Tanhshrink,
    "softshrink": lambda: layers.Softshrink(0.1),
    "gelu": layers.GELU,
    "silu": layers.SiLU,
    "softplus": layers.Softplus,
    "mish": layers.Mish,
    "hard_sigmoid": layers.HardSigmoid,
    "hard_swish": layers.HardSwish,
    "selu": layers.SELU,
    "softmax": layers.Softmax,
    "softmin": layers.Softmin,
    "log_softmax": layers.LogSoftmax,
}
OPTIMIZERS: dict[str, Callable[[], optim.Optimizer]] = {
    "sgd": lambda: optim.SGD(0.003, weight_decay=1e-3),
    "momentum": lambda: optim.Momentum(0.002, 0.9, weight_decay=1e-3, initial_velocity=1e-3),
    "adam": lambda: optim.Adam(0.01, weight_decay=1e-3),
    "adamw": lambda: optim.AdamW(0.01, weight_decay=1e-2),
    "nesterov": lambda: optim.Nesterov(0.002, 0.9, weight_decay=1e-3),
    "rmsprop": lambda: optim.RMSProp(0.003, 0.95, weight_decay=1e-3),
    "adagrad": lambda: optim.Adagrad(0.01, weight_decay=1e-3, initial_accumulator=0.1),
    "lion": lambda: optim.Lion(0.003, weight_decay=1e-2),
    "muon": lambda: optim.Muon(0.01, weight_decay=1e-2),
}
# the loss and the targets of `samples` for it, by name
LOSSES = {
    "labels": ("softmax_cross_entropy", lambda y, classes: y),
    "distributions": ("softmax_cross_entropy", lambda y, classes: 0.8 * np.eye(classes)[y] + 0.2 / classes),
    "squared": ("mean_squared_error", lambda y, classes: np.eye(classes)[y]),
    "hinge": ("multiclass_hinge", lambda y, classes: y),
    "binary": ("binary_cross_entropy", lambda y, classes: np.eye(classes)[y]),
}

# (optimizer, target, activation), with every optimiser for every loss, and every activation
COMBINATIONS = [(o, t, "relu") for o in OPTIMIZERS for t in LOSSES] + [("adam", "labels", a) for a in ACTIVATIONS]


def samples(n: int, inputs: int, classes: int, seed: int = 0) -> tuple[Array, Array]:
    """float64 inputs (n, inputs) and labels (n,) that a small network can learn."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, inputs))
    y = rng.integers(0, classes, n)
    return centres[y] + 0.7 * rng.normal(size=(n, inputs)), y


def mlp(*sizes: int, activation: Callable[[], layers.Layer] = layers.ReLU, **options: Any) -> fastnn.Sequential:
    """``mlp(784, 200, 10)`` has dense layers with an activation between two of them."""
    inputs, *units = sizes
    stack: list[layers.Layer] = []
    for n in units:
        stack += [layers.Dense(n, bias_init="normal(0.1)"), activation()]
    return fastnn.Sequential(stack[:-1], input_shape=(inputs,), **options)


def fit(model: fastnn.Sequential, x: Array, y: Array, **options: Any) -> fastnn.Trainer:
    """Train without printing anything and return the trainer."""
    trainer = fastnn.Trainer(model, progress=False, **options)
    trainer.fit(x, y)
    return trainer


def digest(*arrays: Array) -> str:
    """The SHA-256 of bytes, by which whole trainings can be compared across processes."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def one_training() -> str:
    """The digest of a training whose layers are shared by the threads of the pool."""
    x, y = samples(300, 40, 5)
    model = mlp(40, 64, 5, seed=3)
    trainer = fit(model, x, y, seed=11, epochs=3, batch_size=64, optimizer="adam")
    return digest(model.params, trainer.history.steps, model.predict_proba(x))


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = fastnn.get_num_threads()
    fastnn.set_num_threads(count)
    try:
        yield
    finally:
        fastnn.set_num_threads(before)


# seconds for a process that a test starts: it ends those that wait for ever, and measures nothing. On a busy machine
# or with a sanitizer everything takes tens of times as long.
PATIENCE = 600


def python(code: str, *, timeout: float = PATIENCE, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new process that imports this fastnn; of FASTNN_* it gets the backend and the instruction set."""
    names = [k for k in os.environ if not k.startswith(("FASTNN_", "OMP_")) or k in ("FASTNN_BACKEND", "FASTNN_ISA")]
    kept = {k: os.environ[k] for k in names}
    paths = os.pathsep.join([str(Path(fastnn.__file__).parent.parent), str(ROOT / "tests")])
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"PYTHONPATH": paths} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def output_of(code: str, **options: Any) -> str:
    """What a new process prints; if it fails, the test fails with its error."""
    done = python(code, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def images(n: int, shape: tuple[int, ...] = (2, 9, 8), classes: int = 3, seed: int = 0) -> tuple[Array, Array]:
    """Images (n, *shape) of classes that differ in their means, and labels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    return rng.normal(size=(n, *shape)) + rng.normal(size=(classes, *shape))[y], y


def kernels_of(trainer: fastnn.Trainer) -> list[str]:
    """The kernels in the plan of a compiled training, in order."""
    return [line.split()[0] for line in trainer.explain().splitlines() if "[" in line]
