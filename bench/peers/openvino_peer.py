"""OpenVINO on the rows that are a pass forward, compiled for latency, in float32."""

from __future__ import annotations

from bench.peers import onnx_model
from bench.peers.base import Runner, Setting
from bench.workloads import Workload

MODULE = "openvino"


def settings(workload: Workload, threads: int) -> list[Setting]:
    """One setting for each number of threads."""
    return onnx_model.settings(workload, threads)


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    import openvino

    core = openvino.Core()
    options = {
        "INFERENCE_NUM_THREADS": setting.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # otherwise some processors would round to bf16
    }
    compiled = core.compile_model(core.read_model(onnx_model.model(workload)), "CPU", options)
    request = compiled.create_infer_request()
    return onnx_model.runner(workload, lambda x: request.infer({0: x})[compiled.output(0)])
