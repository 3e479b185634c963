"""Small populations for the tests."""

from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

import fastnn
from fastnn.layers import Dense, Dropout, ReLU
from fastnn.population.lanes import LaneGroup
from fastnn.population.sessions import SessionGroup

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6))
LABELS = RNG.integers(3, size=90)
NUMBERS = RNG.normal(size=(90, 3))
YES = (RNG.random((90, 3)) < 0.4).astype(np.float64)
TARGETS = {"softmax_cross_entropy": LABELS, "mean_squared_error": NUMBERS, "binary_cross_entropy": YES}


def network(seed=0, layers=None, dtype="float32"):
    layers = layers or (lambda: [Dense(7), ReLU(), Dropout(0.25), Dense(3)])
    return fastnn.Sequential(layers(), input_shape=(6,), seed=seed, dtype=dtype)


def fit(seeds, model=None, y=LABELS, **options):
    chosen = {"optimizer": "adam", "epochs": 3, "batch_size": 16, "progress": False} | options
    return fastnn.fit_many(network() if model is None else model, chosen.pop("x", X), y, seeds=seeds, **chosen)


def assert_same(first, second):
    """Two populations have the same bits."""
    assert first.params.tobytes() == second.params.tobytes()
    assert first.seeds == second.seeds
    assert first.failed == second.failed
    for one, other in zip(first.histories, second.histories, strict=True):
        for name in one.names:
            if name != "seconds":
                np.testing.assert_array_equal(one.column(name), other.column(name))


@contextmanager
def ctrl_c_before(epoch):
    """Ctrl-C when the members are about to be trained in an epoch, in whatever way they are."""

    def interrupted(train):
        def until(self, number):
            if number == epoch:
                raise KeyboardInterrupt
            return train(self, number)

        return until

    with (
        patch.object(LaneGroup, "train", interrupted(LaneGroup.train)),
        patch.object(SessionGroup, "train", interrupted(SessionGroup.train)),
    ):
        yield
