"""Rows of a table by the codes that stand in columns of the inputs, and the gradient of the table."""

import numpy as np

from fastnn.kernels.reference.arrays import Array

NONE, WRONG = -1, -2  # a code that stands for no row, and one that is no whole number from -1 to the last code


def codes_of(values: Array, count: Array | int) -> Array:
    """Values as codes below `count`, int64; `WRONG` for one that is none."""
    valid = (values >= NONE) & (values < count) & (values == np.floor(values))
    codes = np.full(values.shape, WRONG, np.int64)
    codes[valid] = values[valid].astype(np.int64)
    return codes


@np.errstate(all="ignore")
def embedding_forward(x: Array, w: Array, kept: Array, column: Array, first: Array, count: Array, out: Array) -> None:
    """The columns in `kept`, then for each j the row ``first[j] + code`` of w for the code in column ``column[j]``.

    The code -1 gives zeros. What is no whole number from -1 to ``count[j] - 1`` gives NaN.
    """
    codes = codes_of(x[:, column], count)
    rows = np.zeros((*codes.shape, w.shape[1]), w.dtype)
    rows[codes >= 0] = w[(first + codes)[codes >= 0]]
    rows[codes == WRONG] = np.nan
    out[:, : len(kept)] = x[:, kept]
    out[:, len(kept) :] = rows.reshape(len(x), out.shape[1] - len(kept))


@np.errstate(all="ignore")
def embedding_backward(
    dout: Array,
    x: Array,
    kept: Array,
    column: Array,
    first: Array,
    count: Array,
    dx: Array | None,
    dw: Array | None,
    beta: float,
) -> None:
    """``dw = beta dw + Σ dout`` over the places where a row was taken, and dx, which is 0 but for the columns kept.

    A row's gradients are added one after the other, by samples and then by columns, to 0 or to what was there.
    """
    if dx is not None:
        dx[...] = 0
        dx[:, kept] = dout[:, : len(kept)]
    if dw is not None:
        codes = codes_of(x[:, column], count)
        gradients = dout[:, len(kept) :].reshape(*codes.shape, dw.shape[1])
        dw[...] = dw if beta else 0
        np.add.at(dw, (first + codes)[codes >= 0], gradients[codes >= 0])
