"""The convolutional layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastnn import init as initializers
from fastnn.checks import choice, flag, number, whole
from fastnn.functional.checks import pair
from fastnn.functional.window import Pad, Window, checked_pad, window
from fastnn.init import Initializer
from fastnn.kernels import ConvAlgorithm
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape, image_shape
from fastnn.layers.onnx_graph import Graph, window_attributes
from fastnn.parameter import Parameter, penalties

__all__ = ["Conv2D"]


class Conv2D(Layer):
    """Convolution of images with filters that are learned: cross-correlation plus a bias for each filter.

    Inputs are images (N, C, H, W), outputs (N, F, P, Q), both of the model's dtype.

    Parameters
    ----------
    filters : int
        The number of filters, and so of output channels, F; at least 1.
    size : int or pair of int
        Rows R and columns S of a filter, at least 1.
    stride : int or pair of int
        Pixels from one window to the next, at least 1.
    pad : int, pair of int, ((top, bottom), (left, right)) or "same"
        Lines of zeros around the image, at least 0; "same" gives P = ceil(H / stride) and Q = ceil(W / stride).
    dilation : int or pair of int
        Pixels from one tap of a filter to the next, at least 1.
    groups : int
        The number of groups into which channels and filters are divided; with as many groups as channels the
        convolution is depthwise.
    bias : bool
        Whether b is added.
    init, bias_init : str or callable
        Initialisers of the parameters w (F, C / groups, R, S) and b (F,), see `fastnn.init`; a unit has
        C R S / groups inputs and F R S / groups outputs.
    l1, l2 : float
        Penalties on w, at least 0: l1 Σ|w| + l2 Σ w² / 2 is added to the loss, and its gradient to that of w.
    conv_algorithm : {"auto", "direct", "winograd"}
        How a compiled step computes it. "auto" chooses by the shape; "winograd" is used where the shape allows it.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range, or filters do not divide into groups; in a model, if
        samples are not images, channels do not divide into groups, or a filter is larger than the padded image.

    Notes
    -----
    `fastnn.functional.conv_forward` has the formula. Winograd's algorithm is that of Lavin & Gray, "Fast algorithms
    for convolutional neural networks", 2016; its results differ from those of the direct one by rounding.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Conv2D(32, 3, pad="same")], input_shape=(1, 28, 28))
    >>> model.output_shape, model.parameters["conv1.w"].shape
    ((32, 28, 28), (32, 1, 3, 3))
    """

    kind = "conv"
    words: ClassVar[Mapping[str, int]] = {"": 2}
    window: Window

    def __init__(
        self,
        filters: int,
        size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        pad: Pad = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        init: str | Initializer = "glorot_uniform",
        bias_init: str | Initializer = "zeros",
        l1: float = 0.0,
        l2: float = 0.0,
        conv_algorithm: str = "auto",
    ) -> None:
        self.filters = whole("Conv2D", "filters", filters, at_least=1)
        self.size = pair("Conv2D", "size", size, at_least=1)
        self.stride = pair("Conv2D", "stride", stride, at_least=1)
        self.dilation = pair("Conv2D", "dilation", dilation, at_least=1)
        self.groups = whole("Conv2D", "groups", groups, at_least=1)
        if self.filters % self.groups:
            raise ValueError(f"Conv2D: {self.filters} filters do not divide into {self.groups} groups")
        self.pad = checked_pad("Conv2D", pad)
        algorithm = choice("Conv2D", "conv_algorithm", conv_algorithm, (a.name.lower() for a in ConvAlgorithm))
        self.conv_algorithm = ConvAlgorithm[algorithm.upper()]
        self.bias = flag("Conv2D", "bias", bias)
        self.init = initializers.get(init)
        self.bias_init = initializers.get(bias_init)
        self.l1 = number("Conv2D", "l1", l1, at_least=0)
        self.l2 = number("Conv2D", "l2", l2, at_least=0)
        self._parameters: tuple[Parameter, ...] = ()

    @classmethod
    def from_word(cls, *numbers: float, **options: Any) -> Layer:
        return super().from_word(*numbers, **{"pad": "same", **options})

    def build(self, input_shape: Shape) -> Shape:
        channels, height, width = image_shape(self, input_shape)
        if channels % self.groups:
            raise ValueError(
                f"Conv2D: {channels} channels do not divide into {self.groups} groups (input shape {input_shape})"
            )
        self.window = window(
            "Conv2D", (height, width), self.size, stride=self.stride, pad=self.pad, dilation=self.dilation
        )
        inner, taps = channels // self.groups, self.size[0] * self.size[1]
        fans = (inner * taps, self.filters // self.groups * taps)
        self.w = Parameter("w", (self.filters, inner, *self.size), self.init, fans, l1=self.l1, l2=self.l2)
        self.b = Parameter("b", (self.filters,), self.bias_init, fans, decays=False) if self.bias else None
        self._parameters = (self.w,) if self.b is None else (self.w, self.b)
        self.input_shape, self.output_shape = input_shape, (self.filters, *self.window.count)
        return self.output_shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self._parameters

    @property
    def _scalars(self) -> tuple[int, ...]:
        return (*self.window.scalars, int(self.conv_algorithm))

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((x.shape[0], *self.output_shape))
        ops.conv_forward(x, self.w.value, None if self.b is None else self.b.value, out, *self._scalars)
        return out, x

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x = cache
        dx = None
        if need_dx:  # before the weights' gradient, for the same reason as in Dense
            dx = ops.empty(x.shape)
            ops.conv_backward_input(dout, self.w.value, dx, None, *self._scalars)
        if not self.frozen:
            db = None if self.b is None else self.b.grad
            ops.conv_backward_weight(x, dout, self.w.grad, db, *self._scalars, ops.beta)
        return dx

    def config(self) -> dict[str, Any]:
        return {
            "filters": self.filters,
            "size": list(self.size),
            "stride": list(self.stride),
            "pad": self.pad,
            "dilation": list(self.dilation),
            "groups": self.groups,
            "bias": self.bias,
            "init": initializers.name_of(self.init),
            "bias_init": initializers.name_of(self.bias_init),
            **penalties(self.l1, self.l2),
            "conv_algorithm": self.conv_algorithm.name.lower(),
        }

    def multiply_adds(self) -> int:
        return self.output_shape[1] * self.output_shape[2] * self.w.size

    def onnx(self, graph: Graph, x: str) -> str:
        arrays = (graph.constant(f"{self.name}.{p.name}", p.value) for p in self.parameters)
        shape = window_attributes(self.window, self.input_shape[1:])
        return graph.node("Conv", x, *arrays, **shape, dilations=list(self.window.dilation), group=self.groups)

    def torch_tensors(self) -> dict[str, Any] | None:
        return {"weight": self.w.value} | ({} if self.b is None else {"bias": self.b.value})
