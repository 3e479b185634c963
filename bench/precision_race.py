"""A step of 784-666-666-10, and products alone, in each precision that gains here, by fastnn and by PyTorch.

    python bench/precision_race.py --threads 2

Every round trains each side over some thousand samples, and does each product for a tenth of a second; medians of the
rounds are printed, with their ratios to fastnn's float32. PyTorch has bf16 by autocast, and by its setting for products
of float32. Under FASTNN_ISA=amx without AMX functions stand for instructions, whose times mean nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

import fastnn
from fastnn import kernels
from fastnn.kernels.backend import faster_precisions
from fastnn.kernels.precisions import PRECISIONS, Precision, PrecisionName
from fastnn.layers import Dense, ReLU

ROWS, RATE, PRODUCT_SECONDS = 6000, 0.1, 0.1
PRODUCTS = ((200, 784, 666), (2048, 2048, 2048))
OURS = [name for name in PRECISIONS if name == "float32" or Precision.of(name) in faster_precisions()]
THEIRS = ("float32", "bf16 (autocast)", "bf16 (fp32_precision)")
RNG = np.random.default_rng(0)
X = RNG.random((ROWS, 784), np.float32)
Y = RNG.integers(0, 10, ROWS)


@contextmanager
def torch_precision(how: str) -> Iterator[None]:
    """PyTorch's products in one of `THEIRS`."""
    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16" if "fp32_precision" in how else before
    try:
        with torch.autocast("cpu", torch.bfloat16, enabled="autocast" in how):
            yield
    finally:
        matmul.fp32_precision = before


def fastnn_step(precision: PrecisionName, batch: int) -> Callable[[], float]:
    """Train for a while; return the seconds of a step."""
    layers = [Dense(666), ReLU(), Dense(666), ReLU(), Dense(10)]
    model = fastnn.Sequential(layers, input_shape=(784,))
    optimizer = fastnn.optim.SGD(RATE)
    trainer = fastnn.Trainer(
        model, optimizer=optimizer, batch_size=batch, epochs=3, precision=precision, progress=False
    )

    def run() -> float:
        rows = ROWS // 3
        history = trainer.fit(X[:rows], Y[:rows])
        return min(line["seconds"] for line in history.epochs[1:]) / (rows // batch)

    return run


def torch_step(how: str, batch: int) -> Callable[[], float]:
    """The same by PyTorch, with every line as people write it."""
    model = nn.Sequential(nn.Linear(784, 666), nn.ReLU(), nn.Linear(666, 666), nn.ReLU(), nn.Linear(666, 10))
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    loss, x, y = nn.CrossEntropyLoss(), torch.from_numpy(X), torch.from_numpy(Y)

    def run() -> float:
        steps = ROWS // batch
        start = time.perf_counter()
        for i in range(steps):
            rows = slice(i * batch % ROWS, i * batch % ROWS + batch)
            optimizer.zero_grad(set_to_none=True)
            with torch_precision(how):
                found = loss(model(x[rows]), y[rows])
                if "autocast" not in how:
                    found.backward()
            if "autocast" in how:  # whose backward pass belongs outside
                found.backward()
            optimizer.step()
        return (time.perf_counter() - start) / steps

    return run


def repeated(multiply: Callable[[], object]) -> Callable[[], float]:
    """Do a product for a while; return the seconds of the fastest."""

    def run() -> float:
        best, end = float("inf"), time.perf_counter() + PRODUCT_SECONDS
        while time.perf_counter() < end or best == float("inf"):
            start = time.perf_counter()
            multiply()
            best = min(best, time.perf_counter() - start)
        return best

    return run


def fastnn_product(precision: PrecisionName, m: int, k: int, n: int) -> Callable[[], float]:
    """A forward product of a dense layer."""
    a, b = RNG.standard_normal((m, k)).astype(np.float32), RNG.standard_normal((k, n)).astype(np.float32)
    out, kernel = np.empty((m, n), np.float32), kernels.get("affine_forward")
    return repeated(lambda: kernel(a, b, None, out, 0, 0.0, Precision.of(precision)))


def torch_product(how: str, m: int, k: int, n: int) -> Callable[[], float]:
    """The same by PyTorch; with autocast, factors are converted within the time, as ours are."""
    a, b = torch.randn(m, k), torch.randn(k, n)

    def multiply() -> object:
        with torch_precision(how), torch.inference_mode():
            return a @ b

    return repeated(multiply)


def race(title: str, sides: dict[str, Callable[[], float]], rounds: int, products: float) -> None:
    """Run the rounds of one row and print the medians."""
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, run in sides.items():
            times[side].append(run())
    plain = statistics.median(times["fastnn float32"])
    for side, seconds in times.items():
        median = statistics.median(seconds)
        rate = f", {2e-9 * products / median:,.0f} GFLOP/s" if products else ""
        print(f"{title}, {side}: {median * 1e6:,.0f} µs{rate}, fastnn float32 ÷ it {plain / median:.2f}", flush=True)


def main() -> None:
    """Run the rounds of all rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", default="100,200")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    fastnn.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)
    for batch in map(int, options.batches.split(",")):
        sides = {f"fastnn {name}": fastnn_step(name, batch) for name in OURS}
        sides |= {f"torch {how}": torch_step(how, batch) for how in THEIRS}
        race(f"batch {batch}", sides, options.rounds, 0)
    for shape in PRODUCTS:
        sides = {f"fastnn {name}": fastnn_product(name, *shape) for name in OURS}
        sides |= {f"torch {how}": torch_product(how, *shape) for how in THEIRS}
        race(" × ".join(map(str, shape)), sides, options.rounds, float(np.prod(shape)))


if __name__ == "__main__":
    main()
