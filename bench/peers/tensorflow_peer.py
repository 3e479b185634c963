"""TensorFlow: its settings, and the runner of each kind of workload."""

from __future__ import annotations

from bench.peers import base, tensorflow_dense, tensorflow_images
from bench.peers.base import Runner, Setting
from bench.workloads import ON_IMAGES, Workload

MODULE = "tensorflow"


def settings(workload: Workload, threads: int) -> list[Setting]:
    """Return one setting for each number of threads, as a graph and with XLA."""
    if workload.precision != "float32":
        return []
    return [
        Setting(f"{s.name}, {'XLA' if xla else 'graph'}", s.threads, {"xla": xla})
        for xla in (False, True)
        for s in base.plain_settings(threads)
    ]


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(setting.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    xla = bool(setting.options["xla"])
    if workload.kind in ON_IMAGES:
        return tensorflow_images.prepare(workload, xla)
    dense = tensorflow_dense
    kinds = {"train": dense.Train, "loss": dense.Loss, "predict": dense.Predict}
    return kinds.get(workload.kind, dense.Gemm)(workload, xla)
