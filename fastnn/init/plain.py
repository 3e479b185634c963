"""Initialisers whose distribution does not depend on the number of inputs and outputs of a unit."""

from __future__ import annotations

import numpy as np

from fastnn import random
from fastnn.checks import number
from fastnn.init.base import Initializer, NamedInitializer, maker
from fastnn.random import Purpose


@maker()
def zeros() -> Initializer:
    """All values are 0.

    Returns
    -------
    callable
        The initialiser.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.init.zeros()((2,), (3, 2), seed=0, step=0)
    array([0., 0.])
    """
    return NamedInitializer("zeros", lambda shape, fans, seed, step: np.zeros(shape))


@maker()
def ones() -> Initializer:
    """All values are 1.

    Returns
    -------
    callable
        The initialiser.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.init.ones()((2,), (3, 2), seed=0, step=0)
    array([1., 1.])
    """
    return NamedInitializer("ones", lambda shape, fans, seed, step: np.ones(shape))


@maker()
def constant(value: float) -> Initializer:
    """All values are the same number.

    Parameters
    ----------
    value : float
        Finite.

    Returns
    -------
    callable
        The initialiser.

    Raises
    ------
    TypeError, ValueError
        If value is not a finite number.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.init.get("constant(0.25)")((2,), (3, 2), seed=0, step=0)
    array([0.25, 0.25])
    """
    value = number("constant", "value", value)
    return NamedInitializer(f"constant({value!r})", lambda shape, fans, seed, step: np.full(shape, value))


@maker()
def normal(std: float = 1.0) -> Initializer:
    """Normal distribution with mean 0.

    Parameters
    ----------
    std : float
        The standard deviation, at least 0.

    Returns
    -------
    callable
        The initialiser.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.normal(0.1)((1000,), (1, 1), seed=0, step=0)
    >>> bool(0.09 < values.std() < 0.11)
    True
    """
    std = number("normal", "std", std, at_least=0)
    return NamedInitializer(
        f"normal({std!r})", lambda shape, fans, seed, step: std * random.normal(seed, Purpose.INIT, step, shape)
    )


@maker()
def uniform(low: float = -1.0, high: float = 1.0) -> Initializer:
    """Uniform distribution on [low, high).

    Parameters
    ----------
    low, high : float
        Finite, with high at least low.

    Returns
    -------
    callable
        The initialiser.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.uniform(2, 3)((1000,), (1, 1), seed=0, step=0)
    >>> bool(2 <= values.min() < values.max() < 3)
    True
    """
    low = number("uniform", "low", low)
    high = number("uniform", "high", high, at_least=low)
    return NamedInitializer(
        f"uniform({low!r}, {high!r})",
        lambda shape, fans, seed, step: low + (high - low) * random.uniform(seed, Purpose.INIT, step, shape),
    )
