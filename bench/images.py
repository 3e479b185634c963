"""The convolutional networks of the race: their layers, initial parameters and operation counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ImageLayer:
    """A layer: conv (size × size, stride, pad), relu, norm (over the batch), pool (size × size, stride) or dense."""

    kind: str
    units: int = 0
    size: int = 0
    pad: int = 0
    stride: int = 1

    def side(self, length: int) -> int:
        """The number of outputs for a line of `length` inputs."""
        return (length + 2 * self.pad - self.size) // self.stride + 1


@dataclass(frozen=True)
class Network:
    """A network: the channels, rows and columns of its images, and its layers."""

    input: tuple[int, int, int]
    layers: tuple[ImageLayer, ...]


RELU, NORM, POOL = ImageLayer("relu"), ImageLayer("norm"), ImageLayer("pool", size=2, stride=2)
_WIDE_POOL = ImageLayer("pool", size=3, stride=2)
# one tower of Krizhevsky 2014, as in PyTorch's model zoo
_ALEXNET_FEATURES = (
    ImageLayer("conv", 64, 11, 2, 4), RELU, _WIDE_POOL, ImageLayer("conv", 192, 5, 2), RELU, _WIDE_POOL,
    ImageLayer("conv", 384, 3, 1), RELU, ImageLayer("conv", 256, 3, 1), RELU, ImageLayer("conv", 256, 3, 1), RELU,
    _WIDE_POOL,
)  # fmt: skip
NETWORKS: dict[str, Network] = {
    "lenet5": Network((1, 28, 28), (
        ImageLayer("conv", 6, 5), RELU, POOL, ImageLayer("conv", 16, 5), RELU, POOL,
        ImageLayer("dense", 120), RELU, ImageLayer("dense", 84), RELU, ImageLayer("dense", 10),
    )),
    "study6": Network((1, 28, 28), (
        ImageLayer("conv", 32, 3, 1), RELU, NORM, POOL, ImageLayer("dense", 784), RELU, ImageLayer("dense", 10),
    )),
    "alexnet-features": Network((3, 224, 224), _ALEXNET_FEATURES),
    "alexnet": Network((3, 224, 224), (
        *_ALEXNET_FEATURES, ImageLayer("dense", 4096), RELU, ImageLayer("dense", 4096), RELU,
        ImageLayer("dense", 1000),
    )),
}  # fmt: skip


def shaped(network: str) -> Iterator[tuple[ImageLayer, tuple[int, ...]]]:
    """Every layer with the shape of its input: channels × rows × columns, or a number of units."""
    shape: tuple[int, ...] = NETWORKS[network].input
    for layer in NETWORKS[network].layers:
        yield layer, shape
        if layer.kind == "conv":
            shape = (layer.units, layer.side(shape[1]), layer.side(shape[2]))
        elif layer.kind == "pool":
            shape = (shape[0], layer.side(shape[1]), layer.side(shape[2]))
        elif layer.kind == "dense":
            shape = (layer.units,)


@dataclass(frozen=True)
class Learned:
    """A layer with parameters: the shape of w (filters × channels × size × size, or inputs × outputs) and its cost."""

    layer: ImageLayer
    shape: tuple[int, ...]
    multiply_adds: int  # in the forward pass of one image


def learned(network: str) -> list[Learned]:
    """The layers with parameters, in order."""
    found = []
    for layer, shape in shaped(network):
        if layer.kind == "conv":
            w = (layer.units, shape[0], layer.size, layer.size)
            found.append(Learned(layer, w, prod(w) * layer.side(shape[1]) * layer.side(shape[2])))
        elif layer.kind == "dense":
            w = (prod(shape), layer.units)
            found.append(Learned(layer, w, prod(w)))
    return found


def first_parameters(network: str) -> list[tuple[FloatArray, FloatArray]]:
    """Glorot-uniform weights and zero biases for each layer that has parameters."""
    rng = np.random.default_rng(23)
    layers = []
    for item in learned(network):
        taps = prod(item.shape[2:])
        bound = (6.0 / (taps * (item.shape[0] + item.shape[1]))) ** 0.5
        w = rng.uniform(-bound, bound, item.shape).astype(np.float32)
        layers.append((w, np.zeros(item.layer.units, dtype=np.float32)))
    return layers


def flops(network: str, batch: int, *, training: bool) -> int:
    """The floating-point operations of a pass or a training step; the first layer needs no input gradient."""
    work = [item.multiply_adds for item in learned(network)]
    return 2 * batch * (3 * sum(work) - work[0] if training else sum(work))
