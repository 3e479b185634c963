"""JAX on dense networks: data on the device, many steps in one jitted `lax.scan`, donated parameters."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bench.peers import base
from bench.peers.base import IntArray, Runner
from bench.workloads import Workload

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def forward(params: Any, x: Any, tanh: bool) -> Any:
    """The logits of a dense network."""
    import jax
    import jax.numpy as jnp

    for w, b in params[:-1]:
        x = x @ w + b
        x = jnp.tanh(x) if tanh else jax.nn.relu(x)
    w, b = params[-1]
    return x @ w + b


def cross_entropy(logits: Any, y: Any) -> Any:
    """The mean softmax cross-entropy; with a one-hot product the gradient needs no scatter."""
    import jax
    import jax.numpy as jnp

    picked = jnp.sum(logits * jax.nn.one_hot(y, logits.shape[1], dtype=logits.dtype), axis=1)
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - picked)


def device_parameters(workload: Workload) -> Any:
    """The initial weights on the device."""
    import jax.numpy as jnp

    return [(jnp.asarray(w), jnp.asarray(b)) for w, b in base.first_parameters(workload)]


class Train(base.TrainRunner):
    """Trains by scans of `chunk` steps."""

    def __init__(self, workload: Workload) -> None:
        import jax
        import jax.numpy as jnp

        super().__init__(workload)
        self.chunk = base.scan_chunk(workload)
        x, y = base.training_data(workload)
        self.x, self.y = jnp.asarray(x), jnp.asarray(y.astype(np.int32))
        self.tanh = workload.activation == "tanh"
        params = device_parameters(workload)
        zeros = [jax.tree.map(jnp.zeros_like, params) for _ in range(2)]
        slots: Any = {"sgd": (), "momentum": (zeros[0],), "adam": (*zeros, jnp.zeros(()))}
        self.state = (params, slots[workload.rule])
        self._scan = jax.jit(self._steps, donate_argnums=0)
        self._loss = jax.jit(lambda p, x, y: cross_entropy(self.logits(p, x), y))

    def logits(self, params: Any, x: Any) -> Any:
        """The outputs of the network for the rows x."""
        return forward(params, x, self.tanh)

    def _steps(self, state: Any, x: Any, y: Any, order: Any) -> Any:
        import jax

        def step(state: Any, rows: Any) -> Any:
            params, slots = state
            if self.workload.full_batch:
                xb, yb = x, y
            else:
                xb = x.at[rows].get(mode="promise_in_bounds")
                yb = y.at[rows].get(mode="promise_in_bounds")
            loss, grads = jax.value_and_grad(lambda p: cross_entropy(self.logits(p, xb), yb))(params)
            return self._update(params, slots, grads), loss

        return jax.lax.scan(step, state, order)

    def _update(self, params: Any, slots: Any, grads: Any) -> Any:
        import jax
        import jax.numpy as jnp

        rate, rule = self.workload.learning_rate, self.workload.rule
        if rule == "sgd":
            return jax.tree.map(lambda p, g: p - rate * g, params, grads), ()
        if rule == "momentum":
            keep = self.workload.momentum
            velocity = jax.tree.map(lambda v, g: keep * v + g, slots[0], grads)
            return jax.tree.map(lambda p, v: p - rate * v, params, velocity), (velocity,)
        t = slots[2] + 1
        mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, slots[0], grads)
        square = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, slots[1], grads)
        root = jnp.sqrt(1 - BETA2**t)
        size = rate * root / (1 - BETA1**t)
        params = jax.tree.map(lambda p, m, v: p - size * m / (jnp.sqrt(v) + EPS * root), params, mean, square)
        return params, (mean, square, t)

    def train(self, order: IntArray) -> None:
        for start in range(0, len(order), self.chunk):
            rows = order[start : start + self.chunk].astype(np.int32)
            self.state, losses = self._scan(self.state, self.x, self.y, rows)
        losses.block_until_ready()

    def loss(self) -> float:
        rows = slice(0, base.CHECK_ROWS)
        return float(self._loss(self.state[0], self.x[rows], self.y[rows]))


class Loss(Runner):
    """Computes the jitted `value_and_grad` of the loss."""

    def __init__(self, workload: Workload) -> None:
        import jax
        import jax.numpy as jnp

        x, y = base.loss_data(workload)
        self.x, self.y = jnp.asarray(x), jnp.asarray(y.astype(np.int32))
        self.call = jax.jit(jax.value_and_grad(cross_entropy))

    def run(self, steps: int) -> int:
        for _ in range(steps):
            # Waiting each time is faster than queueing, because queued results need new memory.
            self.call(self.x, self.y)[1].block_until_ready()
        return steps

    def check(self) -> list[float]:
        loss, dx = self.call(self.x, self.y)
        return [float(loss), float(np.abs(np.asarray(dx)).sum(dtype=np.float64))]


class Predict(Runner):
    """Predicts the classes of a slice of rows; a single row comes from NumPy, as a request would."""

    def __init__(self, workload: Workload) -> None:
        import jax
        import jax.numpy as jnp

        self.x, _ = base.training_data(workload)
        self.batch = workload.batch
        self.starts = workload.rows - workload.batch + 1
        params = device_parameters(workload)
        tanh = workload.activation == "tanh"

        def classes(params: Any, x: Any) -> Any:
            return jnp.argmax(forward(params, x, tanh), axis=1)

        self.one = partial(jax.jit(classes), params)

        def slice_classes(params: Any, x: Any, start: Any) -> Any:
            return classes(params, jax.lax.dynamic_slice_in_dim(x, start, self.batch))

        self.many = jax.jit(slice_classes)
        self.params = params
        self.device_x = jnp.asarray(self.x) if self.batch > 1 else None

    def run(self, steps: int) -> int:
        for i in range(steps):
            start = i * self.batch % self.starts
            if self.device_x is None:
                np.asarray(self.one(self.x[start : start + 1]))
            else:
                np.asarray(self.many(self.params, self.device_x, start))
        return steps

    def check(self) -> list[float]:
        return [float(np.asarray(self.one(self.x[: base.CHECK_ROWS])).mean())]


class Gemm(Runner):
    """One jitted product."""

    def __init__(self, workload: Workload) -> None:
        import jax
        import jax.numpy as jnp

        a, b = base.gemm_data(workload)
        self.a, self.b = jnp.asarray(a), jnp.asarray(b)
        self.call = jax.jit(jnp.matmul)

    def run(self, steps: int) -> int:
        for _ in range(steps):
            self.call(self.a, self.b).block_until_ready()
        return steps

    def check(self) -> list[float]:
        return [float(np.abs(np.asarray(self.call(self.a, self.b))).sum(dtype=np.float64))]
