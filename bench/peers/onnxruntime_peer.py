"""ONNX Runtime on the rows that are a pass forward, with all of its graph optimisations."""

from __future__ import annotations

from bench.peers import onnx_model
from bench.peers.base import Runner, Setting
from bench.workloads import Workload

MODULE = "onnxruntime"


def settings(workload: Workload, threads: int) -> list[Setting]:
    """One setting for each number of threads."""
    return onnx_model.settings(workload, threads)


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = setting.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(onnx_model.model(workload), options, providers=["CPUExecutionProvider"])
    return onnx_model.runner(workload, lambda x: session.run(None, {"x": x})[0])
