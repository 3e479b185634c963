"""The arrays of a model that a description declares, known before there is memory for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.layers import chain
from fastnn.layers.base import Shape
from fastnn.layers.description import described
from fastnn.model import checks


def declared(config: Mapping[str, Any]) -> dict[str, Shape]:
    """The names and shapes of the parameters and the state of a configuration, in their order.

    Parameters
    ----------
    config : dict
        As `Sequential.config` returns it.

    Raises
    ------
    ValueError, TypeError
        If it names a layer or an argument that does not exist, or layers that do not fit each other.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.model.declared import declared
    >>> declared(fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,)).config())
    {'dense1.w': (3, 2), 'dense1.b': (2,)}
    """
    layers = [described(entry) for entry in config["layers"]]
    chain.build(layers, checks.input_shape(config["input_shape"]))
    arrays: list[tuple[str, Shape]] = []
    for layer in layers:
        arrays += [(f"{layer.name}.{p.name}", p.shape) for p in layer.parameters]
        arrays += [(f"{layer.name}.{s.name}", s.shape) for s in layer.state]
    return dict(arrays)
