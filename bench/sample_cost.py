"""What augmentation, and images that stay in their file, cost a training: ``python bench/sample_cost.py [rounds]``.

LeNet-5 is trained by Adam on images of 28 × 28 bytes in batches of 64, plain and augmented; 3072-200-10 is trained by
SGD in batches of 64 on data in memory and on a mapped file (307 MB, in the system's cache once written). Trainings
alternate. Prints the best epoch of each in µs per image, by how much longer it is than the plain one, and the time that
augmentation alone takes on all threads.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import fastnn
from fastnn import architecture
from fastnn.data import Augmentation, read_npy
from fastnn.layers import Dense, ReLU

IMAGES, ROWS, PIECE = 12_000, 100_000, 2_500
SOME = Augmentation(shift=2, rotate=10, scale=0.1)
ALL = Augmentation(shift=2, rotate=10, scale=0.1, elastic=2, noise=5, cutout=8)
Case = Callable[[], float]


def lenet(x: np.ndarray, y: np.ndarray, augmentation: Augmentation | None) -> float:
    """The seconds of the faster of two epochs of LeNet-5 after the first."""
    model = architecture.parse("lenet5", input_shape=(28, 28), input_scale=1 / 255, class_names=tuple("0123456789"))
    return _seconds(fastnn.Trainer(model, optimizer="adam", batch_size=64, augmentation=augmentation), x, y)


def dense(x: np.ndarray, y: np.ndarray) -> float:
    """The same for the dense network."""
    model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(3072,), input_scale=1 / 255)
    return _seconds(fastnn.Trainer(model, optimizer="sgd", batch_size=64), x, y)


def _seconds(trainer: fastnn.Trainer, x: np.ndarray, y: np.ndarray) -> float:
    trainer.epochs, trainer.progress = 3, False
    return float(trainer.fit(x, y).column("seconds")[1:].min())


def augment_seconds(x: np.ndarray, augmentation: Augmentation) -> float:
    """The seconds for augmenting all images, as many at a time as in a training."""
    out = np.empty((PIECE, 1, 28, 28), np.float32)
    began = time.perf_counter()
    for first in range(0, len(x), PIECE):
        index = np.arange(first, min(first + PIECE, len(x)))
        augmentation.write(x[:, None], index, index, 1, out[: len(index)])
    return time.perf_counter() - began


def best_of(cases: dict[str, Case], rounds: int, count: int) -> None:
    """Measure the cases in alternation and print the best times; percentages are relative to the first case."""
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for name, case in cases.items():
            best[name] = min(best[name], case())
    first = next(iter(best.values()))
    for name, seconds in best.items():
        print(f"{name:34} {1e6 * seconds / count:7.2f} µs per image  {100 * (seconds / first - 1):+6.1f} %", flush=True)


def main(rounds: int = 6) -> None:
    """Measure and print the results."""
    x, y = fastnn.data.glyphs(IMAGES, kind="digits", seed=0)
    given: dict[str, Augmentation | None] = {
        "plain": None,
        "shift, rotate, scale": SOME,
        "and elastic, noise, cutout": ALL,
    }
    best_of({f"LeNet-5, {name}": lambda a=how: lenet(x, y, a) for name, how in given.items()}, rounds, IMAGES)
    alone = {f"alone: {name}": lambda a=how: augment_seconds(x, a) for name, how in given.items() if how is not None}
    best_of(alone, 10 * rounds, IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, np.random.default_rng(0).integers(0, 256, (ROWS, 3, 32, 32), np.uint8))
        mapped, labels = read_npy(path, mapped=True), np.arange(ROWS) % 10
        memory = np.array(mapped)
        best_of(
            {
                "3072-200-10, in memory": lambda: dense(memory, labels),
                "3072-200-10, mapped": lambda: dense(mapped, labels),
            },
            rounds,
            ROWS,
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
