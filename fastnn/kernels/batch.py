"""Copying the samples of a step into the arrays that it reads, checked on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


def _copy_samples(x: NDArray[Any], out: NDArray[Any]) -> bool:
    """Copy x to `out`, of one dtype and size; False, and nothing is done, if a number is not finite."""
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        return False
    out[...] = x.reshape(out.shape)
    return True


def _copy_labels(labels: NDArray[Any], out: NDArray[Any], classes: int) -> bool:
    """Copy labels (n,) to `out` (n,); False, and nothing is done, if one is no class."""
    if not bool(((labels >= 0) & (labels < classes)).all()):
        return False
    out[...] = labels
    return True


copy_samples = _copy_samples if _native is None else _native.copy_samples
copy_labels = _copy_labels if _native is None else _native.copy_labels

__all__ = ["copy_labels", "copy_samples"]
