"""Many small models, one by one and side by side: ``python bench/population_race.py``.

The rows are those that a user of thousands of small networks meets. "tiny" is 20-16-3 with batches of 32 and Adam in
float32; a fit of it has 80 steps. The ensemble has 32 networks 784-32-10 with batches of 128 and momentum, whose
members read the samples in one order; the floor is the time of its multiply-adds at the measured peak (forward and
weight gradient of both layers, input gradient of the last). "wide" are few networks 784-200-10 with Adam, three passes
over 6,000 images and 1,000 of them for validation. Of the peers, scikit-learn fits a part of the models, and its time
is scaled up; with ``--peers torch,jax`` PyTorch trains all at once by ``torch.func.vmap`` and an eager loop, and JAX by
``vmap`` of a compiled scan, which is timed without and with its compilation. Prints medians of alternating rounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from sklearn import model_selection
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier as Peer

import fastnn
from fastnn.estimators import GridSearchCV, MLPClassifier
from fastnn.kernels.native_probe import fma_peak
from fastnn.layers import Dense, ReLU

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(320, 20)).astype(np.float32), RNG.integers(3, size=320)
EPOCHS, BATCH, PART = 8, 32, 20  # passes of a tiny fit, samples of a step, fits of scikit-learn in a round
GRID = {
    "hidden_layer_sizes": [(16,), (32,), (64,)],
    "alpha": [1e-5, 1e-3, 1e-1],
    "learning_rate_init": [1e-3, 3e-3, 1e-2],
}


def seconds(call: Callable[[], Any], count: int = 1) -> float:
    """The seconds of a call, which does `count` things."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) / count


def tiny(seed: int) -> fastnn.Sequential:
    """A network 20-16-3."""
    return fastnn.Sequential([Dense(16), ReLU(), Dense(3)], input_shape=(20,), seed=seed)


def show(row: str, sides: dict[str, Callable[[], float]], rounds: int, unit: float, name: str) -> None:
    """Measure the sides in turns and print their medians."""
    found: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, measure in sides.items():
            found[side].append(measure())
    text = "  ".join(f"{side} {median(times) / unit:.4g} {name}" for side, times in found.items())
    print(f"{row:24} {text}", flush=True)


def partial_fits(rounds: int) -> None:
    """One `partial_fit` of 32 rows."""
    ours = MLPClassifier((16,), random_state=0).partial_fit(X[:32], Y[:32], classes=[0, 1, 2])
    theirs = Peer((16,), random_state=0).partial_fit(X[:32], Y[:32], classes=[0, 1, 2])

    def repeat(net: Any) -> float:
        return seconds(lambda: [net.partial_fit(X[:32], Y[:32]) for _ in range(100)], 100)

    show(
        "partial_fit, 32 rows", {"fastnn": lambda: repeat(ours), "sklearn": lambda: repeat(theirs)}, rounds, 1e-3, "ms"
    )


def steps(rounds: int) -> None:
    """A step of 784-200-10 with 8 samples, from Python and inside a fit."""
    x, y = RNG.normal(size=(8000, 784)).astype(np.float32), RNG.integers(10, size=8000)
    model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,))
    trainer = fastnn.Trainer(model, optimizer="adam", batch_size=8, epochs=1, progress=False)
    single = fastnn.Trainer(model.copy(), optimizer="adam", progress=False)
    sides = {
        "Trainer.step": lambda: seconds(lambda: [single.step(x[:8], y[:8]) for _ in range(300)], 300),
        "in a fit": lambda: seconds(lambda: trainer.fit(x, y), 1000),
    }
    show("step of 784-200-10, 8", sides, rounds, 1e-6, "µs")


