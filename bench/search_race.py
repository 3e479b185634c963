"""A search over many small models, by the MLPClassifier of fastnn and of scikit-learn: ``python bench/search_race.py``.

A search has 24 fits (eight candidates, three folds) in float32 and uses two workers. In "digits", 64-50-10 is trained
on 1,797 samples in 60 passes with batches of 32, where the work between the products matters. In "glyphs", 784-100-10
is trained in 10 passes with batches of 200, which are mostly products. Prints the seconds of the whole search and the
ideal, which is the time of the fits one after the other in one thread, divided by two. Both are the best of some
alternating rounds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as Peer

import fastnn
from fastnn.estimators import MLPClassifier
from fastnn.estimators.search import fit_search

GRID = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "learning_rate_init": [1e-3, 3e-3]}
FOLDS = 3


def search_seconds(net: Any, x: np.ndarray, y: np.ndarray, workers: int, backend: str) -> tuple[float, float]:
    """The seconds of the search, and the sum of the seconds of its fits and scores."""
    search = GridSearchCV(net, GRID, cv=FOLDS, n_jobs=workers, refit=False)
    with joblib.parallel_config(backend):
        start = time.perf_counter()
        fit_search(search, x, y, progress=False)
        seconds = time.perf_counter() - start
    found = search.cv_results_
    return seconds, float((found["mean_fit_time"] + found["mean_score_time"]).sum()) * FOLDS


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=("digits", "glyphs"), default="digits")
    parser.add_argument("--samples", type=int, default=6000, help="of the glyphs")
    parser.add_argument("--passes", type=int, help="in place of 60 or 10")
    parser.add_argument("--backends", default="threading,loky")
    parser.add_argument("--sides", default="fastnn,sklearn")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many, in turns")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # with so few passes the fits do not converge, which is intended
    if options.data == "digits":
        x, y = load_digits(return_X_y=True)
        x, units, passes, batch = (x / 16).astype(np.float32), 50, 60, 32
    else:
        images, y = fastnn.data.glyphs(options.samples, seed=0)
        x, units, passes, batch = images.reshape(len(images), -1).astype(np.float32) / 255, 100, 10, 200
    passes = options.passes or passes
    rest: dict[str, Any] = {"max_iter": passes, "batch_size": batch, "random_state": 0}
    rest |= {"tol": 0.0, "n_iter_no_change": passes}  # so that every side does all passes
    nets = {"fastnn": MLPClassifier((units,), **rest), "sklearn": Peer((units,), **rest)}
    nets["fastnn"].fit(x, y)
    best: dict[tuple[str, str], float] = {}  # seconds by side and backend; "alone" is for the fits one after the other
    for _ in range(options.rounds):
        for side in options.sides.split(","):
            for backend in options.backends.split(","):
                seconds, _ = search_seconds(nets[side], x, y, options.workers, backend)
                best[side, backend] = min(seconds, best.get((side, backend), seconds))
            if side == "fastnn":
                with fastnn.one_thread():
                    _, seconds = search_seconds(nets[side], x, y, 1, "threading")
                best[side, "alone"] = min(seconds, best.get((side, "alone"), seconds))
    alone = best.pop(("fastnn", "alone"), None)
    for (side, backend), seconds in best.items():
        print(f"{side}: {options.workers} workers ({backend}) {seconds:.2f} s", end="")
        print(f", {seconds * options.workers / alone:.2f} of the ideal" if side == "fastnn" and alone else "")
    quickest = {side: min((s for (name, _), s in best.items() if name == side), default=None) for side in nets}
    if quickest["fastnn"] and quickest["sklearn"]:
        print(f"fastnn is {quickest['sklearn'] / quickest['fastnn']:.1f} times as fast, the best backend of each")


if __name__ == "__main__":
    main()
