"""The kernels that Numba has, against the reference and the native ones: ``python bench/backends.py``.

Prints medians in microseconds of alternating calls, float32, one thread, and how many times faster Numba is than NumPy.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import fastnn
from fastnn import kernels
from fastnn.kernels import Activation, UpdateRule
from fastnn.kernels.limits import PRELU

ROUNDS = 7
Call = tuple[str, str, tuple[Any, ...]]


def calls() -> Iterator[Call]:
    """Kernel, what it works on, arguments."""
    rng = np.random.default_rng(0)

    def real(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    rows, labels, loss, right = real(100, 10), rng.integers(0, 10, 100), np.empty(1), np.empty(1, np.int64)
    x = real(100, 200)
    for kind in (Activation.RELU, Activation.SIGMOID, Activation.SOFTSHRINK):
        yield "activation_forward", kind.name.lower(), (x, np.empty_like(x), int(kind), 0.5)
        yield "activation_backward", kind.name.lower(), (x, x, np.empty_like(x), int(kind), 0.5)
    data, index = rng.integers(0, 256, (5000, 784)).astype(np.uint8), rng.integers(0, 5000, 100)
    yield "gather_rows", "100 of 784 bytes", (data, index, np.empty((100, 784), np.float32), 1 / 255)
    yield "softmax_cross_entropy", "100 x 10", (rows, labels, np.empty_like(rows), loss, right, None, 0.01)
    yield "squared_error", "100 x 10", (rows, rows + 1, np.empty_like(rows), loss, None, 0.01)
    yield "softmax_forward", "100 x 10", (rows, np.empty_like(rows), 1.0)
    yield "softmax_backward", "100 x 10", (rows, rows, np.empty_like(rows), 1.0)
    yield "log_softmax_forward", "100 x 10", (rows, np.empty_like(rows))
    w, m, v, g = (abs(real(784, 200)) for _ in range(4))
    for rule, coefficients in ((UpdateRule.MOMENTUM, (0.9,)), (UpdateRule.ADAM, (0.9, 0.999, 1e-8))):
        state = [a if slot in rule.slots else None for slot, a in (("m", m), ("v", v))]
        yield (
            "update",
            rule.name.lower(),
            (w, *state, g, np.array([0.01]), np.array([3]), int(rule), 0.0, *coefficients),
        )
    image = real(32, 16, 28, 28)
    pooled, number = np.empty((32, 16, 14, 14), np.float32), np.zeros((32, 16, 14, 14), np.uint8)
    window = (2, 2, 2, 2, 0, 0)
    yield "max_pool_forward", "2 x 2", (image, pooled, number, *window)
    yield "max_pool_backward", "2 x 2", (pooled, number, np.empty_like(image), *window)
    columns = np.zeros((32, 16, 3, 3, 26, 26), np.float32)
    yield "col2im", "3 x 3", (columns, np.empty_like(image), 1, 1, 0, 0, 1, 1)
    channels = image.reshape(32, 16, -1)
    numbers = real(16), None, None
    yield "learned_activation_forward", "prelu", (channels, *numbers, np.empty_like(channels), PRELU)
    into = np.empty_like(channels), real(16), None, None
    yield "learned_activation_backward", "prelu", (channels, channels, *numbers, *into, 0.0, PRELU)


def main() -> None:
    """Measure and print a table."""
    fastnn.set_num_threads(1)
    print("| kernel | on | reference µs | numba µs | native µs | reference ÷ numba |\n|---|---|---|---|---|---|")
    for kernel, on, arguments in calls():
        functions = {name: kernels.get(kernel, name) for name in ("reference", "numba", "native")}
        times: dict[str, list[float]] = {name: [] for name in functions}
        for _ in range(ROUNDS + 1):
            for name, function in functions.items():
                began = time.perf_counter()
                function(*arguments)
                times[name].append(time.perf_counter() - began)
        median = {name: 1e6 * statistics.median(values[1:]) for name, values in times.items()}
        of = " | ".join(f"{median[name]:.1f}" for name in functions)
        print(f"| {kernel} | {on} | {of} | {median['reference'] / median['numba']:.1f} |", flush=True)


if __name__ == "__main__":
    main()
