"""A model as an ONNX file."""

from __future__ import annotations

import json
from os import PathLike
from typing import Any

import numpy as np

from fastnn._version import __version__
from fastnn.files import write_whole
from fastnn.layers import chain
from fastnn.layers.onnx_graph import Graph
from fastnn.model import Sequential

OPSET = 17
_IR_VERSION = 8  # the version of the release of ONNX that introduced this opset
_MISSING = "ONNX export needs the onnx package: pip install fastnn-cpu[onnx]"


def to_onnx(model: Sequential, path: str | PathLike[str] | None = None, *, probabilities: bool = False) -> Any:
    """Convert a model to an ONNX graph that computes what the model computes at evaluation.

    Parameters
    ----------
    model : Sequential
    path : path, optional
        File to write the graph to.
    probabilities : bool
        If true, the graph ends with a softmax even where the model does not. Otherwise its outputs are those of
        `Sequential.forward`.

    Returns
    -------
    onnx.ModelProto
        Its input ``"input"`` has shape (batch, *sample_shape), its output ``"output"`` (batch, *output_shape), both in
        the model's dtype. The factor `input_scale` is part of the graph; class names are in its metadata.

    Raises
    ------
    ValueError
        If a layer has no counterpart in ONNX.
    ImportError
        If the onnx package is missing.
    OSError
        If the file cannot be written. A file that was there before is then unchanged.

    Notes
    -----
    The graph uses operators of opset 17: ``Gemm``, ``Conv``, ``MaxPool``, ``AveragePool``, ``BatchNormalization``,
    ``Relu``, … Dropout is left out. onnxruntime has no float64 version of some of them.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10), fastnn.layers.Softmax()], input_shape=(784,))
    >>> graph = fastnn.export.to_onnx(model).graph
    >>> [node.op_type for node in graph.node]
    ['Gemm', 'Softmax']
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(_MISSING) from None
    graph = Graph(model.dtype)
    name = "input"
    if model.channels_last:
        name = graph.node("Transpose", name, perm=[0, 3, 1, 2])
    if model.input_scale != 1:
        name = graph.node("Mul", name, graph.constant("input_scale", np.asarray(model.input_scale, model.dtype)))
    name = chain.onnx(model.layers, graph, name)
    if probabilities and not model.gives_probabilities:
        name = graph.node("Softmax", name, axis=-1)
    graph.node("Identity", name, out="output")
    described = onnx.helper.make_graph(
        [
            onnx.helper.make_node(kind, inputs, [out], **attributes)
            for kind, inputs, out, attributes in graph.simplified()
        ],
        "fastnn",
        [_value(onnx, "input", model.dtype, model.sample_shape)],
        [_value(onnx, "output", model.dtype, model.output_shape)],
        [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
    )
    proto = onnx.helper.make_model(
        described,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="fastnn",
        producer_version=__version__,
    )
    if model.class_names is not None:
        onnx.helper.set_model_props(proto, {"class_names": json.dumps(list(model.class_names))})
    onnx.checker.check_model(proto)
    if path is not None:
        write_whole(path, proto.SerializeToString())
    return proto


def _value(onnx: Any, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(dtype), ("batch", *shape))
