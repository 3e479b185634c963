"""The arrays of a model by name, into which values are written."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import real_array
from fastnn.named import suggestion

Array = NDArray[Any]


class ArraysByName(dict[str, Array]):
    """Views into the arrays of a model; what is assigned to a name is written into its view.

    A view that took the place of another one would leave the model as it is.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,))
    >>> model.parameters["dense1.b"] = [0.5, -0.5]
    >>> model.params[-2:]
    array([ 0.5, -0.5], dtype=float32)
    """

    def __setitem__(self, name: str, values: Any) -> None:
        write_values(f"Sequential: {name}", self[name], values)

    def __missing__(self, name: object) -> NoReturn:
        raise KeyError(f"Sequential: expected one of {', '.join(self)}, got {name!r}{suggestion(name, self)}")


def write_values(what: str, into: Array, values: Any) -> None:
    """Write values into an array of the same shape.

    Parameters
    ----------
    what : str
        The beginning of the message of an error.
    into : array
    values : array_like

    Raises
    ------
    ValueError, TypeError
        If the values are not real numbers in that shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.model.arrays import write_values
    >>> write_values("f", np.zeros(2), [1, 2, 3])
    Traceback (most recent call last):
    ValueError: f: values must have shape (2,), got (3,)
    """
    given = real_array(what, "values", values)
    if given.shape != into.shape:
        raise ValueError(f"{what}: values must have shape {into.shape}, got {given.shape}")
    into[...] = np.asarray(given, into.dtype)
