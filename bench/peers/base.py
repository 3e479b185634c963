"""What all sides share: settings, data, initial weights, and the order of the rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import images, operations
from bench.floor import Call
from bench.peers import mnist
from bench.workloads import Workload

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

CHECK_STEPS = 5
CHECK_ROWS = 1000


@dataclass(frozen=True)
class Setting:
    """One way to run a side: a name to print, the number of threads, options and environment variables."""

    name: str
    threads: int
    options: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


class Runner(ABC):
    """A workload that is prepared in one framework."""

    @abstractmethod
    def run(self, steps: int) -> int:
        """Do at least `steps` steps, wait for the last one, and return how many were done."""

    @abstractmethod
    def check(self) -> list[float]:
        """Return numbers on which all sides must agree; this is called once, before the first run."""

    def work(self) -> list[Call]:
        """What the kernel calls of a step must do; this is called after `check`. Peers keep it to themselves."""
        return []

    def warm(self, steps: int) -> None:
        """Do some steps, so that caches and threads are as in the middle of a long run."""
        self.run(steps)


class OneByOne(Runner):
    """A workload whose step is one call, which is finished when it returns."""

    once: Callable[[], Any]

    def run(self, steps: int) -> int:
        for _ in range(steps):
            self.once()
        return steps


def thread_counts(threads: int) -> list[int]:
    """The numbers of threads to try: all, and one, because small steps are often faster on one."""
    return [threads] if threads == 1 else [threads, 1]


def plain_settings(threads: int, **options: Any) -> list[Setting]:
    """One setting for each number of threads."""
    return [Setting(f"{n} thread{'s' * (n > 1)}", n, options) for n in thread_counts(threads)]


def training_data(workload: Workload) -> tuple[FloatArray, IntArray]:
    """Dense random rows in [0, 1) and random labels, or those of MNIST, the same for every side."""
    if workload.data == "mnist":
        return mnist.read(workload.rows, workload.sizes[0], workload.sizes[-1])
    rng = np.random.default_rng(20)
    x = rng.random((workload.rows, workload.sizes[0]), dtype=np.float32)
    y = rng.integers(0, workload.sizes[-1], workload.rows)
    return x, y


def loss_data(workload: Workload) -> tuple[FloatArray, IntArray]:
    """Random logits and labels."""
    rows, classes = workload.sizes
    rng = np.random.default_rng(21)
    x = rng.standard_normal((rows, classes), dtype=np.float32)
    return x, rng.integers(0, classes, rows)


def gemm_data(workload: Workload) -> tuple[FloatArray, FloatArray]:
    """Two random factors."""
    m, k, n = workload.sizes
    rng = np.random.default_rng(22)
    a = rng.standard_normal((m, k), dtype=np.float32)
    return a, rng.standard_normal((k, n), dtype=np.float32)


def first_parameters(workload: Workload) -> list[tuple[FloatArray, FloatArray]]:
    """Glorot-uniform weights (inputs × outputs) and zero biases for each layer."""
    if workload.network:
        return images.first_parameters(workload.network)
    rng = np.random.default_rng(23)
    layers = []
    for inputs, outputs in zip(workload.sizes, workload.sizes[1:], strict=False):
        bound = (6.0 / (inputs + outputs)) ** 0.5
        w = rng.uniform(-bound, bound, (inputs, outputs)).astype(np.float32)
        layers.append((w, np.zeros(outputs, dtype=np.float32)))
    return layers


class Order:
    """The row numbers of shuffled epochs, given out step by step."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._rng = np.random.default_rng(24)
        self._epoch = np.empty((0, workload.batch), dtype=np.int64)

    def take(self, steps: int) -> IntArray:
        """Return row numbers (steps, batch), or an array (steps, 0) for a full-batch workload."""
        if self._workload.full_batch:
            return np.empty((steps, 0), dtype=np.int64)
        parts = []
        while steps > 0:
            if len(self._epoch) == 0:
                per_epoch = self._workload.steps_per_epoch
                rows = self._rng.permutation(self._workload.rows)[: per_epoch * self._workload.batch]
                self._epoch = rows.reshape(per_epoch, self._workload.batch)
            parts.append(self._epoch[:steps])
            self._epoch = self._epoch[steps:]
            steps -= len(parts[-1])
        return np.concatenate(parts) if len(parts) > 1 else parts[0]


class TrainRunner(Runner):
    """Trains on rows in a given order. Shuffling is timed too, because users need it as well."""

    # The number of steps that one call of the framework does together (in a scan, or in a loop inside a graph).
    chunk = 1

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.order = Order(workload)

    @abstractmethod
    def train(self, order: IntArray) -> None:
        """Do one step for each row of `order`; return when the last one has finished."""

    @abstractmethod
    def loss(self) -> float:
        """Return the mean loss over the first CHECK_ROWS rows."""

    def run(self, steps: int) -> int:
        steps = -(-steps // self.chunk) * self.chunk
        self.train(self.order.take(steps))
        return steps

    def check(self) -> list[float]:
        steps, batch = CHECK_STEPS, self.workload.batch
        if self.workload.full_batch:
            order = np.empty((steps, 0), dtype=np.int64)
        else:
            order = np.arange(steps * batch, dtype=np.int64).reshape(steps, batch)
        before = self.loss()
        self.train(order)
        return [before, self.loss()]


class FeaturesRunner(Runner):
    """Computes the outputs of a network for one batch of images after another, without gradients."""

    def __init__(self, workload: Workload) -> None:
        x, _ = training_data(workload)
        self.batches: list[Any] = np.split(x, workload.steps_per_epoch)

    @abstractmethod
    def features(self, x: Any) -> Any:
        """Return the outputs for one of `batches`, after they have been computed."""

    def as_numpy(self, features: Any) -> npt.ArrayLike:
        """Convert the result of `features` to images × channels × rows × columns."""
        result: npt.ArrayLike = features
        return result

    def run(self, steps: int) -> int:
        for i in range(steps):
            self.features(self.batches[i % len(self.batches)])
        return steps

    def check(self) -> list[float]:
        return operations.numbers(self.as_numpy(self.features(self.batches[0])))


def scan_chunk(workload: Workload) -> int:
    """The number of steps in one compiled loop: about a tenth of a second, but at most an epoch."""
    steps = int(5e9 / max(1, workload.flops))
    return max(2, min(steps, workload.steps_per_epoch, 1500))
