"""Many small models, one by one and side by side: ``python bench/population_race.py``.

The rows are those that a user of thousands of small networks meets. "tiny" is 20-16-3 with batches of 32 and Adam in
float32; a fit of it has 80 steps. The ensemble has 32 networks 784-32-10 with batches of 128 and momentum, whose
members read the samples in one order; the floor is the time of its multiply-adds at the measured peak (forward and
weight gradient of both layers, input gradient of the last). Of the peers, scikit-learn fits a part of the models, and
its time is scaled up; PyTorch trains all at once by ``torch.func.vmap``. Prints medians of alternating rounds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
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


def vmapped(count: int) -> Callable[[], float]:
    """A training of `count` tiny networks by PyTorch's vmap, compiled by nothing."""
    import torch
    from torch.func import functional_call, grad, vmap

    net = torch.nn.Sequential(torch.nn.Linear(20, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    x, y = torch.from_numpy(X), torch.from_numpy(Y)

    def loss(params: Any, index: Any) -> Any:
        return torch.nn.functional.cross_entropy(functional_call(net, params, (x[index],)), y[index])

    gradient = vmap(grad(loss))

    def train() -> None:
        params = {n: torch.randn(count, *p.shape).mul_(0.2).requires_grad_() for n, p in net.named_parameters()}
        optimizer = torch.optim.Adam(list(params.values()), fused=True)
        for _ in range(EPOCHS):
            order = torch.argsort(torch.rand(count, len(x)), dim=1)
            for begin in range(0, len(x), BATCH):
                detached = {name: p.detach() for name, p in params.items()}
                found = gradient(detached, order[:, begin : begin + BATCH])
                for name, p in params.items():
                    p.grad = found[name]
                optimizer.step()

    return lambda: seconds(train)


def thousand(rounds: int, count: int, torch_too: bool) -> None:
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
    show(f"{count} fits of 20-16-3", sides | ({"torch vmap": vmapped(count)} if torch_too else {}), rounds, 1.0, "s")


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


def ensemble(rounds: int, samples: int) -> None:
    """A pass of 32 networks over images of 784 pixels."""
    x, y = RNG.integers(0, 256, size=(samples, 784)).astype(np.uint8), RNG.integers(10, size=samples)
    model = fastnn.Sequential([Dense(32), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
    options: dict[str, Any] = {"optimizer": "momentum", "epochs": 2, "batch_size": 128, "progress": False}

    def single() -> None:
        fastnn.Trainer(model, **options).fit(x, y)

    flop = 2 * 32 * samples * (784 * 32 * 4 + 32 * 10 * 6)
    peak = fma_peak(np.dtype(np.float32))
    sides = {
        "together": lambda: seconds(lambda: fastnn.fit_many(model, x, y, seeds=range(32), same_order=True, **options)),
        "32 single fits": lambda: 32 * seconds(single),
        "floor": lambda: flop / peak,
    }
    show(f"32 of 784-32-10, {samples}", sides, rounds, 1.0, "s")


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many, in turns")
    parser.add_argument("--count", type=int, default=1000, help="tiny networks")
    parser.add_argument("--passes", type=int, default=10, help="of the grid's fits")
    parser.add_argument("--samples", type=int, default=12800, help="of the ensemble")
    parser.add_argument("--rows", default="partial,step,tiny,grid,ensemble")
    parser.add_argument("--torch", action="store_true", help="PyTorch's vmap too")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # with so few passes the fits do not converge, which is intended
    rows: dict[str, Callable[[], None]] = {
        "partial": lambda: partial_fits(options.rounds),
        "step": lambda: steps(options.rounds),
        "tiny": lambda: thousand(options.rounds, options.count, options.torch),
        "grid": lambda: grid(options.rounds, options.passes),
        "ensemble": lambda: ensemble(options.rounds, options.samples),
    }
    for row in options.rows.split(","):
        rows[row]()


if __name__ == "__main__":
    main()
