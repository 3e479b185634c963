"""A step of 784-666-666-10 with products of float32 and of bf16, by fastnn and by PyTorch (autocast), side by side.

    python bench/precision_race.py --threads 2

Every round trains each side for so many steps as take about half a second; the medians of the rounds are printed, with
the ratios of the sides to fastnn's bf16.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

import fastnn
from fastnn.layers import Dense, ReLU

ROWS, RATE = 6000, 0.1
RNG = np.random.default_rng(0)
X = RNG.random((ROWS, 784), np.float32)
Y = RNG.integers(0, 10, ROWS)


def fastnn_step(precision: str, batch: int) -> Callable[[int], float]:
    """Train for some steps; return the seconds of one."""
    layers = [Dense(666), ReLU(), Dense(666), ReLU(), Dense(10)]
    model = fastnn.Sequential(layers, input_shape=(784,))
    optimizer = fastnn.optim.SGD(RATE)
    trainer = fastnn.Trainer(
        model, optimizer=optimizer, batch_size=batch, epochs=3, precision=precision, progress=False
    )

    def run(steps: int) -> float:
        rows = steps * batch // 3
        history = trainer.fit(X[:rows], Y[:rows])
        return min(line["seconds"] for line in history.epochs[1:]) / (rows // batch)

    return run


def torch_step(precision: str, batch: int) -> Callable[[int], float]:
    """The same by PyTorch, with every line as people write it."""
    model = nn.Sequential(nn.Linear(784, 666), nn.ReLU(), nn.Linear(666, 666), nn.ReLU(), nn.Linear(666, 10))
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    loss, x, y = nn.CrossEntropyLoss(), torch.from_numpy(X), torch.from_numpy(Y)

    def run(steps: int) -> float:
        start = time.perf_counter()
        for i in range(steps):
            rows = slice(i * batch % ROWS, i * batch % ROWS + batch)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                found = loss(model(x[rows]), y[rows])
            found.backward()
            optimizer.step()
        return (time.perf_counter() - start) / steps

    return run


def main() -> None:
    """Run the rounds and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", default="100,200")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    fastnn.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)
    for batch in map(int, options.batches.split(",")):
        sides = {
            f"{name} {precision}": make(precision, batch)
            for name, make in (("fastnn", fastnn_step), ("torch", torch_step))
            for precision in ("float32", "bf16")
        }
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(options.rounds):
            for side, run in sides.items():
                times[side].append(run(ROWS // batch))
        ours = statistics.median(times["fastnn bf16"])
        for side, seconds in times.items():
            median = statistics.median(seconds)
            print(f"batch {batch}, {side}: {median * 1e6:,.0f} µs, {median / ours:.2f} × fastnn bf16")


if __name__ == "__main__":
    main()
