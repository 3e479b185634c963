"""Outputs from which no class can be told."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.mapped import rows_of
from fastnn.model.codes import what_is_no_code
from fastnn.model.network import Network
from fastnn.model.sparse import SparseRows

Array = NDArray[Any]


def refuse_nan(function: str, argument: str, model: Network, x: Array | SparseRows, bad: Any) -> None:
    """Refuse samples whose outputs hold NaN.

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    model : Network
        Whose outputs they are.
    x : (N, …) array or SparseRows
        The samples.
    bad : (N,) bool
        Whether the outputs of each hold NaN.

    Raises
    ------
    ValueError
        If one does. The message names the first such sample, and says where the NaN came from.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> from fastnn.model.outputs import refuse_nan
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(1,))
    >>> refuse_nan("predict", "x", model, np.array([[1.0], [2.0]]), np.array([False, False]))
    """
    if not bad.any():
        return
    row, count = int(np.argmax(bad)), int(bad.sum())
    part = slice(row, row + 1)
    sample = x[part].dense() if isinstance(x, SparseRows) else rows_of(x, part)
    if not np.isfinite(sample).all():
        why = "the sample itself holds NaN or infinity"
    elif not np.isfinite(model.params).all():
        why = "the model's parameters do: its training has diverged"
    elif (wrong := what_is_no_code(model, sample)) is not None:
        why = f"its codes should be {wrong[1]}"
    else:
        why = "they arose from numbers that are too large"
    which = f"{row}, the first of {count}" if count > 1 else f"{row}"
    raise ValueError(
        f"{function}: {argument}: expected samples whose outputs are numbers, got NaN for sample {which} ({why})"
    )
