"""Models from a short string: ``mlp:784-200-10`` is 784 inputs, 200 hidden units, 10 classes."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import DTypeLike

from fastnn.init import Initializer
from fastnn.layers import (
    ELU,
    Dense,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softshrink,
    Tanh,
    Tanhshrink,
)
from fastnn.model import Sequential

ACTIVATIONS: dict[str, type[Layer]] = {
    layer.kind: layer for layer in (ReLU, LeakyReLU, ELU, Sigmoid, Tanh, Tanhshrink, Softshrink)
}
LINEAR = "linear"
_MAX_UNITS = 2**24
_SHAPE = "expected mlp:INPUTS-HIDDEN-...-OUTPUTS such as mlp:784-200-10"


def parse(
    text: str,
    *,
    activation: str = "relu",
    init: str | Initializer = "glorot_uniform",
    dtype: DTypeLike = "float32",
    seed: int = 0,
    input_scale: float = 1.0,
    class_names: Sequence[str] | None = None,
) -> Sequential:
    """Build the model that an architecture string describes.

    Parameters
    ----------
    text : str
        ``mlp:`` and then, joined by ``-``, the number of inputs, of units of each hidden layer and of
        outputs. A name of an activation behind a hidden layer's units is used there instead of `activation`:
        ``mlp:784-200-tanh-100-10``. Spaces and case do not matter.
    activation : str
        Behind every other hidden layer: a key of `ACTIVATIONS`, or "linear" for none.
    init : str or callable
        Initialiser of the weights, see `fastnn.init`; biases start at zero.
    dtype, seed, input_scale, class_names
        As for `Sequential`.

    Returns
    -------
    Sequential
        Dense layers with activations between them; the outputs are raw (logits).

    Raises
    ------
    ValueError
        If the string is malformed or names a layer that does not exist, or another argument does not fit.

    Examples
    --------
    >>> from fastnn.architecture import parse
    >>> [type(layer).__name__ for layer in parse("mlp:784-200-10").layers]
    ['Dense', 'ReLU', 'Dense']
    >>> parse("mlp:64-32-tanh-16-3", activation="elu").params.size
    2659
    """
    inputs, units = _layers(text, activation)
    layers: list[Layer] = []
    for size, name in units:
        layers.append(Dense(size, init=init))
        if name != LINEAR:
            layers.append(ACTIVATIONS[name]())
    return Sequential(
        layers,
        input_shape=(inputs,),
        dtype=dtype,
        seed=seed,
        input_scale=input_scale,
        class_names=class_names,
    )


def _layers(text: str, activation: str) -> tuple[int, list[tuple[int, str]]]:
    """Return the number of inputs, and units and activation of each dense layer."""
    if not isinstance(text, str):
        raise TypeError(f"architecture: must be a string, got {type(text).__name__}")
    if activation not in (*ACTIVATIONS, LINEAR):
        raise ValueError(f"architecture: unknown activation {activation!r}; expected one of {_known()}")
    kind, colon, body = "".join(text.split()).lower().partition(":")
    if not colon:
        raise ValueError(f"architecture: {text!r} has no colon; {_SHAPE}")
    if kind != "mlp":
        raise ValueError(f"architecture: unknown kind of network {kind!r} in {text!r}; {_SHAPE}")
    found: list[tuple[int, str | None]] = []
    tokens = body.split("-")
    if "" in tokens:
        raise ValueError(f"architecture: {text!r} has nothing beside a '-' or the colon; {_SHAPE}")
    for position, token in enumerate(tokens):
        if token.isascii() and token.isdigit():
            found.append((_units(token, text), None))
        elif token not in (*ACTIVATIONS, LINEAR):
            raise ValueError(
                f"architecture: unknown layer {token!r} in {text!r}; expected a number of units, or one of {_known()}"
            )
        elif len(found) < 2 or found[-1][1] is not None or position == len(tokens) - 1:
            raise ValueError(
                f"architecture: {token!r} in {text!r} must stand behind the units of a hidden layer; {_SHAPE}"
            )
        else:
            found[-1] = (found[-1][0], token)
    if len(found) < 2:
        raise ValueError(f"architecture: {text!r} has no outputs; {_SHAPE}")
    (inputs, _), *hidden, (outputs, _) = found
    return inputs, [*((size, name or activation) for size, name in hidden), (outputs, LINEAR)]


def _units(token: str, text: str) -> int:
    size = int(token) if len(token) < 12 else _MAX_UNITS + 1
    if not 1 <= size <= _MAX_UNITS:
        raise ValueError(f"architecture: {token} in {text!r} must be at least 1 and at most {_MAX_UNITS}")
    return size


def _known() -> str:
    return ", ".join((*ACTIVATIONS, LINEAR))
