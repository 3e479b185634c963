"""The arrays of a model by name, into which values are written."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import real_array
from fastnn.named import suggestion

Array = NDArray[Any]


class ArraysByName(dict[str, Array]):
    """Views into the arrays of a model; what is assigned to a name, or given to `update`, is written into its view.

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
        self.update({name: values})

    def __ior__(self, others: Any) -> Self:  # type: ignore[override, misc]
        self.update(others)
        return self

    def update(self, *others: Any, **named: Any) -> None:
        """Write the values of several names, or none of them if one does not fit."""
        given = dict(*others, **named)
        fitting = {name: values_for(f"Sequential: {name}", self[name], values) for name, values in given.items()}
        for name, values in fitting.items():
            self[name][...] = values

    def __missing__(self, name: object) -> NoReturn:
        raise KeyError(f"Sequential: expected one of {', '.join(self)}, got {name!r}{suggestion(name, self)}")


def values_for(what: str, into: Array, values: Any) -> Array:
    """Values that can be written into an array: a copy of them in its dtype.

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
    >>> from fastnn.model.arrays import values_for
    >>> values_for("f", np.zeros(2), [1, 2, 3])
    Traceback (most recent call last):
    ValueError: f: values must have shape (2,), got (3,)
    """
    given = real_array(what, "values", values)
    if given.shape != into.shape:
        raise ValueError(f"{what}: values must have shape {into.shape}, got {given.shape}")
    return np.array(given, into.dtype)
