"""JAX training convolutional networks: many steps in one jitted scan."""

from __future__ import annotations

from typing import Any

from bench import images
from bench.peers import base
from bench.peers.jax_peer import Train, cross_entropy
from bench.workloads import Workload


def forward(params: Any, x: Any, network: str) -> Any:
    """Logits of images x (n, 784)."""
    import jax
    import jax.numpy as jnp

    x = x.reshape(-1, *images.INPUT)
    learned = iter(params)
    for layer in images.NETWORKS[network]:
        if layer.kind == "relu":
            x = jax.nn.relu(x)
        elif layer.kind == "pool":
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        elif layer.kind == "norm":
            mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
            x = (x - mean) * jax.lax.rsqrt(var + 1e-5)
        elif layer.kind == "conv":
            w, b = next(learned)
            x = jax.lax.conv(x, w, (1, 1), "SAME" if layer.pad else "VALID") + b[:, None, None]
        else:
            w, b = next(learned)
            x = x.reshape(len(x), -1) @ w + b
    return x


class TrainImages(Train):
    """Scans of `chunk` steps, as for dense networks."""

    def __init__(self, workload: Workload) -> None:
        import jax

        super().__init__(workload)
        self._loss = jax.jit(lambda p, x, y: cross_entropy(forward(p, x, workload.network), y))

    def logits(self, params: Any, x: Any) -> Any:
        """Outputs of the network on rows x."""
        return forward(params, x, self.workload.network)


def prepare(workload: Workload) -> base.Runner:
    """The runner of a workload."""
    return TrainImages(workload)
