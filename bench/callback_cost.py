"""What callbacks and the progress bar cost on the smallest workload: ``python bench/callback_cost.py``.

The network is 784-200-10, trained by SGD on batches of 8. Trainings alternate: without callbacks, with the progress
bar, with early stopping, and with callbacks after some steps. Prints the best epoch of each, and by how much longer it
is than the one without callbacks.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import numpy as np

import fastnn
from fastnn.layers import Dense, ReLU

SAMPLES, ROUNDS = 20_000, 8


class Look(fastnn.Callback):
    """Reads the loss after every so many steps."""

    def __init__(self, every: int) -> None:
        self.every = every

    def on_step(self, trainer: fastnn.Trainer, step: int) -> None:
        """Read the last loss."""
        self.last = float(trainer.history.steps[-1])


Case = tuple[Callable[[], list[fastnn.Callback]], bool]
CASES: dict[str, Case] = {
    "plain": (lambda: [], False),
    "bar": (lambda: [], True),
    "early stopping": (lambda: [fastnn.EarlyStopping("loss")], False),
    "bar and early stopping": (lambda: [fastnn.EarlyStopping("loss")], True),
    "on_step every 100": (lambda: [Look(100)], False),
    "on_step every 500": (lambda: [Look(500)], False),
}


def epoch_seconds(x: np.ndarray, y: np.ndarray, case: Case) -> float:
    """The seconds of the faster of two epochs after the first."""
    callbacks, bar = case
    model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
    trainer = fastnn.Trainer(model, optimizer="sgd", batch_size=8, epochs=3, callbacks=callbacks(), progress=bar)
    with contextlib.redirect_stderr(io.StringIO()):
        return float(trainer.fit(x, y).column("seconds")[1:].min())


def main() -> None:
    """Measure and print the results."""
    x, y = fastnn.data.glyphs(SAMPLES, seed=0)
    best = dict.fromkeys(CASES, float("inf"))
    for _ in range(ROUNDS):
        for name, case in CASES.items():
            best[name] = min(best[name], epoch_seconds(x, y, case))
    for name, seconds in best.items():
        print(
            f"{name:24} {1e6 * seconds / (SAMPLES // 8):7.2f} µs a step  {100 * (seconds / best['plain'] - 1):+5.1f} %"
        )


if __name__ == "__main__":
    main()
