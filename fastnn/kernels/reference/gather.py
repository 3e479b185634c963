"""Gathering batches by index."""

import numpy as np

from fastnn.kernels.reference.arrays import Array


@np.errstate(all="ignore")
def gather_rows(source: Array, index: Array | None, out: Array, scale: float) -> None:
    """``out = source[index] * scale``, or the first rows if ``index`` is ``None``.

    Each value is converted to the dtype of ``out`` and then multiplied by ``scale`` rounded to that dtype.
    """
    out[...] = source[: len(out)] if index is None else source[index]
    if scale != 1:
        out *= out.dtype.type(scale)


def gather_labels(source: Array, index: Array | None, out: Array) -> None:
    """``out = source[index]``, or the first elements if ``index`` is ``None``."""
    out[...] = source[: len(out)] if index is None else source[index]
