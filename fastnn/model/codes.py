"""Codes among the inputs, in whose place layers look up rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.kernels.reference.embedding import WRONG, codes_of
from fastnn.model.network import Network


def what_is_no_code(model: Network, inputs: Any) -> tuple[int, str] | None:
    """What samples hold in a column of codes, which the first layer looks up, in place of a code.

    Parameters
    ----------
    model : Network
    inputs : (N, …) array

    Returns
    -------
    (int, str) or None
        Of the first such column the first sample, and what was expected and got, for an error's message.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> from fastnn.model.codes import what_is_no_code
    >>> model = fastnn.Sequential([fastnn.layers.Embedding(10, 2)], input_shape=(3,))
    >>> what_is_no_code(model, np.array([[4, 9, -1]]))
    >>> what_is_no_code(model, np.array([[4, 9, -1], [4, 12, 4]]))
    (1, 'whole numbers from 0 to 9 (-1 for none of them) in column 1, which embedding1 looks up, got 12')
    """
    for column, count in model.layers[0].codes.items() if model.layers else ():
        values = inputs.reshape(len(inputs), -1)[:, column]
        wrong = codes_of(values, count) == WRONG
        if wrong.any():
            row = int(np.argmax(wrong))
            expected = f"whole numbers from 0 to {count - 1} (-1 for none of them) in column {column}"
            return row, f"{expected}, which {model.layers[0].name} looks up, got {values[row]:g}"
    return None
