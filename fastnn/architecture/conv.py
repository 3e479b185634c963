"""Convolutional networks: ``conv:32x3,relu,bn,pool2,fc784,drop0.5,relu,fc10``."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastnn.architecture.words import ACTIVATIONS, MAX_UNITS
from fastnn.init import Initializer
from fastnn.layers import AvgPool2D, BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D

Shape = tuple[int, ...]

_INPUTS = re.compile(r"(\d+)x(\d+)x(\d+)")
_CONV = re.compile(r"(?:conv)?(\d+)x(\d+)(?:/(\d+))?(?:p(\d+))?")
_POOL = re.compile(r"(max|avg|)pool(\d+)(?:/(\d+))?(?:p(\d+))?")
_DENSE = re.compile(r"fc(\d+)")
_DROPOUT = re.compile(r"drop(\d*\.?\d+)")
_WORDS = (
    "32x3 (32 filters of 3 x 3; 32x3/2 in steps of 2, 32x3p0 without the padding that keeps the size), pool2 or "
    "avgpool2 (pool3/2 in steps of 2, pool3/2p1 with padding), bn (batch normalisation), drop0.5 (the share dropped), "
    f"flatten, fc10 (10 units), {', '.join(ACTIVATIONS)}"
)


def layers_of(text: str, init: str | Initializer) -> tuple[Shape | None, list[Layer]]:
    """The shape of the inputs, if the string says it, and the layers that it describes.

    Raises
    ------
    ValueError
        If it is malformed.
    """
    tokens = "".join(text.split()).lower().partition(":")[2].split(",")
    inputs = _INPUTS.fullmatch(tokens[0])
    shape = None
    if inputs:
        channels, height, width = (_number(number, text) for number in inputs.groups())
        shape, tokens = (channels, height, width), tokens[1:]
    layers: list[Layer] = []
    for token in tokens:
        found = _layer(token, text, init)
        flat = any(isinstance(layer, Flatten | Dense) for layer in layers)
        if isinstance(found, Dense) and not flat:
            layers.append(Flatten())
        layers.append(found)
    if not layers:
        raise ValueError(f"architecture: {text!r} has no layers; expected words of {_WORDS}")
    if not isinstance(layers[-1], Dense):
        raise ValueError(f"architecture: {text!r} must end in the outputs, such as fc10")
    return shape, layers


def _layer(token: str, text: str, init: str | Initializer) -> Layer:
    if token in ACTIVATIONS:
        return ACTIVATIONS[token]()
    if token in _PLAIN:
        return _PLAIN[token]()
    if match := _CONV.fullmatch(token):
        filters, size = _number(match[1], text), _number(match[2], text)
        pad: int | str = "same" if match[4] is None else int(match[4])
        return Conv2D(filters, size, stride=_number(match[3] or "1", text), pad=pad, init=init)
    if match := _POOL.fullmatch(token):
        pool = AvgPool2D if match[1] == "avg" else MaxPool2D
        return pool(_number(match[2], text), stride=_number(match[3] or match[2], text), pad=int(match[4] or "0"))
    if match := _DENSE.fullmatch(token):
        return Dense(_number(match[1], text), init=init)
    if match := _DROPOUT.fullmatch(token):
        return Dropout(float(match[1]))
    raise ValueError(f"architecture: unknown layer {token!r} in {text!r}; expected one of {_WORDS}")


_PLAIN: dict[str, Callable[[], Layer]] = {"bn": BatchNorm, "flatten": Flatten}


def _number(token: str, text: str) -> int:
    size = int(token) if len(token) < 12 else MAX_UNITS + 1
    if not 1 <= size <= MAX_UNITS:
        raise ValueError(f"architecture: {token} in {text!r} must be at least 1 and at most {MAX_UNITS}")
    return size
