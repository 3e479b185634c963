"""What an initialiser is, and how it is found by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from fastnn.named import suggestion

Shape = tuple[int, ...]
Initializer = Callable[[Shape, tuple[int, int], int, int], NDArray[np.float64]]
Maker = TypeVar("Maker", bound=Callable[..., Initializer])

MAKERS: dict[str, Callable[..., Initializer]] = {}  # the functions that make initialisers, by their names

_CUSTOM = "custom:"  # begins the name of a user's function, which cannot be made from text


def maker(*other_names: str) -> Callable[[Maker], Maker]:
    """Let `get` find the decorated function by its name, and by other names."""

    def enter(function: Maker) -> Maker:
        MAKERS.update(dict.fromkeys((function.__name__, *other_names), function))
        return function

    return enter


class NamedInitializer:
    """An initialiser that knows the text from which `get` makes it, and draws for many seeds at once.

    Parameters
    ----------
    name : str
    draw : callable
        ``f(shape, fans, seed, step)``: an array of that shape, and of K seeds (K, *shape), or one for all of them.
    """

    def __init__(self, name: str, draw: Callable[[Shape, tuple[int, int], Any, int], NDArray[np.float64]]) -> None:
        self.name, self._draw = name, draw

    def __call__(self, shape: Shape, fans: tuple[int, int], seed: int, step: int) -> NDArray[np.float64]:
        return self._draw(shape, fans, seed, step)

    def of_seeds(self, shape: Shape, fans: tuple[int, int], seeds: Sequence[int], step: int) -> NDArray[np.float64]:
        """The values for each of K seeds (K, *shape), which may be a view."""
        return np.broadcast_to(self._draw(shape, fans, seeds, step), (len(seeds), *shape))

    def __repr__(self) -> str:
        return f"fastnn.init.get({self.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return get, (self.name,)


def get(initializer: str | Initializer) -> Initializer:
    """The initialiser of a name; a callable is returned as it is.

    Parameters
    ----------
    initializer : str or callable
        A name (``"he_normal"``), a name with numbers (``"normal(0.1)"``, ``"uniform(0, 1)"``), a function of this
        module, or a function ``f(shape, fans, seed, step) -> array``.

    Returns
    -------
    callable
        The initialiser.

    Raises
    ------
    ValueError
        If there is no initialiser of that name, or its numbers do not fit.

    Examples
    --------
    >>> import fastnn
    >>> w = fastnn.init.get("glorot_uniform")((3, 2), (3, 2), seed=0, step=0)
    >>> bool(abs(w).max() <= (6 / 5) ** 0.5)
    True
    """
    if isinstance(initializer, str):
        return _named(initializer)
    maker = next((m for m in MAKERS.values() if m is cast(object, initializer)), None)
    if maker is not None:
        return maker()
    if callable(initializer):
        return initializer
    raise ValueError(f"init: expected one of {', '.join(MAKERS)} or a function, got {initializer!r}")


@lru_cache  # a model asks for the same few names at each of its layers
def _named(name: str) -> Initializer:
    if name.startswith(_CUSTOM):
        return _lost(name)
    match = re.fullmatch(r"(\w+)(?:\(([^()]*)\))?", name)
    if match is None or match[1] not in MAKERS:
        known = f"{', '.join(MAKERS)} or a function"
        raise ValueError(f"init: expected one of {known}, got {name!r}{suggestion(name, MAKERS)}")
    try:
        return MAKERS[match[1]](*(float(a) for a in (match[2] or "").split(",") if a.strip()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"init: cannot make {name!r} ({error})") from None


def _lost(name: str) -> Initializer:
    """The stand-in for a user's function in a model that was read from a file."""

    def draw(shape: Shape, fans: tuple[int, int], seed: int, step: int) -> NDArray[np.float64]:
        raise ValueError(f"init: {name.removeprefix(_CUSTOM)} was a function, which is not saved in a model's file")

    return NamedInitializer(name, draw)


def name_of(initializer: Initializer) -> str:
    """The text from which `get` makes an initialiser.

    Parameters
    ----------
    initializer : callable

    Returns
    -------
    str
        For a function that a user wrote, its name with a mark that it cannot be made from text.

    Examples
    --------
    >>> from fastnn import init
    >>> init.name_of(init.normal(0.1))
    'normal(0.1)'
    """
    if isinstance(initializer, NamedInitializer):
        return initializer.name
    return _CUSTOM + getattr(initializer, "__name__", type(initializer).__name__)


def draw(initializer: Initializer, shape: Shape, fans: tuple[int, int], seed: int, step: int) -> NDArray[Any]:
    """Run an initialiser and check the shape of what it returns.

    Parameters
    ----------
    initializer : callable
    shape : tuple of int
        Of the parameter.
    fans : pair of int
        The numbers of inputs and outputs of one unit.
    seed, step : int
        The part of the random stream.

    Returns
    -------
    array of that shape

    Raises
    ------
    ValueError
        If the initialiser returns another shape.

    Examples
    --------
    >>> from fastnn import init
    >>> init.draw(init.ones(), (2,), (1, 1), 0, 0)
    array([1., 1.])
    """
    values = np.asarray(initializer(shape, fans, seed, step))
    if values.shape != shape:
        raise ValueError(f"init: {name_of(initializer)} made shape {values.shape}, expected {shape}")
    return values


def draw_many(
    initializer: Initializer, shape: Shape, fans: tuple[int, int], seeds: Sequence[int], step: int
) -> NDArray[Any]:
    """What `draw` makes for each of K seeds (K, *shape), which may be a view."""
    if isinstance(initializer, NamedInitializer):
        return initializer.of_seeds(shape, fans, seeds, step)
    return np.array([draw(initializer, shape, fans, seed, step) for seed in seeds]).reshape(len(seeds), *shape)
