"""`fastnn.compat` beside the NumPy of the hand-outs: ``python bench/compat_race.py [--seconds S] [names…]``.

Each function is called in turn with its NumPy counterpart on the same arrays, the size of a layer of a 784-250-10
network or of small colour images, at batches of 4 to 256; best times of the rounds, in microseconds. The training
loops are timed beside `Trainer` on the same network: 784-250-10, batches of 4, float64. Where a function falls short
of its aim (as fast as NumPy from 10 µs on, otherwise at most 2 µs more) the row is marked.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import handout
import numpy as np

import fastnn
from fastnn.compat import csc411, ece421
from fastnn.compat.cs231n import fast_layers, layer_utils, layers, optim

BATCHES = (4, 16, 64, 256)
Call = Callable[[], Any]
BY_HAND = 500  # steps of the hand-out's loop, which all take the same time
BEST, LEAST = 10.0, 2.0  # microseconds: from where the ratio counts, and what a shorter call may cost more


def pairs(n: int) -> Iterator[tuple[str, Call, Call]]:
    """Name, call of fastnn and call of NumPy, for a batch of n."""
    rng = np.random.default_rng(n)
    x, w, b = rng.normal(size=(n, 784)), rng.normal(size=(784, 250)), rng.normal(size=250)
    h, dh, scores, y = (
        rng.normal(size=(n, 250)),
        rng.normal(size=(n, 250)),
        rng.normal(size=(n, 10)),
        rng.integers(10, size=n),
    )
    gamma, beta, one_hot = rng.normal(size=250), rng.normal(size=250), np.eye(10)[y]
    for name, arguments, dout in (
        ("affine", (x, w, b), dh),
        ("affine_relu", (x, w, b), dh),
        ("relu", (h,), dh),
        ("batchnorm", (h, gamma, beta, {"mode": "train"}), dh),
        ("layernorm", (h, gamma, beta, {}), dh),
        ("dropout", (h, {"mode": "train", "p": 0.5}), dh),
    ):
        place = layer_utils if "_relu" in name else layers
        yield from _pair(name, place, f"{name}_forward", f"{name}_backward", arguments, dout)
    images, filters = rng.normal(size=(n, 3, 16, 16)), rng.normal(size=(8, 3, 3, 3))
    conv = {"stride": 1, "pad": 1}
    arguments = (images, filters, rng.normal(size=8), conv)
    yield from _pair(
        "conv", fast_layers, "conv_forward_fast", "conv_backward_fast", arguments, rng.normal(size=(n, 8, 16, 16))
    )
    pool = {"pool_height": 2, "pool_width": 2, "stride": 2}
    dout = rng.normal(size=(n, 3, 8, 8))
    yield from _pair("max_pool", fast_layers, "max_pool_forward_fast", "max_pool_backward_fast", (images, pool), dout)
    for name in ("softmax_loss", "svm_loss"):
        yield name, _call(getattr(layers, name), scores, y), _call(getattr(handout, name), scores, y)
    p = ece421.softmax(scores)
    yield "ece421.relu", _call(ece421.relu, h), _call(np.maximum, h, 0)
    yield "ece421.softmax", _call(ece421.softmax, scores), _call(handout.rows_softmax, scores)
    yield "ece421.computeLayer", _call(ece421.computeLayer, x, w, b), lambda: x.dot(w) + b
    yield "ece421.averageCE", _call(ece421.averageCE, one_hot, p), _call(handout.average_ce, one_hot, p)
    yield "ece421.gradCE", _call(ece421.gradCE, p, one_hot), lambda: p - one_hot
    cases, v, targets = x.T.copy(), rng.normal(size=(784, 10)) / 28, one_hot.T.copy()
    yield "csc411.softmax", _call(csc411.softmax, scores.T), _call(handout.columns_softmax, scores.T)
    yield "csc411.forward", _call(csc411.forward, cases, v), lambda: handout.columns_softmax(v.T.dot(cases))
    yield (
        "csc411.df",
        _call(csc411.df, v, cases, targets),
        lambda: cases.dot((handout.columns_softmax(v.T.dot(cases)) - targets).T),
    )


def updates() -> Iterator[tuple[str, Call, Call]]:
    """The update rules, on the two matrices of the network."""
    rng = np.random.default_rng(0)
    settings = {
        "learning_rate": 1e-9,
        "momentum": 0.9,
        "decay_rate": 0.99,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
    }
    for shape in ((784, 250), (250, 10)):
        w, dw = rng.normal(size=shape), rng.normal(size=shape)
        for name in ("sgd", "sgd_momentum", "rmsprop", "adam"):
            ours, theirs = dict(settings), dict(settings)
            label = f"{name} {shape[0]} × {shape[1]}"
            yield label, _call(getattr(optim, name), w, dw, ours), _call(getattr(handout, name), w.copy(), dw, theirs)


def _call(f: Callable[..., Any], *arguments: Any) -> Call:
    return lambda: f(*arguments)


def _pair(
    name: str, place: Any, forward: str, backward: str, arguments: tuple[Any, ...], dout: Any
) -> Iterator[tuple[str, Call, Call]]:
    ours, theirs = getattr(place, forward), getattr(handout, f"{name}_forward")
    yield f"{name}_forward", _call(ours, *arguments), _call(theirs, *arguments)
    caches = ours(*arguments)[1], theirs(*arguments)[1]
    backwards = getattr(place, backward), getattr(handout, f"{name}_backward")
    yield f"{name}_backward", _call(backwards[0], dout, caches[0]), _call(backwards[1], dout, caches[1])


def race(ours: Call, theirs: Call, seconds: float) -> tuple[float, float]:
    """Best times of both in microseconds, from interleaved rounds."""
    best = [float("inf"), float("inf")]
    ours(), theirs()
    started = time.perf_counter()
    theirs()
    calls = max(1, min(200, int(2e-3 / max(time.perf_counter() - started, 1e-7))))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for side, f in enumerate((ours, theirs)):
            started = time.perf_counter()
            for _ in range(calls):
                f()
            best[side] = min(best[side], (time.perf_counter() - started) / calls * 1e6)
    return best[0], best[1]


def line(name: str, ours: float, theirs: float) -> str:
    """A row of the table, marked where it falls short."""
    short = ours > theirs if theirs >= BEST else ours > theirs + LEAST
    return f"{name:34} {ours:9.1f} {theirs:9.1f} {ours / theirs:7.2f} {ours - theirs:+9.1f}{'  short' if short else ''}"


def loops(seconds: float) -> None:
    """Time a step of the training loops beside that of `Trainer`."""
    from fastnn.compat.cs189.classifiers.fc_net import FullyConnectedNet
    from fastnn.compat.cs189.solver import Solver
    from fastnn.compat.ift6135 import NN

    rng = np.random.default_rng(0)
    x, y, epochs, batch = rng.normal(size=(20_000, 784)), rng.integers(10, size=20_000), 1, 4
    held_out = x[:2000], y[:2000]

    def solver() -> Call:
        data = {"X_train": x, "y_train": y, "X_val": x[:1000], "y_val": y[:1000]}
        net = FullyConnectedNet(784, [250], 10)
        settings = {"learning_rate": 1e-4}
        return Solver(net, data, optim_config=settings, num_epochs=epochs, batch_size=batch, verbose=False).train

    def nn() -> Call:
        net = NN([250], 1, "Glorot")
        return lambda: net.train((x, y), epochs, batch, 1e-4, test_data=held_out)

    def trainer() -> Call:
        layer = fastnn.layers
        model = fastnn.Sequential(
            [layer.Dense(250), layer.ReLU(), layer.Dense(10)], input_shape=(784,), dtype="float64"
        )
        rule = fastnn.optim.SGD(1e-4)
        made = fastnn.Trainer(model, optimizer=rule, batch_size=batch, epochs=epochs, shuffle="batches", progress=False)
        return lambda: made.fit(x, y, validation=held_out)

    def by_hand() -> Call:
        weights = [rng.normal(size=(784, 250)) / 10, np.zeros(250), rng.normal(size=(250, 10)) / 10, np.zeros(10)]

        def steps() -> None:
            for _ in range(BY_HAND):
                rows = np.random.choice(len(x), batch)
                hidden, cache = handout.affine_relu_forward(x[rows], *weights[:2])
                scores, last = handout.affine_forward(hidden, *weights[2:])
                _, dout = handout.softmax_loss(scores, y[rows])
                dhidden, *upper = handout.affine_backward(dout, last)
                _, *lower = handout.affine_relu_backward(dhidden, cache)
                for place, gradient in enumerate((*lower, *upper)):
                    if gradient.ndim == 2:
                        gradient = gradient + weights[place]
                    weights[place], _ = handout.sgd(weights[place], gradient, {"learning_rate": 1e-4})

        return steps

    sides = {"cs189 Solver": solver, "ift6135 NN.train": nn, "Trainer": trainer, "hand-out's NumPy": by_hand}
    best = dict.fromkeys(sides, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, make in sides.items():
            call = make()
            with contextlib.redirect_stdout(io.StringIO()):
                started = time.perf_counter()
                call()
            took = time.perf_counter() - started
            best[name] = min(best[name], took / (BY_HAND if make is by_hand else epochs * len(x) // batch) * 1e6)
    print(f"\n{'a step of 784-250-10, batch 4, float64':40} µs   × Trainer")
    for name, took in best.items():
        print(f"{name:38} {took:7.0f} {took / best['Trainer']:7.2f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="functions to time, all if none; 'loops' for the training loops")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each row")
    options = parser.parse_args()

    def wanted(name: str) -> bool:
        return not options.names or any(name.startswith(asked) for asked in options.names)

    print(f"{'':34} {'fastnn':>9} {'NumPy':>9} {'ratio':>7} {'more':>9}   (µs)")
    for n in BATCHES:
        for name, ours, theirs in pairs(n):
            if wanted(name):
                print(line(f"{name} {n}", *race(ours, theirs, options.seconds)), flush=True)
    for name, ours, theirs in updates():
        if wanted(name):
            print(line(name, *race(ours, theirs, options.seconds)), flush=True)
    if wanted("loops"):
        loops(max(6.0, 10 * options.seconds))


if __name__ == "__main__":
    main()
