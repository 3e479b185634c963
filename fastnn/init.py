"""Initialisers of weights.

An initialiser is a function ``f(shape, fans, seed, step) -> float64 array``: `fans` are the inputs and outputs of one
unit, `seed` and `step` say which part of the random stream is the array's own. `get` finds one by name; the functions
that take options return one: ``Dense(10, init=fastnn.init.normal(0.1))``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastnn import random
from fastnn.checks import number
from fastnn.random import Purpose

Shape = tuple[int, ...]
Initializer = Callable[[Shape, tuple[int, int], int, int], NDArray[np.float64]]

# standard deviation of a unit normal cut at +-2, which truncated initialisers divide by
_TRUNCATED_STD = 0.87962566103423978


class _Named:
    """An initialiser that knows the text that `get` makes it from."""

    def __init__(self, name: str, draw: Initializer) -> None:
        self.name, self._draw = name, draw

    def __call__(self, shape: Shape, fans: tuple[int, int], seed: int, step: int) -> NDArray[np.float64]:
        return self._draw(shape, fans, seed, step)

    def __repr__(self) -> str:
        return f"fastnn.init.get({self.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return get, (self.name,)


_CUSTOM = "custom:"  # begins the name of a user's function, which no text can bring back


def zeros() -> Initializer:
    """All zero."""
    return _Named("zeros", lambda shape, fans, seed, step: np.zeros(shape))


def ones() -> Initializer:
    """All one."""
    return _Named("ones", lambda shape, fans, seed, step: np.ones(shape))


def normal(std: float = 1.0) -> Initializer:
    """Normal with mean 0 and standard deviation `std`."""
    std = number("normal", "std", std, at_least=0)
    return _Named(
        f"normal({std!r})", lambda shape, fans, seed, step: std * random.normal(seed, Purpose.INIT, step, shape)
    )


def uniform(low: float = -1.0, high: float = 1.0) -> Initializer:
    """Uniform on [low, high)."""
    low = number("uniform", "low", low)
    high = number("uniform", "high", high, at_least=low)
    return _Named(
        f"uniform({low!r}, {high!r})",
        lambda shape, fans, seed, step: low + (high - low) * random.uniform(seed, Purpose.INIT, step, shape),
    )


def _scaled_normal(name: str, std: Callable[[int, int], float]) -> Initializer:
    return _Named(
        name,
        lambda shape, fans, seed, step: std(*fans) * random.normal(seed, Purpose.INIT, step, shape),
    )


def _scaled_uniform(name: str, bound: Callable[[int, int], float]) -> Initializer:
    return _Named(
        name,
        lambda shape, fans, seed, step: bound(*fans) * (2 * random.uniform(seed, Purpose.INIT, step, shape) - 1),
    )


def glorot_normal() -> Initializer:
    """Normal with variance 2 / (inputs + outputs) (Glorot & Bengio 2010; also called Xavier)."""
    return _scaled_normal("glorot_normal", lambda i, o: math.sqrt(2 / (i + o)))


def glorot_uniform() -> Initializer:
    """Uniform with variance 2 / (inputs + outputs), so on +-sqrt(6 / (inputs + outputs)) (Glorot & Bengio 2010)."""
    return _scaled_uniform("glorot_uniform", lambda i, o: math.sqrt(6 / (i + o)))


def glorot_truncated_normal() -> Initializer:
    """Normal cut at two standard deviations, with variance 2 / (inputs + outputs) after the cut."""
    return _Named(
        "glorot_truncated_normal",
        lambda shape, fans, seed, step: (
            math.sqrt(2 / sum(fans)) / _TRUNCATED_STD * random.truncated_normal(seed, Purpose.INIT, step, shape)
        ),
    )


def he_normal() -> Initializer:
    """Normal with variance 2 / inputs (He et al. 2015), made for ReLU."""
    return _scaled_normal("he_normal", lambda i, o: math.sqrt(2 / i))


def he_uniform() -> Initializer:
    """Uniform with variance 2 / inputs (He et al. 2015)."""
    return _scaled_uniform("he_uniform", lambda i, o: math.sqrt(6 / i))


def fan_in_uniform() -> Initializer:
    """Uniform on +-1 / sqrt(inputs), for weights and biases (the default of several frameworks)."""
    return _scaled_uniform("fan_in_uniform", lambda i, o: 1 / math.sqrt(i))


_MAKERS: dict[str, Callable[..., Initializer]] = {
    f.__name__: f
    for f in (
        zeros,
        ones,
        normal,
        uniform,
        glorot_normal,
        glorot_uniform,
        glorot_truncated_normal,
        he_normal,
        he_uniform,
        fan_in_uniform,
    )
} | {
    "xavier_normal": glorot_normal,
    "xavier_uniform": glorot_uniform,
    "xavier_truncated_normal": glorot_truncated_normal,
}


def get(initializer: str | Initializer) -> Initializer:
    """The initialiser of that name; a callable comes back as it is.

    Parameters
    ----------
    initializer : str or callable
        A name (``"he_normal"``), a name with numbers (``"normal(0.1)"``, ``"uniform(0, 1)"``), a function of this
        module or a function ``f(shape, fans, seed, step) -> array``.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> import fastnn
    >>> w = fastnn.init.get("glorot_uniform")((3, 2), (3, 2), seed=0, step=0)
    >>> bool(abs(w).max() <= (6 / 5) ** 0.5)
    True
    """
    if isinstance(initializer, str) and initializer.startswith(_CUSTOM):
        return _lost(initializer)
    maker = next((m for m in _MAKERS.values() if m is cast(object, initializer)), None)
    if maker is not None:
        return maker()
    if callable(initializer):
        return initializer
    match = re.fullmatch(r"(\w+)(?:\(([^()]*)\))?", initializer) if isinstance(initializer, str) else None
    if match is None or match[1] not in _MAKERS:
        raise ValueError(f"init: expected one of {', '.join(_MAKERS)} or a function, got {initializer!r}")
    try:
        return _MAKERS[match[1]](*(float(a) for a in (match[2] or "").split(",") if a.strip()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"init: cannot make {initializer!r} ({error})") from None


def _lost(name: str) -> Initializer:
    """What stands for a user's function in a model that was read from a file."""

    def draw(shape: Shape, fans: tuple[int, int], seed: int, step: int) -> NDArray[np.float64]:
        raise ValueError(f"init: {name.removeprefix(_CUSTOM)} was a function, which a model's file does not hold")

    return _Named(name, draw)


def name_of(initializer: Initializer) -> str:
    """Text that `get` understands; for a function of the user's own, what it was called."""
    if isinstance(initializer, _Named):
        return initializer.name
    return _CUSTOM + getattr(initializer, "__name__", type(initializer).__name__)


def draw(initializer: Initializer, shape: Shape, fans: tuple[int, int], seed: int, step: int) -> NDArray[Any]:
    """Run an initialiser and check what it returns."""
    values = np.asarray(initializer(shape, fans, seed, step))
    if values.shape != shape:
        raise ValueError(f"init: {name_of(initializer)} made shape {values.shape}, expected {shape}")
    return values
