"""The single operations on images in the race: their arrays, and the numbers on which all sides must agree."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
# what a step of the row does; "both" is the forward pass and all gradients
Direction = Literal["forward", "backward", "both"]
KINDS = ("conv", "max_pool", "batch_norm")
EPS = 1e-5  # added to variances


class OnImages(Protocol):
    """What is asked of a workload here."""

    @property
    def kind(self) -> str: ...
    @property
    def sizes(self) -> tuple[int, ...]: ...
    @property
    def direction(self) -> Direction: ...


class Shape(NamedTuple):
    """Images, channels, rows and columns, filters, taps (window), stride, padding."""

    images: int
    channels: int
    side: int
    filters: int = 0
    size: int = 1
    stride: int = 1
    pad: int = 0

    @property
    def x(self) -> tuple[int, int, int, int]:
        """The shape of the input, images × channels × rows × columns."""
        return self.images, self.channels, self.side, self.side

    @property
    def w(self) -> tuple[int, int, int, int]:
        """The shape of the filters."""
        return self.filters, self.channels, self.size, self.size

    @property
    def out(self) -> tuple[int, int, int, int]:
        """The shape of the output."""
        count = (self.side + 2 * self.pad - self.size) // self.stride + 1
        return self.images, self.filters or self.channels, count, count


class Arrays(NamedTuple):
    """The arrays of an operation; w and b are filters and biases, or the scales and shifts of channels."""

    x: FloatArray
    w: FloatArray
    b: FloatArray
    dout: FloatArray


def arrays(workload: OnImages) -> Arrays:
    """Random arrays, the same for every side."""
    shape = Shape(*workload.sizes)
    rng = np.random.default_rng(25)
    parameters = shape.w if workload.kind == "conv" else (shape.channels,)
    x, w, b, dout = (
        rng.standard_normal(s, dtype=np.float32) for s in (shape.x, parameters, parameters[:1], shape.out)
    )  # fmt: skip
    return Arrays(x, w, b, dout)


def flops(workload: OnImages) -> int:
    """Floating-point operations of the products of one step, counted as a direct convolution does them."""
    if workload.kind != "conv":
        return 0
    shape = Shape(*workload.sizes)
    passes = {"forward": 1, "backward": 2, "both": 3}[workload.direction]
    return 2 * passes * int(np.prod(shape.out)) * int(np.prod(shape.w[1:]))


def numbers(*results: npt.ArrayLike) -> list[float]:
    """Two sums for each result (images or a vector): of magnitudes, and weighted by position."""
    found = []
    for result in results:
        sizes = np.abs(np.asarray(result, dtype=np.float64)).ravel()
        found += [float(sizes.sum()), float((sizes * (1 + np.arange(sizes.size) % 7)).sum())]
    return found
