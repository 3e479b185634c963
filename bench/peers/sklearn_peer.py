"""scikit-learn's MLPClassifier, whose `partial_fit` processes many rows in minibatches.

This is its fastest way to train, because a call for each minibatch would validate its input every time. Calls with
slices of 500 batches, one after the other through the data set, keep a round short.
"""

from __future__ import annotations

import warnings

import numpy as np

from bench.peers import base
from bench.peers.base import IntArray, Runner, Setting
from bench.workloads import Workload

MODULE = "sklearn"


def settings(workload: Workload, threads: int) -> list[Setting]:
    """Settings by number of threads of its products. It has no loss and no product of its own."""
    able = workload.kind in ("train", "predict") and workload.precision == "float32"
    return base.plain_settings(threads) if able else []


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    return Train(workload) if workload.kind == "train" else Predict(workload)


class Classifier:
    """An initialised MLPClassifier with the common initial weights."""

    def __init__(self, workload: Workload) -> None:
        import sklearn
        from sklearn.neural_network import MLPClassifier

        sklearn.set_config(assume_finite=True)
        warnings.filterwarnings("ignore")
        self.workload = workload
        self.x, self.y = base.training_data(workload)
        self.classes = np.arange(workload.sizes[-1])
        self.model = MLPClassifier(
            hidden_layer_sizes=workload.sizes[1:-1],
            activation=workload.activation,
            solver="adam" if workload.rule == "adam" else "sgd",
            learning_rate_init=workload.learning_rate,
            momentum=workload.momentum,
            nesterovs_momentum=False,
            alpha=0.0,
            batch_size=workload.batch if workload.kind == "train" else 200,
            shuffle=not workload.full_batch,
            random_state=0,
        )
        self.model.partial_fit(self.x[: max(200, workload.batch)], self.y[: max(200, workload.batch)],
                               classes=self.classes)  # fmt: skip
        self.reset()

    def reset(self) -> None:
        """Restore the initial weights and a new optimiser."""
        for i, (w, b) in enumerate(base.first_parameters(self.workload)):
            self.model.coefs_[i][...] = w
            self.model.intercepts_[i][...] = b
        optimizer = self.model._optimizer
        for name in ("velocities", "ms", "vs"):
            for part in getattr(optimizer, name, ()):
                part[...] = 0
        if hasattr(optimizer, "t"):
            optimizer.t = 0

    def loss(self) -> float:
        p = self.model.predict_proba(self.x[: base.CHECK_ROWS])
        return float(-np.log(p[np.arange(base.CHECK_ROWS), self.y[: base.CHECK_ROWS]]).mean())


class Train(base.TrainRunner):
    """Trains on slices of the rows by `partial_fit`, which shuffles within them."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.classifier = Classifier(workload)
        self.chunk = 1 if workload.full_batch else min(500, workload.steps_per_epoch)
        self.next = 0

    def train(self, order: IntArray) -> None:
        # It shuffles the rows itself, so only the number of steps is used.
        c, rows = self.classifier, self.chunk * self.workload.batch
        for _ in range(len(order) // self.chunk):
            c.model.partial_fit(c.x[self.next : self.next + rows], c.y[self.next : self.next + rows])
            self.next = (self.next + rows) % (self.workload.rows - rows + 1)

    def check(self) -> list[float]:
        c, steps, batch = self.classifier, base.CHECK_STEPS, self.workload.batch
        before = c.loss()
        c.model.shuffle = False
        if self.workload.full_batch:
            for _ in range(steps):
                c.model.partial_fit(c.x, c.y)
        else:
            c.model.partial_fit(c.x[: steps * batch], c.y[: steps * batch])
        c.model.shuffle = not self.workload.full_batch
        return [before, c.loss()]

    def loss(self) -> float:
        return self.classifier.loss()


class Predict(Runner):
    """Predicts the classes of a slice of rows."""

    def __init__(self, workload: Workload) -> None:
        self.classifier = Classifier(workload)
        self.batch = workload.batch
        self.starts = workload.rows - workload.batch + 1

    def run(self, steps: int) -> int:
        x, model = self.classifier.x, self.classifier.model
        for i in range(steps):
            start = i * self.batch % self.starts
            model.predict(x[start : start + self.batch])
        return steps

    def check(self) -> list[float]:
        c = self.classifier
        return [float(c.model.predict(c.x[: base.CHECK_ROWS]).mean())]
