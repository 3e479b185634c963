"""Checks and conversions of the arrays that are given to a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.caller import warn_caller
from fastnn.checks import as_array, real_array
from fastnn.data.mapped import is_mapped, rows_of
from fastnn.decisions.axes import advice, channels_last_shape, same_axes
from fastnn.decisions.scale import BYTE_SCALE, Values, decide_scale
from fastnn.frames import in_order
from fastnn.kernels.signature import SOURCE_DTYPES

__all__ = ["as_array", "as_batch", "gatherable", "say_if_scale_is_odd"]

_SAME = 1e-3  # two factors whose ratio is as near to 1 as this are one
_CHANNELS_LAST = "say so with channels_last=True where the model is made, or model.channels_last = True"
_CHANNELS_FIRST = "say so with model.channels_last = False"


def as_batch(
    function: str,
    x: ArrayLike,
    input_shape: tuple[int, ...],
    channels_last: bool = False,
    column_names: Sequence[str] | None = None,
) -> NDArray[Any]:
    """Return samples as an array of shape (N, *input_shape).

    Parameters
    ----------
    function : str
        The beginning of the error messages.
    x : array_like, shape (N, ...), real
        Samples of that shape, axes of size 1 aside; rows (N, D) are cut into the axes, and axes are joined where the
        input is a row, both in C order.
    input_shape : tuple of int
    channels_last : bool
        Whether samples are images (H, W, C) of an `input_shape` (C, H, W), or rows of such. They are copied.
    column_names : sequence of str, optional
        The names by which the columns of a table are put in order.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If there are no samples, or they have another shape, one with the same axes in another order included; or if
        the columns of a table are not those of `column_names`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.inputs import as_batch
    >>> as_batch("example", np.zeros((5, 784)), (1, 28, 28)).shape
    (5, 1, 28, 28)
    >>> as_batch("example", np.arange(12).reshape(1, 2, 2, 3), (3, 2, 2), channels_last=True)[0, 0].tolist()
    [[0, 3], [6, 9]]
    """
    batch = real_array(function, "x", in_order(function, "x", x, column_names))
    shape = channels_last_shape(input_shape) if channels_last else input_shape
    if batch.ndim < 2 or not same_axes(batch.shape[1:], shape):
        expected = ", ".join(map(str, shape))
        first, last = (("", _CHANNELS_LAST), (_CHANNELS_FIRST, ""))[channels_last]
        if same_axes(batch.shape, shape):
            hint = "; one sample is a batch of one, x[None]"
        else:
            hint = advice(batch.shape[1:], shape, images_first=first, images_last=last)
        raise ValueError(f"{function}: x must have shape (N, {expected}), got {batch.shape}{hint}")
    if len(batch) == 0:
        raise ValueError(f"{function}: x must hold at least one sample, got shape {batch.shape}")
    batch = batch.reshape(len(batch), *shape)
    return np.ascontiguousarray(np.moveaxis(rows_of(batch, slice(None)), -1, 1)) if channels_last else batch


def say_if_scale_is_odd(function: str, x: Any, scale: float, bytes_too: bool = False) -> None:
    """Warn of pixels in another range than the model takes: 0 … 1 already where it divides, bytes where it does not.

    Parameters
    ----------
    function : str
        The beginning of the warning.
    x : (N, ...) array
        A file is not read for that, and nothing else but an array.
    scale : float
        The model's `input_scale`.
    bytes_too : bool
        Whether to warn of uint8 that look like pixels and that the model takes as they are.
    """
    if not isinstance(x, np.ndarray) or is_mapped(x):
        return
    if x.dtype.kind == "f" and abs(scale / BYTE_SCALE - 1) <= _SAME:
        top = 0.0
        for part in (x[:1], x):  # of pixels that are as they should be, the first sample almost always shows it
            with np.errstate(invalid="ignore"):
                top = float(part.max())
                if not (top <= 1 and part.min() >= 0):
                    return
        if top > 0:
            warn_caller(
                f"{function}: x holds decimals from 0 to {top:.3g}, which the model's input_scale of 1/255 divides by "
                "255; give the pixels as they are, 0 … 255, or make the model without input_scale"
            )
    elif bytes_too and x.dtype == np.uint8 and scale == 1:
        brightest = int(x.max())
        if decide_scale(Values(x.shape[1:], True, False, 0, brightest))[0] == BYTE_SCALE:
            warn_caller(
                f"{function}: x holds bytes up to {brightest} and looks like pixels, which the model takes as "
                "they are: the loss of such large numbers may not fall at all; make the model with input_scale=1/255"
            )


def gatherable(x: NDArray[Any]) -> NDArray[Any]:
    """Return `x` as an array that the kernel `gather_rows` can read.

    Parameters
    ----------
    x : ndarray, bool, integer or float

    Returns
    -------
    ndarray, shape of `x`
        C-contiguous and aligned, in native byte order. Its dtype is that of `x` if the kernel reads it, uint8 for bool,
        and otherwise the narrowest dtype that the kernel reads and that holds all values; float64 if there is none.
    """
    if x.dtype.kind == "b":
        x = x.view(np.uint8)
    dtype = x.dtype.newbyteorder("=")
    if dtype.str[1:] not in SOURCE_DTYPES:
        dtype = np.dtype({"f2": np.float32, "u4": np.int64}.get(dtype.str[1:], np.float64))
    if x.dtype == dtype:
        return np.require(x, dtype, ("C", "A"))
    x = rows_of(x, slice(None))
    with np.errstate(all="ignore"):
        return np.require(x, dtype, ("C", "A"))
