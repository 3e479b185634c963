"""Finite differences of functions of one array, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import number

Float64: TypeAlias = NDArray[np.float64]

# A generous bound of the rounding error of an output, in units in the last place.
_ROUNDINGS = 8


def default_step(x: ArrayLike) -> Float64:
    """The step for central differences, ``eps**(1/3) * max(1, abs(x))``.

    Parameters
    ----------
    x : array_like, real
        Where the differences are computed.

    Returns
    -------
    ndarray of float64, shape of x
        The step for each entry, at least 6.06e-6.

    Raises
    ------
    TypeError, ValueError
        If x is not real.

    Notes
    -----
    The error of a central difference is about h**2 f'''/6 + eps f/h. If derivatives are of order one, it is smallest
    near h = eps**(1/3), where both terms are about 4e-11.

    Examples
    --------
    >>> from fastnn.gradcheck import default_step
    >>> default_step([0.5, 100.0])
    array([6.05545445e-06, 6.05545445e-04])
    """
    step: Float64 = np.cbrt(np.finfo(np.float64).eps) * np.maximum(1.0, np.abs(np.asarray(x, np.float64)))
    return step


def numerical_gradient(
    f: Callable[[Float64], Any], x: ArrayLike, *, h: ArrayLike | None = None, central: bool = True
) -> Float64:
    """Gradient of a scalar function by finite differences.

    Parameters
    ----------
    f : callable
        ``f(x) -> number``. It gets a new float64 copy of `x` at every call.
    x : array_like, real
        Where the gradient is computed; it is not written to.
    h : float or array that broadcasts to x, optional
        The step; default: :func:`default_step`.
    central : bool, default True
        Use ``(f(x + h) - f(x - h)) / 2h``; if False, ``(f(x + h) - f(x)) / h``.

    Returns
    -------
    ndarray of float64, shape of x
        The estimate of df/dx.

    Raises
    ------
    TypeError
        If `x` is not real.
    ValueError
        If `f` returns more than one number, or `h` is not positive, finite and large enough to
        change x.

    Notes
    -----
    The difference is divided by the distance between the two points after rounding, not by the given step.

    Examples
    --------
    >>> from fastnn.gradcheck import numerical_gradient
    >>> numerical_gradient(lambda x: (x**2).sum(), [1.0, 2.0]).round(8)
    array([2., 4.])
    """

    def scalar(point: Float64) -> Float64:
        value = np.asarray(f(point), np.float64)
        if value.size != 1:
            raise ValueError(
                f"numerical_gradient: f must return one number, got shape {value.shape} "
                "(numerical_gradient_array takes functions with many outputs)"
            )
        return value.reshape(())

    return _gradient("numerical_gradient", scalar, x, np.float64(1.0), h, central)


def numerical_gradient_array(
    f: Callable[[Float64], Any],
    x: ArrayLike,
    dout: ArrayLike,
    *,
    h: ArrayLike | None = None,
    central: bool = True,
) -> Float64:
    """Gradient of ``sum(f(x) * dout)`` by finite differences, which ``backward(dout)`` should return.

    Parameters
    ----------
    f : callable
        ``f(x) -> array``. It gets a new float64 copy of `x` at every call.
    x : array_like, real
        Where the gradient is computed; it is not written to.
    dout : array_like, real, shape of f(x)
        The cotangent, which is the gradient of some loss with respect to the output.
    h : float or array that broadcasts to x, optional
        The step; default: :func:`default_step`.
    central : bool, default True
        Use central differences; if False, forward differences.

    Returns
    -------
    ndarray of float64, shape of x
        The estimate of the vector-Jacobian product.

    Raises
    ------
    TypeError
        If `x` is not real.
    ValueError
        If `f(x)` does not have the shape of `dout`, or `h` is not positive, finite and large enough to
        change x.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.gradcheck import numerical_gradient_array
    >>> numerical_gradient_array(np.square, [1.0, 2.0], [10.0, 1.0]).round(6)
    array([20.,  4.])
    """
    cotangent = np.asarray(dout, np.float64)

    def same_shape(point: Float64) -> Float64:
        value = np.asarray(f(point), np.float64)
        if value.shape != cotangent.shape:
            raise ValueError(
                f"numerical_gradient_array: dout must have the shape of f(x), {value.shape}, got {cotangent.shape}"
            )
        return value

    return _gradient("numerical_gradient_array", same_shape, x, cotangent, h, central)


def step_around(x: ArrayLike, kinks: Sequence[float] = (0.0,), distance: float = 1e-3) -> Float64:
    """Move entries away from kinks, near which no finite difference can be right.

    Parameters
    ----------
    x : array_like, real
        Inputs of a function such as ReLU; they are not written to.
    kinks : sequence of float, default (0.0,)
        Where the function has no derivative, such as (-0.5, 0.5) for softshrink.
    distance : float, default 1e-3
        Entries closer to a kink than this are moved to this distance, on the same side; entries on the kink itself
        are moved up. It should be well above the step of the differences.

    Returns
    -------
    ndarray of float64, shape of x
        A copy in which no entry is closer to a kink than `distance`.

    Raises
    ------
    ValueError
        If `distance` is not positive and finite, or two kinks are closer than twice the distance.

    Examples
    --------
    >>> from fastnn.gradcheck import step_around
    >>> step_around([-0.5, -1e-9, 0.0, 2.0], distance=0.01)
    array([-0.5 , -0.01,  0.01,  2.  ])
    """
    distance = number("step_around", "distance", distance, above=0)
    ordered = np.sort(np.asarray(kinks, np.float64))
    if (np.diff(ordered) < 2 * distance).any():
        raise ValueError(f"step_around: kinks must be at least twice the distance {distance} apart, got {list(kinks)}")
    moved = np.array(x, np.float64)
    for kink in ordered:
        below = (moved < kink) & (moved > kink - distance)
        above = (moved >= kink) & (moved < kink + distance)
        moved[below] = kink - distance
        moved[above] = kink + distance
    return moved


class Quotient(NamedTuple):
    """A difference quotient, and a bound of its rounding error."""

    value: float
    rounding: float


def difference(
    f: Callable[[Float64], Float64],
    x: Float64,
    index: tuple[int, ...],
    h: float,
    dout: Float64 | np.float64,
    *,
    central: bool = True,
) -> Quotient:
    """Return the difference quotient of ``sum(f(x) * dout)`` along one entry of x.

    It is NaN if `h` is lost in the rounding of x.
    """
    above, below = x.copy(), x.copy()
    above[index] += h
    if central:
        below[index] -= h
    distance = float(above[index] - below[index])  # before f, which may write into its argument
    if distance == 0:
        return Quotient(math.nan, math.inf)
    # The copy is for functions that return the same buffer every time.
    there = f(above).copy()
    # Outputs are subtracted before they are summed, so that large ones that do not change cancel exactly.
    rise = there - f(below)
    sizes = np.abs(there * dout)
    # If nothing changed, an output may have changed by less than its last digit.
    moved = np.sum(sizes, where=rise != 0) or np.max(sizes, initial=0.0)
    rounding = _ROUNDINGS * np.finfo(np.float64).eps * moved / distance
    return Quotient(float(np.sum(rise * dout)) / distance, float(rounding))


def _gradient(
    function: str,
    f: Callable[[Float64], Float64],
    x: ArrayLike,
    dout: Float64 | np.float64,
    h: ArrayLike | None,
    central: bool,
) -> Float64:
    given: NDArray[Any] = np.asarray(x)
    if given.dtype.kind not in "buif":
        raise TypeError(f"{function}: x must be real numbers, got dtype {given.dtype}")
    point = np.array(given, np.float64)
    steps = np.broadcast_to(default_step(point) if h is None else np.asarray(h, np.float64), point.shape)
    if not ((steps > 0) & np.isfinite(steps)).all():
        raise ValueError(f"{function}: h must be positive and finite, got {h!r}")
    if (point + steps == point).any():
        raise ValueError(f"{function}: h is lost in the rounding of x, got {h!r}")
    estimate = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        estimate[index] = difference(f, point, index, float(steps[index]), dout, central=central).value
    return estimate
