"""A layer as values that JSON can hold, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.layers.base import REGISTRY, Layer


def describe(layer: Layer) -> dict[str, Any]:
    """The type and the constructor arguments of a layer, as values that JSON can hold.

    Raises
    ------
    ValueError
        If another class is registered under the name of the layer's class.
    """
    name = type(layer).__name__
    if REGISTRY.get(name) is not type(layer):
        raise ValueError(f"Sequential: {layer.name}: another layer is called {name} too")
    return {"type": name, **layer.config(), **({"frozen": True} if layer._frozen else {})}


def described(entry: Mapping[str, Any]) -> Layer:
    """The layer that an entry made by `describe` stands for.

    Raises
    ------
    ValueError
        If the entry names a layer that does not exist.
    """
    arguments = dict(entry)
    name, frozen = arguments.pop("type", None), arguments.pop("frozen", False)
    if name not in REGISTRY:
        raise ValueError(f"Sequential: expected a layer of {', '.join(REGISTRY)}, got {name!r}")
    layer = REGISTRY[name].from_config(arguments)
    if frozen:
        layer.frozen = True
    return layer
