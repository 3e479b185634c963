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
from fastnn.kernels import Activation, ElementwiseLoss, UpdateRule, numba
from fastnn.kernels.limits import PRELU
from fastnn.random import Purpose
from fastnn.random.philox import use_compiled

ROUNDS = 7
RNG = np.random.default_rng(0)
Call = tuple[str, str, tuple[Any, ...]]


def calls() -> Iterator[Call]:
    """Kernel, what it works on, arguments; every kernel that Numba has."""
    yield from _of_rows()
    yield from _of_weights()
    yield from _of_images()
    yield from _of_norms()
    yield from _of_codes()
    yield from _of_random_words()


def _real(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def _of_rows() -> Iterator[Call]:
    rows, labels, loss, right = _real(100, 10), RNG.integers(0, 10, 100), np.empty(1), np.empty(1, np.int64)
    x, w, out = _real(100, 200), _real(200, 10), np.empty((100, 10), np.float32)
    for kind in (Activation.RELU, Activation.SIGMOID, Activation.SOFTSHRINK):
        yield "activation_forward", kind.name.lower(), (x, np.empty_like(x), int(kind), 0.5)
        yield "activation_backward", kind.name.lower(), (x, x, np.empty_like(x), int(kind), 0.5)
    yield "affine_forward", "100 x 200 x 10, relu", (x, w, _real(10), out, int(Activation.RELU), 0.0)
    data, index = RNG.integers(0, 256, (5000, 784)).astype(np.uint8), RNG.integers(0, 5000, 100)
    yield "gather_rows", "100 of 784 bytes", (data, index, np.empty((100, 784), np.float32), 1 / 255)
    into, weights = np.empty_like(rows), abs(_real(100))
    targets = abs(rows) / abs(rows).sum(axis=1, keepdims=True)
    for given, named in ((None, "100 x 10"), (weights, "100 x 10, weights")):
        yield "softmax_cross_entropy", named, (rows, labels, into, loss, right, given, 0.01)
        yield "soft_cross_entropy", named, (rows, targets, into, loss, right, given, 0.01)
        yield "squared_error", named, (rows, targets, into, loss, given, 0.01)
    yield "focal_cross_entropy", "100 x 10", (rows, labels, into, loss, right, None, 0.01, 2.0)
    yield "multiclass_hinge", "100 x 10", (rows, labels, into, loss, right, None, 0.01, 1.0)
    yield "binary_cross_entropy", "100 x 10", (rows, targets.round(), into, loss, right, None, 0.01)
    for loss_kind in (ElementwiseLoss.ABSOLUTE, ElementwiseLoss.HUBER, ElementwiseLoss.PINBALL):
        own = np.full(10, 0.5, np.float32) if loss_kind.has_parameter else None
        yield "elementwise_loss", loss_kind.name.lower(), (rows, targets, own, into, loss, None, 0.01, int(loss_kind))
    yield "softmax_forward", "100 x 10", (rows, into, 1.0)
    yield "softmax_backward", "100 x 10", (rows, rows, into, 1.0)
    yield "log_softmax_forward", "100 x 10", (rows, into)
    yield "log_softmax_backward", "100 x 10", (rows, rows, into)
    yield "argmax", "100 x 10", (rows, np.empty(100, np.int64))


def _of_weights() -> Iterator[Call]:
    w, m, v, g = (abs(_real(784, 200)) for _ in range(4))
    for rule in UpdateRule:
        usual = {"momentum": 0.9, "rho": 0.99, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
        coefficients = [usual[name] for name in rule.coefficients]
        state = [a if slot in rule.slots else None for slot, a in (("m", m), ("v", v))]
        numbers = (np.array([1e-9]), np.array([3]), int(rule), 0.0, *coefficients)
        yield "update", rule.name.lower(), (w, *state, g, *numbers)
    yield "clip_norm", "784 x 200", (g, 1e9)
    yield "penalty", "784 x 200", (w, g, np.zeros(1), 1e-9, 1e-9)


def _of_images() -> Iterator[Call]:
    image = _real(32, 16, 28, 28)
    pooled, number = np.empty((32, 16, 14, 14), np.float32), np.zeros((32, 16, 14, 14), np.uint8)
    window = (2, 2, 2, 2, 0, 0)
    yield "max_pool_forward", "2 x 2", (image, pooled, number, *window)
    yield "max_pool_backward", "2 x 2", (pooled, number, np.empty_like(image), *window)
    conv = (1, 1, 0, 0, 1, 1)
    yield "col2im", "3 x 3", (np.zeros((32, 16, 3, 3, 26, 26), np.float32), np.empty_like(image), *conv)
    filters, out = _real(16, 16, 3, 3), np.empty((32, 16, 26, 26), np.float32)
    relu = (0, int(Activation.RELU), 0.0)
    yield "conv_backward_input", "3 x 3, relu", (out, filters, np.empty_like(image), image, *conv, *relu)
    digits = RNG.integers(0, 256, (5000, 1, 28, 28)).astype(np.uint8)
    turned = np.tile(np.array([0.95, 0.1, 1.3, -0.1, 0.95, 0.2], np.float32), (100, 1))
    bent = (_real(100, 2, 4, 4), _real(4, 28), _real(4, 28))
    seen = np.empty((100, 1, 28, 28), np.float32)
    yield "warp_images", "100 of 28 x 28", (digits, RNG.integers(0, 5000, 100), turned, None, None, None, seen)
    yield "warp_images", "the same, displaced", (digits, RNG.integers(0, 5000, 100), turned, *bent, seen)


def _of_norms() -> Iterator[Call]:
    for n, c, s in ((32, 16, 784), (100, 200, 1)):
        x, dout, out = _real(n, c, s), _real(n, c, s), np.empty((n, c, s), np.float32)
        w, b, mean, var = (abs(_real(c)) for _ in range(4))
        on = f"{n} x {c} x {s}"
        running = mean.copy(), var.copy()
        yield "batch_norm_forward", on, (x, w, b, *running, out, mean.copy(), var.copy(), 1e-5, 0.9)
        yield "batch_norm_apply", on, (x, w, b, mean, var, out, 1e-5)
        yield "batch_norm_backward", on, (dout, x, w, mean, var, out, w.copy(), b.copy(), 1e-5, 0, 0.0)
        moments = np.zeros((n, 4), np.float32), np.ones((n, 4), np.float32)
        yield "group_norm_forward", f"{on}, 4 groups", (x, w, b, out, *(a.copy() for a in moments), 1e-5)
        yield "group_norm_backward", f"{on}, 4 groups", (dout, x, w, *moments, out, w.copy(), b.copy(), 1e-5, 0.0)
        numbers, gradients = (w, None, None), (w.copy(), None, None)
        yield "learned_activation_forward", f"{on}, prelu", (x, *numbers, out, PRELU)
        yield "learned_activation_backward", f"{on}, prelu", (dout, x, *numbers, out, *gradients, 0.0, PRELU)


def _of_codes() -> Iterator[Call]:
    """Twelve numbers and three columns of codes, of 24, 12 and 100 categories."""
    first, count = np.array([0, 24, 36]), np.array([24, 12, 100])
    x = np.hstack([_real(256, 12), RNG.integers(0, count, (256, 3)).astype(np.float32)])
    w, out, places = _real(136, 8), np.empty((256, 36), np.float32), (np.arange(12), np.arange(12, 15), first, count)
    yield "embedding_forward", "256 rows of 3 codes, 8 wide", (x, w, *places, out)
    yield "embedding_backward", "256 rows of 3 codes, 8 wide", (out, x, *places, None, w.copy(), 0.0)


def _of_random_words() -> Iterator[Call]:
    x, seed = _real(100, 784), (7, 0, int(Purpose.DROPOUT))
    yield "dropout", "100 x 784", (x, np.array([3]), np.array([0]), np.empty_like(x), 0.5, *seed)
    images, numbers = _real(100, 1, 28, 28), RNG.integers(0, 5000, 100)
    yield "noise_cutout", "100 of 28 x 28", (images, numbers, None, 1, 1e-9, -1e9, 1e9, *seed)


def main() -> None:
    """Measure and print a table."""
    fastnn.set_num_threads(1)
    use_compiled(None)  # the reference draws its random words as it does without the native module
    missing = set(numba.KERNELS) - {kernel for kernel, *_ in calls()}
    assert not missing, missing
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
