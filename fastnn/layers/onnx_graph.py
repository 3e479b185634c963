"""The graph that layers write themselves into for ONNX: nodes and constants, without the onnx package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.functional.window import Window

Array = NDArray[Any]
Node = tuple[str, list[str], str, dict[str, Any]]


class Graph:
    """Nodes and constants, in the order in which they were added.

    Parameters
    ----------
    dtype : dtype
        Of all floating-point constants.

    Attributes
    ----------
    nodes : list of (operator, inputs, output, attributes)
    constants : dict of str to array
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, value: Array) -> str:
        """Add a constant array and return its name, which gets a number if it is taken."""
        name += f"_{len(self.constants)}" if name in self.constants else ""
        self.constants[name] = np.ascontiguousarray(value, self.dtype if value.dtype.kind == "f" else value.dtype)
        if value.ndim == 0:
            self.constants[name] = self.constants[name].reshape(())
        return name

    def node(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        """Add a node of operator `kind` and return the name of its output."""
        name = out or f"{kind.lower()}_{len(self.nodes) + 1}"
        self.nodes.append((kind, list(inputs), name, attributes))
        return name

    def reshape(self, name: str, x: str, shape: tuple[int, ...]) -> str:
        """Add a change of each sample's shape; `name` begins the name of the constant that holds the shape."""
        sizes = np.array([0, *shape], np.int64)  # ONNX keeps the axis of size 0 as it is: here the batch
        return self.node("Reshape", x, self.constant(f"{name}.shape", sizes))

    def simplified(self) -> list[Node]:
        """Return the nodes, with an identity at the end merged into the node before it."""
        *nodes, (_, (last,), out, _) = self.nodes
        if not nodes or nodes[-1][2] != last or sum(last in inputs for _, inputs, _, _ in nodes):
            return self.nodes
        kind, inputs, _, attributes = nodes[-1]
        return [*nodes[:-1], (kind, inputs, out, attributes)]


def window_attributes(window: Window, image: tuple[int, ...]) -> dict[str, Any]:
    """Size, stride and padding of a window on images of (H, W) pixels, as attributes of an ONNX operator."""
    after = [
        max(0, (count - 1) * stride + (size - 1) * dilation + 1 - pixels - before)
        for count, stride, size, dilation, pixels, before in zip(
            window.count, window.stride, window.size, window.dilation, image, window.before, strict=True
        )
    ]
    return {"kernel_shape": list(window.size), "strides": list(window.stride), "pads": [*window.before, *after]}