class Task:
    """What the peers train side by side: networks of two layers on samples x (N, D) with labels y, from one step size.

    Parameters
    ----------
    x, y : arrays
    sizes : (int, int, int)
        Inputs, hidden units, classes.
    count, epochs, batch : int
        Networks, passes, samples of a step.
    adam : bool
        Adam, or else gradient descent with momentum.
    """

    def __init__(
        self, x: Any, y: Any, sizes: tuple[int, int, int], count: int, epochs: int, batch: int, adam: bool
    ) -> None:
        self.x, self.y, self.sizes, self.count, self.epochs, self.batch, self.adam = (
            x, y, sizes, count, epochs, batch, adam,
        )  # fmt: skip
        self.steps = epochs * (len(x) // batch)
        inputs, hidden, classes = sizes
        shapes = {"w1": (inputs, hidden), "b1": (hidden,), "w2": (hidden, classes), "b2": (classes,)}
        self.first = {n: (RNG.normal(size=(count, *s)) / s[0] ** 0.5).astype(np.float32) for n, s in shapes.items()}

    def orders(self) -> Any:
        """The rows of each step: (steps, batch), or of each network (count, steps, batch) with Adam's small ones."""
        passes = (self.count if self.adam else 1) * self.epochs
        drawn = np.argsort(RNG.random((passes, len(self.x))), axis=1)[:, : self.steps // self.epochs * self.batch]
        shape = (self.count, self.steps, self.batch) if self.adam else (self.steps, self.batch)
        return drawn.reshape(shape).astype(np.int32)


def by_torch(task: Task) -> Callable[[], float]:
    """A training of all networks by PyTorch's vmap, compiled by nothing."""
    import torch
    from torch.func import grad, vmap

    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y)

    def loss(params: Any, index: Any) -> Any:
        hidden = torch.relu(x[index] @ params["w1"] + params["b1"])
        return torch.nn.functional.cross_entropy(hidden @ params["w2"] + params["b2"], y[index])

    gradient = vmap(grad(loss), in_dims=(0, 0 if task.adam else None))

    def train() -> None:
        params = {name: torch.from_numpy(first.copy()).requires_grad_() for name, first in task.first.items()}
        rule: Any = torch.optim.Adam if task.adam else partial(torch.optim.SGD, lr=0.01, momentum=0.9)
        optimizer = rule(list(params.values()), fused=True)
        orders = torch.from_numpy(task.orders()).long()
        for step in range(task.steps):
            index = orders[:, step] if task.adam else orders[step]
            found = gradient({name: p.detach() for name, p in params.items()}, index)
            for name, p in params.items():
                p.grad = found[name]
            optimizer.step()

    return lambda: seconds(train)


def by_jax(task: Task) -> dict[str, Callable[[], float]]:
    """A training of all networks by JAX's vmap of a compiled scan over the steps: without and with its compilation."""
    import jax
    from jax import numpy as jnp

    x, y = jnp.asarray(task.x), jnp.asarray(task.y.astype(np.int32))
    rate, decay, square = (1e-3, 0.9, 0.999) if task.adam else (0.01, 0.9, 0.0)

    def loss(params: Any, index: Any) -> Any:
        hidden = jax.nn.relu(x[index] @ params["w1"] + params["b1"])
        scores = jax.nn.log_softmax(hidden @ params["w2"] + params["b2"])
        return -jnp.take_along_axis(scores, y[index][:, None], axis=1).mean()

    def step(carry: Any, index: Any) -> Any:
        params, m, v, t = carry
        g, t = jax.grad(loss)(params, index), t + 1
        if not task.adam:
            m = jax.tree.map(lambda m, g: decay * m + g, m, g)
            return (jax.tree.map(lambda p, m: p - rate * m, params, m), m, v, t), None
        m = jax.tree.map(lambda m, g: decay * m + (1 - decay) * g, m, g)
        v = jax.tree.map(lambda v, g: square * v + (1 - square) * g * g, v, g)
        c1, c2 = 1 - decay**t, 1 - square**t
        params = jax.tree.map(lambda p, m, v: p - rate * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), params, m, v)
        return (params, m, v, t), None

    def train(params: Any, index: Any) -> Any:
        zero = jax.tree.map(jnp.zeros_like, params)
        return jax.lax.scan(step, (params, zero, zero, 0.0), index)[0][0]

    def made() -> Any:
        return jax.jit(jax.vmap(train, in_axes=(0, 0 if task.adam else None)))

    ready = made()

    def run(compiled: Any) -> float:
        return seconds(lambda: jax.block_until_ready(compiled(task.first, task.orders())))

    run(ready)
    return {"jax vmap": lambda: run(ready), "jax vmap with compiling": lambda: run(made())}


