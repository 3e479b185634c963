"""The arrays of a layer: parameters, which are trained by gradient, and state, which follows the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnn.init import Initializer


@dataclass
class Parameter:
    """One trained array of a layer; `value` and `grad` are views into the model's flat vectors."""

    name: str  # within the layer: "w", "b"
    shape: tuple[int, ...]
    initializer: Initializer
    fans: tuple[int, int] = (1, 1)  # inputs and outputs of one unit, for the initialiser
    decays: bool = True  # whether weight decay applies to it
    value: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    grad: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    l1: float = 0.0  # l1 Σ|w| + l2 Σ w² / 2 is added to the loss
    l2: float = 0.0
    offset: int = 0  # index of its first element in the flat vectors

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def view(self, flat: NDArray[Any]) -> NDArray[Any]:
        """The parameter's part of a vector that is laid out like that of the model's parameters."""
        return flat[self.offset : self.offset + self.size].reshape(self.shape)


@dataclass
class State:
    """One array of a layer that has no gradient but is saved with the model, such as running statistics."""

    name: str  # within the layer: "running_mean"
    shape: tuple[int, ...]
    initial: float  # the value that every element starts with
    value: NDArray[Any] = field(default_factory=lambda: np.empty(0))

    def reset(self, dtype: DTypeLike) -> None:
        """Give it a new array with the initial values."""
        self.value = np.full(self.shape, self.initial, dtype)


def penalties(l1: float, l2: float) -> dict[str, float]:
    """The penalties other than 0 by name, as a layer's configuration holds them."""
    return {name: value for name, value in (("l1", l1), ("l2", l2)) if value}
