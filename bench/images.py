"""The convolutional networks of the race: their layers, first parameters and arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
INPUT = (1, 28, 28)


@dataclass(frozen=True)
class ImageLayer:
    """conv (filters of size × size, pad), relu, norm (batch statistics, nothing learned), pool (2 × 2), dense."""

    kind: str
    units: int = 0
    size: int = 0
    pad: int = 0


RELU, NORM, POOL = ImageLayer("relu"), ImageLayer("norm"), ImageLayer("pool")
NETWORKS: dict[str, tuple[ImageLayer, ...]] = {
    "lenet5": (
        ImageLayer("conv", 6, 5), RELU, POOL, ImageLayer("conv", 16, 5), RELU, POOL,
        ImageLayer("dense", 120), RELU, ImageLayer("dense", 84), RELU, ImageLayer("dense", 10),
    ),
    "study6": (
        ImageLayer("conv", 32, 3, 1), RELU, NORM, POOL, ImageLayer("dense", 784), RELU, ImageLayer("dense", 10),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Learned:
    """A layer with parameters: the shape of w (filters × channels × size × size, or inputs × outputs), and its work."""

    layer: ImageLayer
    shape: tuple[int, ...]
    multiply_adds: int  # of one image, forward


def learned(network: str) -> list[Learned]:
    """The layers with parameters, in order."""
    shape: tuple[int, ...] = INPUT
    found = []
    for layer in NETWORKS[network]:
        if layer.kind == "conv":
            side = shape[1] + 2 * layer.pad - layer.size + 1
            w = (layer.units, shape[0], layer.size, layer.size)
            found.append(Learned(layer, w, prod(w) * side * side))
            shape = (layer.units, side, side)
        elif layer.kind == "pool":
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
        elif layer.kind == "dense":
            w = (prod(shape), layer.units)
            found.append(Learned(layer, w, prod(w)))
            shape = (layer.units,)
    return found


def first_parameters(network: str) -> list[tuple[FloatArray, FloatArray]]:
    """Glorot-uniform weights and zero biases of each layer that has some."""
    rng = np.random.default_rng(23)
    layers = []
    for item in learned(network):
        taps = prod(item.shape[2:])
        bound = (6.0 / (taps * (item.shape[0] + item.shape[1]))) ** 0.5
        w = rng.uniform(-bound, bound, item.shape).astype(np.float32)
        layers.append((w, np.zeros(item.layer.units, dtype=np.float32)))
    return layers


def flops(network: str, batch: int) -> int:
    """Floating-point operations of one training step; the first layer needs no gradient of its input."""
    work = [item.multiply_adds for item in learned(network)]
    return 2 * batch * (3 * sum(work) - work[0])
