"""A model's arrays as a NumPy archive."""

from __future__ import annotations

import io
import json
from os import PathLike

import numpy as np

from fastnn.files import write_whole
from fastnn.model import Sequential


def to_npz(model: Sequential, path: str | PathLike[str]) -> None:
    """Write the arrays of a model to an ``.npz`` file.

    Parameters
    ----------
    model : Sequential
    path : path
        The file, which is replaced if it exists. It holds the parameters and the state, such as running means, under
        their names, in the model's dtype, and under ``config`` the architecture as JSON, an array of dtype str.

    Raises
    ------
    OSError
        If the file cannot be written. A file that was there before is then unchanged.

    Examples
    --------
    >>> import fastnn, tempfile, pathlib, numpy as np
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "model.npz")
    ...     fastnn.export.to_npz(model, path)
    ...     with np.load(path) as archive:
    ...         print(archive["dense1.w"].shape, len(archive.files))
    (784, 10) 3
    """
    data = io.BytesIO()
    np.savez(data, allow_pickle=False, config=np.array(json.dumps(model.config())), **model.parameters, **model.state)
    write_whole(path, data.getvalue())
