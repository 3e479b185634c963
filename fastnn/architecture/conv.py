"""Convolutional networks: ``conv:32x3,relu,bn,pool2,fc784,drop0.5,relu,fc10``."""

from __future__ import annotations

import re

from fastnn.architecture.words import layer_of, size
from fastnn.init import Initializer
from fastnn.layers import REGISTRY, Dense, Flatten, Layer

Shape = tuple[int, ...]

_INPUTS = re.compile(r"([0-9]+)x([0-9]+)x([0-9]+)")
_WORDS = (
    "32x3 (32 filters of 3 x 3; 32x3/2 with stride 2, 32x3p0 without the padding that preserves the size), pool2 or "
    "avgpool2 (pool3/2 with stride 2, pool3/2p1 with padding), bn (batch normalisation), drop0.5 (the share dropped), "
    f"fc10 (10 units), or a layer with its numbers: {', '.join(layer.kind for layer in REGISTRY.values())}"
)


def layers_of(text: str, init: str | Initializer) -> tuple[Shape | None, list[Layer]]:
    """Return the shape of the inputs, or None if the string does not give it, and the layers it describes.

    Raises
    ------
    ValueError
        If the string is malformed.
    """
    tokens = "".join(text.split()).lower().partition(":")[2].split(",")
    inputs = _INPUTS.fullmatch(tokens[0])
    shape = None
    if inputs:
        channels, height, width = (size(number, text) for number in inputs.groups())
        shape, tokens = (channels, height, width), tokens[1:]
    layers: list[Layer] = []
    for token in tokens:
        found = layer_of(token, text, init)
        if found is None:
            raise ValueError(f"architecture: unknown layer {token!r} in {text!r}; expected one of {_WORDS}")
        flat = any(isinstance(layer, Flatten | Dense) for layer in layers)
        if isinstance(found, Dense) and not flat:
            layers.append(Flatten())
        layers.append(found)
    if not layers:
        raise ValueError(f"architecture: {text!r} has no layers; expected some of {_WORDS}")
    if not isinstance(layers[-1], Dense):
        raise ValueError(f"architecture: {text!r} must end with the outputs, such as fc10")
    return shape, layers
