"""Reading rows of numbers from a file by index."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


def read_rows(file: int, index: NDArray[np.int64], out: NDArray[np.uint8], start: int) -> int:
    """Read rows of a file by their index: row ``index[i]`` into ``out[i]``.

    Parameters
    ----------
    file : int
        A file descriptor, whose position does not change.
    index : (n,) int64, C-contiguous, not negative
    out : (n or more, width) uint8, C-contiguous, written
    start : int
        The byte at which row 0 begins.

    Returns
    -------
    int
        How many rows were read, which is less than n if the file ends or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fastnn.kernels.file_rows import read_rows
    >>> with tempfile.TemporaryFile() as file:
    ...     size = file.write(b"??aabbcc")
    ...     file.flush()
    ...     out = np.empty((2, 2), np.uint8)
    ...     count = read_rows(file.fileno(), np.array([2, 0]), out, 2)
    >>> count, out.tobytes()
    (2, b'ccaa')
    """
    if _native is not None:
        return _native.read_rows(file, index, out, start)
    width = out.shape[1]
    for i, row in enumerate(index.tolist()):
        found = os.pread(file, width, start + row * width)
        if len(found) < width:
            return i
        out[i] = np.frombuffer(found, np.uint8)
    return len(index)
