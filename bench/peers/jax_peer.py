"""JAX: its settings, and the runner of each kind of workload."""

from __future__ import annotations

from bench import operations
from bench.peers import base, jax_dense, jax_images, jax_operations
from bench.peers.base import Runner, Setting
from bench.workloads import ON_IMAGES, Workload

MODULE = "jax"


def settings(workload: Workload, threads: int) -> list[Setting]:
    """Return one setting for each number of threads and, for images, each layout.

    XLA makes as many threads as the process has processors.
    """
    if workload.precision != "float32":
        return []
    return jax_images.settings(threads) if workload.kind in ON_IMAGES else base.plain_settings(threads)


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    if workload.kind in operations.KINDS:
        return jax_operations.Operation(workload, setting)
    if workload.kind in ON_IMAGES:
        return jax_images.prepare(workload, setting)
    kinds = {"train": jax_dense.Train, "loss": jax_dense.Loss, "predict": jax_dense.Predict}
    return kinds.get(workload.kind, jax_dense.Gemm)(workload)
