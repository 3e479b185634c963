"""Operations on images in JAX, jitted; channels before or after rows and columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import operations
from bench.images import ImageLayer
from bench.operations import Shape
from bench.peers import jax_images
from bench.peers.base import Runner, Setting
from bench.workloads import Workload


class Operation(Runner):
    """Computes an operation, and its gradients by `jax.vjp`."""

    def __init__(self, workload: Workload, setting: Setting) -> None:
        import jax
        import jax.numpy as jnp

        shape, direction = Shape(*workload.sizes), workload.direction
        self.last = setting.options["layout"] == "NHWC"
        layer = ImageLayer(workload.kind, shape.filters, shape.size, shape.pad, shape.stride)

        def convolution(x: Any, w: Any, b: Any) -> Any:
            return jax_images.convolution(x, w, b, layer, self.last)

        def max_pool(x: Any) -> Any:
            return jax_images.max_pool(x, layer, self.last)

        def batch_norm(x: Any, w: Any, b: Any) -> Any:
            return jax_images.normalised(x, self.last, operations.EPS) * w.reshape(each) + b.reshape(each)

        each = (-1,) if self.last else (-1, 1, 1)
        function: Any = {"conv": convolution, "max_pool": max_pool, "batch_norm": batch_norm}[workload.kind]
        a = operations.arrays(workload)
        x, dout = (jnp.asarray(np.moveaxis(v, 1, -1) if self.last else v) for v in (a.x, a.dout))
        inputs = (x,) if workload.kind == "max_pool" else (x, jnp.asarray(a.w), jnp.asarray(a.b))

        def both(dout: Any, *inputs: Any) -> Any:
            out, pull = jax.vjp(function, *inputs)
            return out, *pull(dout)

        if direction == "forward":
            self.call: Any = jax.jit(lambda *inputs: (function(*inputs),))
            self.arguments: tuple[Any, ...] = inputs
        elif direction == "both":
            self.call, self.arguments = jax.jit(both), (dout, *inputs)
        else:
            self.call, self.arguments = jax.jit(lambda pull, dout: pull(dout)), (jax.vjp(function, *inputs)[1], dout)

    def run(self, steps: int) -> int:
        for _ in range(steps):
            self.call(*self.arguments)[-1].block_until_ready()
        return steps

    def check(self) -> list[float]:
        found = [np.asarray(result) for result in self.call(*self.arguments)]
        images = [np.moveaxis(v, -1, 1) if self.last else v for v in found[:2]]  # the results are out, dx, dw, db
        return operations.numbers(*images, *found[2:])
