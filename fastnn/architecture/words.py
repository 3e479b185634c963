"""The words of architecture strings, which the classes of `fastnn.layers` define."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator

from fastnn.checks import whole
from fastnn.init import Initializer
from fastnn.kernels import custom
from fastnn.layers import REGISTRY, Layer
from fastnn.layers.custom_elementwise import own_layer

ACTIVATIONS: dict[str, type[Layer]] = {layer.kind: layer for layer in REGISTRY.values() if layer.elementwise}
LINEAR = "linear"
MAX_UNITS = 2**24

_WORD = re.compile(r"(?P<name>[a-z_]*)(?P<numbers>[0-9]*\.?[0-9]+(x[0-9]+)*)?(/(?P<stride>[0-9]+))?(p(?P<pad>[0-9]+))?")


def activation_layer(name: str) -> Callable[[], Layer] | None:
    """What makes the layer of an activation, built in or of the user's own; None if there is none of that name."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    return own_layer(name)


def known_activations() -> str:
    """List the names of the activations, joined by commas."""
    return ", ".join((*ACTIVATIONS, *custom.names("activation"), *custom.names("layer"), LINEAR))


def checked_activation(name: str) -> str:
    """Return `name` if an activation has that name.

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    if name != LINEAR and activation_layer(name) is None:
        raise ValueError(f"architecture: unknown activation {name!r}; expected one of {known_activations()}")
    return name


def size(digits: str, text: str, least: int = 1) -> int:
    """Convert a number in the architecture string `text`.

    Raises
    ------
    ValueError
        If it is below `least` or above `MAX_UNITS`.
    """
    value = int(digits[:12])  # a number with more digits is too large in any case
    return whole("architecture", f"{digits:.40} in {text!r}", value, at_least=least, at_most=MAX_UNITS)


def layer_of(word: str, text: str, init: str | Initializer) -> Layer | None:
    """Return the layer that a word of the architecture string `text` stands for, or None if the word is unknown.

    A word is a name, numbers joined by ``x``, optionally ``/`` and a stride, and optionally ``p`` and a padding:
    "32x3/2p1". The name is the `kind` of a class of layers, whose constructor receives the numbers, or one of its
    `words`.

    Raises
    ------
    ValueError
        If the numbers do not fit the layer.
    """
    match = _WORD.fullmatch(word)
    numbers = match["numbers"].split("x") if match and match["numbers"] else []
    layer = next(
        (cls for name, count, cls in _names() if match and name == match["name"] and _fits(count, numbers)), None
    )
    if layer is None and (own := own_layer(word)) is not None:
        return own()
    if match is None or layer is None:
        return None
    options = {name: size(match[name], text, 0) for name in ("stride", "pad") if match[name]}
    given = [float(number) if "." in number else size(number, text, 0) for number in numbers]
    signature = inspect.signature(layer)
    try:
        signature.bind(*given, **options)
        return layer.from_word(*given, **options, **({"init": init} if "init" in signature.parameters else {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"architecture: {word!r} in {text!r}: {error}") from None


def _names() -> Iterator[tuple[str, int | None, type[Layer]]]:
    """Yield each name, the number of numbers after it (None if the constructor decides), and the class."""
    for layer in REGISTRY.values():
        yield layer.kind, None, layer
        for name, count in layer.words.items():
            yield name, count, layer


def _fits(count: int | None, numbers: list[str]) -> bool:
    return count is None or count == len(numbers)
