"""Codes among the inputs, in whose place layers look up rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.kernels.reference.embedding import WRONG, codes_of
from fastnn.model.network import Network


def what_is_no_code(model: Network, inputs: Any) -> str | None:
    """What samples hold in a column of codes, which the first layer looks up, in place of a code.

    Parameters
    ----------
    model : Network
    inputs : (N, …) array

    Returns
    -------
    str or None
        What was expected and got, of the first such column, as the end of an error's message.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> from fastnn.model.codes import what_is_no_code
    >>> model = fastnn.Sequential([fastnn.layers.Embedding(10, 2)], input_shape=(3,))
    >>> what_is_no_code(model, np.array([[4, 9, -1]]))
    >>> what_is_no_code(model, np.array([[4, 9, -1], [4, 12, 4]]))
    'whole numbers from 0 to 9 (-1 for none of them) in column 1, which embedding1 looks up, got 12 in sample 1'
    """
    for column, count in model.layers[0].codes.items() if model.layers else ():
        values = inputs.reshape(len(inputs), -1)[:, column]
        wrong = codes_of(values, count) == WRONG
        if wrong.any():
            row = int(np.argmax(wrong))
            return (
                f"whole numbers from 0 to {count - 1} (-1 for none of them) in column {column}, which "
                f"{model.layers[0].name} looks up, got {values[row]:g} in sample {row}"
            )
    return None
