"""TensorFlow on dense networks: a loop of steps inside one `tf.function`, with and without XLA."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.peers import base
from bench.peers.base import FloatArray, IntArray, Runner
from bench.workloads import Workload

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def forward(params: Any, x: Any, tanh: bool) -> Any:
    """The logits of a dense network."""
    import tensorflow as tf

    for w, b in params[:-1]:
        x = tf.nn.bias_add(tf.matmul(x, w), b)
        x = tf.tanh(x) if tanh else tf.nn.relu(x)
    w, b = params[-1]
    return tf.nn.bias_add(tf.matmul(x, w), b)


def cross_entropy(logits: Any, y: Any) -> Any:
    """The mean softmax cross-entropy."""
    import tensorflow as tf

    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))


class Train(base.TrainRunner):
    """Trains by a `tf.while_loop` of `chunk` steps."""

    def __init__(self, workload: Workload, xla: bool) -> None:
        import tensorflow as tf

        super().__init__(workload)
        self.chunk = base.scan_chunk(workload)
        x, y = base.training_data(workload)
        self.x, self.y = tf.constant(x), tf.constant(y.astype(np.int32))
        self.params = [(tf.Variable(w), tf.Variable(b)) for w, b in self.first_parameters()]
        self.flat = [part for layer in self.params for part in layer]
        self.slots = [[tf.Variable(tf.zeros_like(p)) for p in self.flat] for _ in range(2)]
        self.count = tf.Variable(0.0)
        self._loop = tf.function(self._steps, jit_compile=xla)

    def first_parameters(self) -> list[tuple[FloatArray, FloatArray]]:
        """The initial weights that all sides share."""
        return base.first_parameters(self.workload)

    def logits(self, x: Any) -> Any:
        """The outputs of the network for the rows x."""
        return forward(self.params, x, self.workload.activation == "tanh")

    def _steps(self, order: Any) -> Any:
        import tensorflow as tf

        full = self.workload.full_batch

        def step(i: Any, total: Any) -> Any:
            xb = self.x if full else tf.gather(self.x, order[i])
            yb = self.y if full else tf.gather(self.y, order[i])
            with tf.GradientTape() as tape:
                loss = cross_entropy(self.logits(xb), yb)
            self._update(tape.gradient(loss, self.flat))
            return i + 1, total + loss

        steps = order.shape[0]
        return tf.while_loop(
            lambda i, total: i < steps, step, (0, 0.0), maximum_iterations=steps,
            parallel_iterations=1,
        )[1]  # fmt: skip

    def _update(self, grads: Any) -> None:
        import tensorflow as tf

        rate, rule = self.workload.learning_rate, self.workload.rule
        if rule == "sgd":
            for p, g in zip(self.flat, grads, strict=True):
                p.assign_sub(rate * g)
        elif rule == "momentum":
            for p, v, g in zip(self.flat, self.slots[0], grads, strict=True):
                v.assign(self.workload.momentum * v + g)
                p.assign_sub(rate * v)
        else:
            t = self.count.assign_add(1.0)
            root = tf.sqrt(1 - BETA2**t)
            size = rate * root / (1 - BETA1**t)
            for p, m, v, g in zip(self.flat, *self.slots, grads, strict=True):
                m.assign(BETA1 * m + (1 - BETA1) * g)
                v.assign(BETA2 * v + (1 - BETA2) * g * g)
                p.assign_sub(size * m / (tf.sqrt(v) + EPS * root))

    def train(self, order: IntArray) -> None:
        import tensorflow as tf

        rows = order.astype(np.int32)
        for start in range(0, len(rows), self.chunk):
            total = self._loop(tf.constant(rows[start : start + self.chunk]))
        total.numpy()

    def loss(self) -> float:
        rows = slice(0, base.CHECK_ROWS)
        return float(cross_entropy(self.logits(self.x[rows]), self.y[rows]))


class Loss(Runner):
    """Computes loss and gradient in one function."""

    def __init__(self, workload: Workload, xla: bool) -> None:
        import tensorflow as tf

        x, y = base.loss_data(workload)
        self.x, self.y = tf.constant(x), tf.constant(y.astype(np.int32))

        def both(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = cross_entropy(x, y)
            return loss, tape.gradient(loss, x)

        self.call = tf.function(both, jit_compile=xla)

    def run(self, steps: int) -> int:
        for _ in range(steps):
            loss, _ = self.call(self.x, self.y)
        loss.numpy()
        return steps

    def check(self) -> list[float]:
        loss, dx = self.call(self.x, self.y)
        return [float(loss), float(np.abs(dx.numpy()).sum(dtype=np.float64))]


class Predict(Runner):
    """Predicts the classes of a slice of rows."""

    def __init__(self, workload: Workload, xla: bool) -> None:
        import tensorflow as tf

        self.x, _ = base.training_data(workload)
        self.batch = workload.batch
        # A single row comes from NumPy, as a request would; slicing a tensor would need another call.
        self.rows = self.x if self.batch == 1 else tf.constant(self.x)
        self.starts = workload.rows - workload.batch + 1
        params = [(tf.constant(w), tf.constant(b)) for w, b in base.first_parameters(workload)]
        tanh = workload.activation == "tanh"
        self.call = tf.function(lambda x: tf.argmax(forward(params, x, tanh), axis=1), jit_compile=xla)

    def run(self, steps: int) -> int:
        for i in range(steps):
            start = i * self.batch % self.starts
            self.call(self.rows[start : start + self.batch]).numpy()
        return steps

    def check(self) -> list[float]:
        return [float(self.call(self.rows[: base.CHECK_ROWS]).numpy().mean())]


class Gemm(Runner):
    """Computes one product."""

    def __init__(self, workload: Workload, xla: bool) -> None:
        import tensorflow as tf

        a, b = base.gemm_data(workload)
        self.a, self.b = tf.constant(a), tf.constant(b)
        self.call = tf.function(tf.matmul, jit_compile=xla)

    def run(self, steps: int) -> int:
        for _ in range(steps):
            out = self.call(self.a, self.b)
        out.numpy()
        return steps

    def check(self) -> list[float]:
        out = self.call(self.a, self.b).numpy()
        return [float(np.abs(out).sum(dtype=np.float64))]
