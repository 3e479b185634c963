"""One data set, stored in every way in which people store such sets, and whether what was read is that set."""

import io
import pickle
from dataclasses import dataclass

import numpy as np
import scipy.io
from data_files import idx_bytes, npy_bytes

NAMES = [
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_Train", "Y_Train", "X_Test", "Y_Test"),
    ("trainImages", "trainLabels", "testImages", "testLabels"),
    ("train-data", "train-target", "test-data", "test-target"),
]
IMAGE_DTYPES = ["u1", "i2", "i8", "f4", "f8", ">f8", ">i4", "f2", "?"]
LABEL_DTYPES = ["u1", "i4", "i8", "f4", ">i8", ">f4"]
GREY_LAYOUTS = ["NHW", "HWN", "ND", "DN"]
SIDEWAYS = ["NWH", "WHN"]  # no number tells rows from columns
COLOUR_LAYOUTS = ["NCHW", "NHWC", "HWCN", "CHWN", "ND", "DN"]
LABEL_LAYOUTS = ["vector", "column", "row", "one-hot rows", "one-hot columns"]


@dataclass(frozen=True)
class CleanSet:
    """Images (N, H, W) or (N, C, H, W) of whole numbers, and labels 0 ... K - 1, for training and testing."""

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    @property
    def classes(self):
        return int(self.train[1].max()) + 1


def clean_set(shape, train=11, test=7, classes=3, seed=0, most=256):
    """Return a set in which each image differs from the others, and every class is in the training split."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, most, (train + test, *shape))
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, train + test - classes)])
    return CleanSet((images[:train], labels[:train]), (images[train:], labels[train:]))


def stored_images(images, layout, dtype, fortran):
    """Return images as an array with its axes in another order, of another dtype."""
    if "D" in layout:
        array = images.reshape(len(images), -1)
        array = array if layout == "ND" else array.T
    else:
        own = "NHW" if images.ndim == 3 else "NCHW"
        array = images.transpose([own.index(letter) for letter in layout])
    return np.asarray(array.astype(dtype), order="F" if fortran else "C")


def stored_labels(labels, classes, layout, dtype, first, names=None):
    """Return labels as numbers that begin at `first`, as text, or as one-hot rows or columns."""
    if names is not None:
        values = np.array(names)[labels]
    elif layout.startswith("one-hot"):
        rows = np.eye(classes)[labels].astype(dtype)
        return rows if layout.endswith("rows") else rows.T
    else:
        values = (labels + first).astype(dtype)
    return {"column": values[:, None], "row": values[None]}.get(layout, values)


def write_arrays(folder, kind, arrays):
    """Write named arrays in a file format and return the path for `load`."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "npy":
        for name, array in arrays.items():
            (folder / f"{name}.npy").write_bytes(npy_bytes(array))
        return folder
    out, path = io.BytesIO(), folder / f"set.{kind.split()[0]}"
    if kind.startswith("npz"):
        (np.savez_compressed if kind.endswith("compressed") else np.savez)(out, **arrays)
    elif kind.startswith("mat"):
        named = {name.replace("-", "_"): array for name, array in arrays.items()}
        scipy.io.savemat(out, named, do_compression=kind.endswith("compressed"))
    elif kind.startswith("pkl"):
        out.write(pickle.dumps(arrays, int(kind[-1])))
    path.write_bytes(out.getvalue())
    return path


KINDS = ["npz", "npz compressed", "npy", "mat", "mat compressed", *(f"pkl {protocol}" for protocol in range(6))]


def write_idx(folder, images, labels, test_images, test_labels):
    """Write the four files of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, arrays in (("train", (images, labels)), ("t10k", (test_images, test_labels))):
        (folder / f"{split}-images-idx{arrays[0].ndim}-ubyte").write_bytes(idx_bytes(arrays[0]))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx_bytes(arrays[1]))
    return folder


def differences(data, clean, names):
    """Return in what a loaded data set differs from the clean one, whose classes have these names; "" if in nothing."""
    for split, images, labels in (("train", *clean.train), ("test", *clean.test)):
        found, found_labels = getattr(data, split)
        if found.size != images.size or len(found) != len(images):
            return f"{split} images {found.shape} instead of {images.shape}"
        if found.ndim > 2 and found.shape[1:] != images.shape[1:]:
            return f"{split} images {found.shape} instead of {images.shape}"
        if not np.array_equal(found.reshape(len(found), -1), images.reshape(len(images), -1)):
            return f"{split} images have other pixels"
        if [data.class_names[k] for k in found_labels] != [names[k] for k in labels]:
            return f"{split} labels are {found_labels.tolist()} of {data.class_names} instead of {labels.tolist()}"
    return ""
