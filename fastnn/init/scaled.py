"""Initialisers whose variance follows from the number of inputs and outputs of a unit."""

from __future__ import annotations

import math
from collections.abc import Callable

from fastnn import random
from fastnn.init.base import Initializer, NamedInitializer, maker
from fastnn.random import Purpose

# Standard deviation of a normal distribution with variance 1 that is cut at ±2; truncated initialisers divide by it.
_TRUNCATED_STD = 0.87962566103423978


def _scaled_normal(name: str, std: Callable[[int, int], float]) -> Initializer:
    return NamedInitializer(
        name,
        lambda shape, fans, seed, step: std(*fans) * random.normal(seed, Purpose.INIT, step, shape),
    )


def _scaled_uniform(name: str, bound: Callable[[int, int], float]) -> Initializer:
    return NamedInitializer(
        name,
        lambda shape, fans, seed, step: bound(*fans) * (2 * random.uniform(seed, Purpose.INIT, step, shape) - 1),
    )


@maker("xavier_normal")
def glorot_normal() -> Initializer:
    """Normal distribution with mean 0 and variance 2 / (inputs + outputs).

    Returns
    -------
    callable
        The initialiser.

    Notes
    -----
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; also called
    Xavier initialisation.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.glorot_normal()((1000,), (600, 200), seed=0, step=0)
    >>> bool(0.045 < values.std() < 0.055)
    True
    """
    return _scaled_normal("glorot_normal", lambda i, o: math.sqrt(2 / (i + o)))


@maker("xavier_uniform")
def glorot_uniform() -> Initializer:
    """Uniform distribution on ±√(6 / (inputs + outputs)), whose variance is 2 / (inputs + outputs).

    Returns
    -------
    callable
        The initialiser.

    Notes
    -----
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; also called
    Xavier initialisation.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.glorot_uniform()((1000,), (600, 200), seed=0, step=0)
    >>> bool(abs(values).max() <= (6 / 800) ** 0.5)
    True
    """
    return _scaled_uniform("glorot_uniform", lambda i, o: math.sqrt(6 / (i + o)))


@maker("xavier_truncated_normal")
def glorot_truncated_normal() -> Initializer:
    """Normal distribution that is cut at two standard deviations, with variance 2 / (inputs + outputs) after the cut.

    Returns
    -------
    callable
        The initialiser.

    Notes
    -----
    The variance is that of `glorot_normal`; no value is larger than 2 / 0.8796 of its square root.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.glorot_truncated_normal()((1000,), (600, 200), seed=0, step=0)
    >>> bool(abs(values).max() <= 2 / 0.8796 * (2 / 800) ** 0.5)
    True
    """
    return NamedInitializer(
        "glorot_truncated_normal",
        lambda shape, fans, seed, step: (
            math.sqrt(2 / sum(fans)) / _TRUNCATED_STD * random.truncated_normal(seed, Purpose.INIT, step, shape)
        ),
    )


@maker()
def he_normal() -> Initializer:
    """Normal distribution with mean 0 and variance 2 / inputs, derived for ReLU.

    Returns
    -------
    callable
        The initialiser.

    Notes
    -----
    He, Zhang, Ren & Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", 2015.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.he_normal()((1000,), (600, 200), seed=0, step=0)
    >>> bool(0.052 < values.std() < 0.063)
    True
    """
    return _scaled_normal("he_normal", lambda i, o: math.sqrt(2 / i))


@maker()
def he_uniform() -> Initializer:
    """Uniform distribution on ±√(6 / inputs), whose variance is 2 / inputs, derived for ReLU.

    Returns
    -------
    callable
        The initialiser.

    Notes
    -----
    He, Zhang, Ren & Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", 2015.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.he_uniform()((1000,), (600, 200), seed=0, step=0)
    >>> bool(abs(values).max() <= 0.1)
    True
    """
    return _scaled_uniform("he_uniform", lambda i, o: math.sqrt(6 / i))


@maker()
def fan_in_uniform() -> Initializer:
    """Uniform distribution on ±1 / √inputs, for weights and biases.

    Returns
    -------
    callable
        The initialiser.

    Notes
    -----
    Several frameworks use it by default for dense and convolutional layers.

    Examples
    --------
    >>> import fastnn
    >>> values = fastnn.init.fan_in_uniform()((1000,), (600, 200), seed=0, step=0)
    >>> bool(abs(values).max() <= 600**-0.5)
    True
    """
    return _scaled_uniform("fan_in_uniform", lambda i, o: 1 / math.sqrt(i))