def peers(task: Task, names: Sequence[str]) -> dict[str, Callable[[], float]]:
    """The trainings of a task by the peers of these names."""
    found: dict[str, Callable[[], float]] = {}
    if "torch" in names:
        found["torch vmap"] = by_torch(task)
    if "jax" in names:
        found |= by_jax(task)
    return found


def thousand(rounds: int, count: int, names: Sequence[str]) -> None:
    """Fits of tiny networks."""
    options: dict[str, Any] = {"optimizer": "adam", "epochs": EPOCHS, "batch_size": BATCH, "progress": False}

    def one_by_one() -> None:
        for seed in range(count):
            fastnn.Trainer(tiny(seed), seed=seed, **options).fit(X, Y)

    def peer() -> None:
        for seed in range(PART):
            Peer((16,), batch_size=BATCH, max_iter=EPOCHS, tol=0, n_iter_no_change=99, random_state=seed).fit(X, Y)

    model = tiny(0)
    sides: dict[str, Callable[[], float]] = {
        "fit_many": lambda: seconds(lambda: fastnn.fit_many(model, X, Y, seeds=range(count), **options)),
        "one by one": lambda: seconds(one_by_one),
        "sklearn": lambda: seconds(peer, PART) * count,
    }
    task = Task(X, Y, (20, 16, 3), count, EPOCHS, BATCH, True)
    show(f"{count} fits of 20-16-3", sides | peers(task, names), rounds, 1.0, "s")


