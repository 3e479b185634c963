"""What the architecture strings share."""

from __future__ import annotations

from fastnn.layers import ELU, Layer, LeakyReLU, ReLU, Sigmoid, Softshrink, Tanh, Tanhshrink

ACTIVATIONS: dict[str, type[Layer]] = {
    layer.kind: layer for layer in (ReLU, LeakyReLU, ELU, Sigmoid, Tanh, Tanhshrink, Softshrink)
}
LINEAR = "linear"
MAX_UNITS = 2**24


def known_activations() -> str:
    """Their names, in a row."""
    return ", ".join((*ACTIVATIONS, LINEAR))


def checked_activation(name: str) -> str:
    """`name`, if there is such an activation.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in (*ACTIVATIONS, LINEAR):
        raise ValueError(f"architecture: unknown activation {name!r}; expected one of {known_activations()}")
    return name
