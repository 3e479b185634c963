"""Small data files written by hand, byte by byte, and where the shared data sets lie."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

IDX_TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
MAT_TYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 9, "i8": 12, "u8": 13}
MAT_CLASSES = {"f8": 6, "f4": 7, "i1": 8, "u1": 9, "i2": 10, "u2": 11, "i4": 12, "u4": 13, "i8": 14, "u8": 15}


def gzipped(data: bytes) -> bytes:
    """Compressed without the time: names of tests have their parameters, and processes must agree on them."""
    return gzip.compress(data, mtime=0)


def shared(name):
    """Return the path of a shared data set, or skip the test."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the data set {path} is not there")
    return path


def idx_bytes(array):
    """Return the content of an IDX file."""
    kind = IDX_TYPES[array.dtype.str[1:]]
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_idx_set(folder, train_images, train_labels, test_images, test_labels, suffix=""):
    """Write the four files of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (
        ("train-images-idx3-ubyte", train_images),
        ("train-labels-idx1-ubyte", train_labels),
        ("t10k-images-idx3-ubyte", test_images),
        ("t10k-labels-idx1-ubyte", test_labels),
    ):
        data = idx_bytes(array)
        (folder / (name + suffix)).write_bytes(gzip.compress(data, mtime=0) if suffix == ".gz" else data)
    return folder


def mat_element(kind, data, order):
    """Return an element in the long form."""
    return struct.pack(f"{order}II", kind, len(data)) + data + bytes(-len(data) % 8)


def mat_variable(name, array, order, stored=None, flags=0):
    """Return a miMATRIX element whose values are stored as another type than the array's."""
    stored = np.dtype(stored or array.dtype)
    values = array.astype(stored.newbyteorder(order)).tobytes(order="F")
    body = (
        mat_element(6, struct.pack(f"{order}II", MAT_CLASSES[array.dtype.str[1:]] | flags << 8, 0), order)
        + mat_element(5, struct.pack(f"{order}{array.ndim}i", *array.shape), order)
        + mat_element(1, name.encode(), order)
        + mat_element(MAT_TYPES[stored.str[1:]], values, order)
    )
    return mat_element(14, body, order)


def mat_bytes(variables, order="<"):
    """Return the content of a MAT file with these elements."""
    text = b"MATLAB 5.0 MAT-file".ljust(124)
    return text + struct.pack(f"{order}H", 0x0100) + (b"IM" if order == "<" else b"MI") + b"".join(variables)


def npy_bytes(array):
    """Return the content of a .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def toy_set(train=30, test=10, seed=0):
    """Return small random images and labels in which every class occurs."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (train + test, 28, 28), dtype=np.uint8)
    labels = (np.arange(train + test) % 10).astype(np.uint8)
    return images[:train], labels[:train], images[train:], labels[train:]