def grid(rounds: int, passes: int) -> None:
    """A grid of 27 points on the digits with five folds."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    options = {"max_iter": passes, "tol": 0, "n_iter_no_change": 10**6, "random_state": 0}

    def search(kind: Any, net: Any) -> float:
        return seconds(lambda: kind(net(**options), GRID, cv=5, refit=False).fit(x, y))

    sides = {
        "together": lambda: search(GridSearchCV, MLPClassifier),
        "one by one": lambda: search(model_selection.GridSearchCV, MLPClassifier),
        "sklearn": lambda: search(model_selection.GridSearchCV, Peer),
    }
    show(f"27 points, 5 folds, {passes}", sides, rounds, 1.0, "s")


def ensemble(rounds: int, samples: int, epochs: int, names: Sequence[str]) -> None:
    """Passes of 32 networks over images of 784 pixels."""
    x, y = RNG.integers(0, 256, size=(samples, 784)).astype(np.uint8), RNG.integers(10, size=samples)
    model = fastnn.Sequential([Dense(32), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
    options: dict[str, Any] = {"optimizer": "momentum", "epochs": epochs, "batch_size": 128, "progress": False}

    def single() -> None:
        fastnn.Trainer(model, **options).fit(x, y)

    flop = epochs * 32 * samples * (784 * 32 * 4 + 32 * 10 * 6)
    peak = fma_peak(np.dtype(np.float32))
    sides = {
        "together": lambda: seconds(lambda: fastnn.fit_many(model, x, y, seeds=range(32), same_order=True, **options)),
        "32 single fits": lambda: 32 * seconds(single),
        "floor": lambda: flop / peak,
    }
    task = Task((x / 255).astype(np.float32), y, (784, 32, 10), 32, epochs, 128, False)
    show(f"32 of 784-32-10, {epochs} of {samples}", sides | peers(task, names), rounds, 1.0, "s")


def wide(rounds: int) -> None:
    """Few members of a wide network, as ``fastnn train --ensemble`` trains them, beside as many fits."""
    x, y = RNG.integers(0, 256, size=(6000, 784)).astype(np.uint8), RNG.integers(10, size=6000)
    model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
    held_out = x[:1000], y[:1000]
    for batch in (32, 128):
        options: dict[str, Any] = {"optimizer": "adam", "epochs": 3, "batch_size": batch, "progress": False}
        for count in (5, 8):

            def fits(count: int = count, options: dict[str, Any] = options) -> None:
                for seed in range(count):
                    fastnn.Trainer(model.copy(), seed=seed, **options).fit(x, y, held_out)

            def members(count: int = count, options: dict[str, Any] = options) -> None:
                fastnn.fit_many(model, x, y, seeds=range(count), validation=held_out, **options)

            sides = {"fit_many": partial(seconds, members), "fits": partial(seconds, fits)}
            show(f"{count} of 784-200-10, {batch}", sides, rounds, 1.0, "s")


def single_calls(rounds: int) -> None:
    """A second fit of the same kind with a single step, and the prediction of one row."""
    trainer = fastnn.Trainer(tiny(0), optimizer="adam", epochs=1, batch_size=BATCH, progress=False)
    trainer.fit(X[:BATCH], Y[:BATCH])
    model, row = tiny(0), X[:1].copy()
    model.predict(row)
    sides = {"second fit": lambda: seconds(lambda: [trainer.fit(X[:BATCH], Y[:BATCH]) for _ in range(300)], 300)}
    show("fit of one step", sides, rounds, 1e-3, "ms")
    sides = {"predict": lambda: seconds(lambda: [model.predict(row) for _ in range(10_000)], 10_000)}
    show("one row, 20-16-3", sides, rounds, 1e-6, "µs")
    long = fastnn.Trainer(tiny(0), optimizer="adam", epochs=20, batch_size=BATCH, progress=False)
    x, y = np.tile(X, (10, 1)), np.tile(Y, 10)
    show("step of 20-16-3", {"in a fit": lambda: seconds(lambda: long.fit(x, y), 2000)}, rounds, 1e-6, "µs")


def memory(members: int) -> None:
    """The memory that the training of many tiny networks takes at most, in a process of its own."""
    script = f"""
import numpy as np, fastnn
from fastnn.layers import Dense, ReLU
rng = np.random.default_rng(0)
x, y = rng.normal(size=({len(X)}, 20)).astype(np.float32), rng.integers(3, size={len(X)})
model = fastnn.Sequential([Dense(16), ReLU(), Dense(3)], input_shape=(20,))
fastnn.fit_many(model, x, y, seeds=range({members}), optimizer="adam", epochs=2, progress=False)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    print(f"{members} of 20-16-3            {float(found.stdout) / 1e3:.0f} MB in all", flush=True)


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many, in turns")
    parser.add_argument("--count", type=int, default=1000, help="tiny networks")
    parser.add_argument("--passes", type=int, default=10, help="of the grid's fits")
    parser.add_argument("--samples", type=int, default=12800, help="of the ensemble")
    parser.add_argument("--epochs", type=int, default=2, help="of the ensemble")
    parser.add_argument("--rows", default="single,partial,step,tiny,grid,ensemble,wide,memory")
    parser.add_argument("--peers", default="", help="that train all at once: torch, jax, or both with a comma")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # with so few passes the fits do not converge, which is intended
    names = options.peers.split(",")
    rows: dict[str, Callable[[], None]] = {
        "single": lambda: single_calls(options.rounds),
        "partial": lambda: partial_fits(options.rounds),
        "step": lambda: steps(options.rounds),
        "tiny": lambda: thousand(options.rounds, options.count, names),
        "grid": lambda: grid(options.rounds, options.passes),
        "ensemble": lambda: ensemble(options.rounds, options.samples, options.epochs, names),
        "wide": lambda: wide(options.rounds),
        "memory": lambda: memory(10 * options.count),
    }
    for row in options.rows.split(","):
        rows[row]()


if __name__ == "__main__":
    main()
