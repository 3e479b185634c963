"""The forward passes of the race as ONNX models, for the sides that run such."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import images
from bench.peers import base
from bench.workloads import Workload

OPSET = 17


class Nodes:
    """Nodes in a row, each fed by the one before, and their parameters."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.parameters: list[Any] = []
        self.last = "x"

    def parameter(self, array: np.ndarray[Any, Any]) -> str:
        """The name of an array that the model holds."""
        from onnx import numpy_helper

        name = f"p{len(self.parameters)}"
        self.parameters.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind: str, *arrays: np.ndarray[Any, Any], **attributes: Any) -> None:
        """Add a node."""
        from onnx import helper

        inputs = [self.last, *map(self.parameter, arrays)]
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [self.last], **attributes))


def _dense(workload: Workload) -> tuple[Nodes, list[Any], int]:
    nodes, layers = Nodes(), base.first_parameters(workload)
    for number, (w, b) in enumerate(layers):
        nodes.add("Gemm", w, b)
        if number < len(layers) - 1:
            nodes.add("Tanh" if workload.activation == "tanh" else "Relu")
    nodes.add("ArgMax", axis=1, keepdims=0)
    return nodes, ["n", workload.sizes[0]], 1


def _images(workload: Workload) -> tuple[Nodes, list[Any], int]:
    nodes, parameters = Nodes(), iter(base.first_parameters(workload))
    rank = 4
    for layer, shape in images.shaped(workload.network):
        if layer.kind == "conv":
            nodes.add("Conv", *next(parameters), strides=[layer.stride] * 2, pads=[layer.pad] * 4)
        elif layer.kind == "relu":
            nodes.add("Relu")
        elif layer.kind == "dense":
            if len(shape) > 1:
                nodes.add("Flatten")
            nodes.add("Gemm", *next(parameters))
            rank = 2
        else:
            nodes.add("MaxPool", kernel_shape=[layer.size] * 2, strides=[layer.stride] * 2)
    return nodes, [workload.batch, *images.NETWORKS[workload.network].input], rank


def model(workload: Workload) -> bytes:
    """The pass of a predict row, to the classes, or of a features row, as the bytes of an ONNX file."""
    from onnx import TensorProto, checker, helper

    predicts = workload.kind == "predict"
    nodes, shape, rank = _dense(workload) if predicts else _images(workload)
    kind = TensorProto.INT64 if predicts else TensorProto.FLOAT
    source = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info(nodes.last, kind, [None] * rank)
    graph = helper.make_graph(nodes.nodes, "pass", [source], [out], nodes.parameters)
    # a version that older runtimes read as well
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    checker.check_model(made)
    return bytes(made.SerializeToString())


class Predict(base.Runner):
    """Predicts the classes of a slice of rows; `call` runs the model."""

    def __init__(self, workload: Workload, call: Any) -> None:
        self.x, _ = base.training_data(workload)
        self.batch, self.call = workload.batch, call
        self.starts = workload.rows - workload.batch + 1

    def run(self, steps: int) -> int:
        x, batch, starts, call = self.x, self.batch, self.starts, self.call
        for i in range(steps):
            start = i * batch % starts
            call(x[start : start + batch])
        return steps

    def check(self) -> list[float]:
        rows, batch = min(base.CHECK_ROWS, len(self.x)), self.batch
        parts = [self.call(self.x[start : start + batch]) for start in range(0, rows, batch)]
        return [float(np.concatenate(parts)[:rows].mean())]


class Features(base.FeaturesRunner):
    """Computes features of one batch after another; `call` runs the model."""

    def __init__(self, workload: Workload, call: Any) -> None:
        super().__init__(workload)
        self.batches = [x.reshape(-1, *images.NETWORKS[workload.network].input) for x in self.batches]
        self.call = call

    def features(self, x: Any) -> Any:
        """Return the outputs for a batch."""
        return self.call(x)


def runner(workload: Workload, call: Any) -> base.Runner:
    """The runner of a row that a model can do."""
    return (Predict if workload.kind == "predict" else Features)(workload, call)


def settings(workload: Workload, threads: int) -> list[base.Setting]:
    """Settings by number of threads, for the rows that are a pass forward in float32."""
    able = workload.kind in ("predict", "features") and workload.precision == "float32"
    return base.plain_settings(threads) if able else []
