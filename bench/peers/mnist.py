"""Rows of real images for the race: MNIST, of whose pixels four fifths are zero."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

# The folder of the four files, gzipped as they were published; the sides are processes that inherit it.
VARIABLE = "FASTNN_BENCH_MNIST"
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def folder() -> Path | None:
    """Where the files are; None if that was not said or they are not there."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named and (Path(named) / IMAGES).is_file() else None


def _values(file: Path, header: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=header)


def read(rows: int, inputs: int, classes: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The first rows, from 0 to 1, and their labels modulo `classes`; 2352 inputs are the grey image as RGB."""
    source = folder()
    if source is None:
        raise ValueError(f"race: expected a folder with {IMAGES} in {VARIABLE} (--mnist), but there is none")
    pixels = _values(source / IMAGES, 16).reshape(-1, 784)[:rows].astype(np.float32) / np.float32(255)
    labels = _values(source / LABELS, 8)[:rows].astype(np.int64) % classes
    return np.tile(pixels, (1, inputs // pixels.shape[1])), labels
