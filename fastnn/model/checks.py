"""The arguments of `Sequential`: each check returns its argument, or raises and says what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from fastnn.checks import flag, number, whole
from fastnn.decisions.axes import looks_channels_last
from fastnn.layers import (
    REGISTRY,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    GroupNorm,
    Layer,
    LocalResponseNorm,
    MaxPool2D,
    Reshape,
    Shape,
    Standardize,
)
from fastnn.layers.chain import walk
from fastnn.layers.custom import Maker
from fastnn.named import SYNONYMS, how_to_make, is_built_in, of_type

_OF_CHANNELS = (
    Conv2D,
    MaxPool2D,
    AvgPool2D,
    GlobalMaxPool2D,
    GlobalAvgPool2D,
    BatchNorm,
    GroupNorm,
    LocalResponseNorm,
    Standardize,
)


def input_scale(scale: float, dtype: np.dtype[Any]) -> float:
    """The argument `input_scale` as a float that the model's dtype can hold."""
    factor = number("Sequential", "input_scale", scale)
    with np.errstate(over="ignore", under="ignore"):
        held = dtype.type(factor)
    if held == 0 or not np.isfinite(held):
        as_held = f", which is {held:g} in {dtype}" if factor else ""
        raise ValueError(f"Sequential: input_scale: expected a finite number other than 0, got {factor:g}{as_held}")
    return factor


def input_shape(shape: Sequence[int]) -> Shape:
    """The argument `input_shape` as a tuple of ints."""
    if isinstance(shape, str) or not isinstance(shape, Iterable):
        raise TypeError(f"Sequential: input_shape: expected a tuple such as (784,), got {shape!r:.80}")
    sizes = tuple(whole("Sequential", "input_shape", n, at_least=1) for n in shape)
    if not sizes or prod(sizes) > 2**48:
        raise ValueError(f"Sequential: input_shape: expected at least one size and at most 2**48 values, got {sizes}")
    return sizes


def channels_last(channels_last: bool | None, input_shape: Shape, layers: Sequence[Layer] = ()) -> bool:
    """The argument `channels_last`, which only a model of images can have; False for None.

    Without it, an `input_shape` that seems to be (H, W, C) is an error if a layer would take its axes for (C, H, W).
    """
    if channels_last is None:
        if looks_channels_last(input_shape) and _takes_channels(layers):
            *image, channels = input_shape
            raise ValueError(
                f"Sequential: input_shape: expected (C, H, W), got {input_shape}, which seems to be (H, W, C); write "
                f"input_shape={(channels, *image)} and, if the samples have their channels last, channels_last=True; "
                f"if there are {image[0]} channels, write channels_last=False"
            )
        return False
    last = flag("Sequential", "channels_last", channels_last)
    if last and len(input_shape) != 3:
        raise ValueError(f"Sequential: channels_last: expected images, input_shape (C, H, W), got {input_shape}")
    return last


def _takes_channels(layers: Sequence[Layer]) -> bool:
    """Whether a layer that works on (C, H, W) comes before one for which the axes do not matter any more."""
    for layer in walk(layers):
        if isinstance(layer, Flatten | Reshape | Dense):
            return False
        if isinstance(layer, _OF_CHANNELS):
            return True
    return False


def layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The argument `layers` as a tuple of layers none of which belongs to a model."""
    if isinstance(layers, Layer) or not isinstance(layers, Iterable):
        raise TypeError(f"Sequential: layers: expected a sequence of layers, got {type(layers).__name__}")
    layers = tuple(layers)
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential: layer {i}: expected a Layer, got {_no_layer(layer)}")
    seen: set[int] = set()
    for i, layer in enumerate(walk(layers)):
        if id(layer) in seen:
            raise ValueError(f"Sequential: layer {i} ({layer!r}) occurs twice; make a second one")
        seen.add(id(layer))
        if layer.owner is not None and layer.owner() is not None:
            raise ValueError(
                f"Sequential: layer {i} ({layer!r}) belongs to another model, which would lose its "
                "parameters; make a new one, or use copy.deepcopy of it"
            )
    return layers


def _no_layer(value: object) -> str:
    """What stands where a layer should, and the layer that is meant by it if there is one of its name."""
    if isinstance(value, Maker):
        return f"{type(value).__name__}; {value.name}() makes one"
    name = (
        value if isinstance(value, str) else getattr(value, "__name__", "")
    )  # "relu", or a function such as numpy.tanh
    plain = SYNONYMS.get(name, name).replace("_", "").lower()
    meant = next((known for known in REGISTRY if known.lower() == plain), None)
    got = repr(value)[:80] if isinstance(value, str) else of_type(value)
    return got + (how_to_make(value, Layer) or (f"; did you mean {meant}()?" if meant else ""))


def codes(layers: Sequence[Layer], input_scale: float) -> None:
    """Refuse built layers of which one looks up codes that are not those of the samples, or are scaled."""
    for i, layer in enumerate(layers):
        if not layer.codes:
            continue
        # these keep codes, and layers of a user's own may make some
        others = [
            before.name
            for before in layers[:i]
            if not isinstance(before, Flatten | Reshape) and is_built_in(type(before))
        ]
        if others:
            raise ValueError(f"{layer.name}: expected codes, which samples hold, got the outputs of {others[-1]}")
        if input_scale != 1:
            raise ValueError(
                f"Sequential: input_scale: expected 1 for samples with codes, which {layer.name} looks up, got "
                f"{input_scale:g}"
            )


def class_names(names: Sequence[str] | None, outputs: Shape) -> tuple[str, ...] | None:
    """The argument `class_names` as a tuple of str, one for each output."""
    if names is None:
        return None
    texts = tuple(str(name) for name in names)
    if len(texts) != outputs[-1]:
        raise ValueError(f"Sequential: class_names: expected {outputs[-1]}, one for each output, got {len(texts)}")
    return texts


def column_names(names: Sequence[str] | None, shape: Shape) -> tuple[str, ...] | None:
    """The argument `column_names` as a tuple of str, one for each value of a sample."""
    if names is None:
        return None
    texts = tuple(str(name) for name in names)
    if isinstance(names, str) or len(texts) != prod(shape) or len(set(texts)) != len(texts):
        raise ValueError(
            f"Sequential: column_names: expected {prod(shape)} different names, one for each value of a sample, "
            f"got {names!r:.80}"
        )
    return texts


def reading(reading: Mapping[str, Any] | None) -> dict[str, Any]:
    """The argument `reading` as a dict from names to values that JSON can hold."""
    if reading is None:
        return {}
    if not isinstance(reading, Mapping) or not all(isinstance(name, str) for name in reading):
        raise TypeError(f"Sequential: reading: expected a dict of arguments by name, got {reading!r:.80}")
    try:
        found: dict[str, Any] = json.loads(json.dumps(dict(reading), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"Sequential: reading: expected values that JSON can hold, got {reading!r:.80}") from error
    return found


def points(points: Mapping[str, str] | None, names: Sequence[str]) -> dict[str, str]:
    """The argument `points` as a dict from names, none of them already that of a layer, to names of layers."""
    if points is None:
        return {}
    if not isinstance(points, Mapping):
        raise TypeError(f"Sequential: points: expected a dict of names of layers, got {type(points).__name__}")
    for point, name in points.items():
        if name not in names:
            raise ValueError(f"Sequential: points: {point!r} names layer {name!r}; there are {', '.join(names)}")
        if point in names and point != name:
            raise ValueError(f"Sequential: points: {point!r} is the name of a layer, but stands for {name!r}")
    return dict(points)
