"""Fully connected networks: ``mlp:784-200-10``."""

from __future__ import annotations

from fastnn.architecture.words import LINEAR, activation_layer, checked_activation, known_activations, size
from fastnn.init import Initializer
from fastnn.layers import Dense, Layer

_SHAPE = "expected mlp:INPUTS-HIDDEN-...-OUTPUTS such as mlp:784-200-10"


def layers_of(text: str, activation: str, init: str | Initializer) -> tuple[int, list[Layer]]:
    """Return the number of inputs and the layers that the string describes.

    Raises
    ------
    ValueError
        If the string is malformed.
    """
    inputs, units = _units_of(text, activation)
    layers: list[Layer] = []
    for count, name in units:
        layers.append(Dense(count, init=init))
        if (activation_of := activation_layer(name)) is not None:
            layers.append(activation_of())
    return inputs, layers


def _units_of(text: str, activation: str) -> tuple[int, list[tuple[int, str]]]:
    """Return the number of inputs, and the units and the activation of each dense layer."""
    checked_activation(activation)
    body = "".join(text.split()).lower().partition(":")[2]
    found: list[tuple[int, str | None]] = []
    tokens = body.split("-")
    if "" in tokens:
        raise ValueError(f"architecture: {text!r} has nothing next to a '-' or the colon; {_SHAPE}")
    for position, token in enumerate(tokens):
        if token.isascii() and token.isdigit():
            found.append((size(token, text), None))
        elif token != LINEAR and activation_layer(token) is None:
            raise ValueError(
                f"architecture: unknown layer {token!r} in {text!r}; expected a number of units, or one of "
                f"{known_activations()}"
            )
        elif len(found) < 2 or found[-1][1] is not None or position == len(tokens) - 1:
            raise ValueError(f"architecture: {token!r} in {text!r} must follow the units of a hidden layer; {_SHAPE}")
        else:
            found[-1] = (found[-1][0], token)
    if len(found) < 2:
        raise ValueError(f"architecture: {text!r} has no outputs; {_SHAPE}")
    (inputs, _), *hidden, (outputs, _) = found
    return inputs, [*((count, name or activation) for count, name in hidden), (outputs, LINEAR)]
