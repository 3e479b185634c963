"""The inputs of the commands: data sets, images to predict and model files."""

from __future__ import annotations

import argparse
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data import NAMED_DATASETS, Dataset, load, read_npy, read_npz, train_test_split
from fastnn.data.formats import formats_text
from fastnn.data.mapped import is_mapped
from fastnn.environment import DATA
from fastnn.model import Sequential

MODEL_FILE = "model.safetensors"
SYNTHETIC = ("glyphs", "digits")  # data sets that need no files
MAPPED_HELP = (
    "read the images of .npy and uncompressed IDX files from disk as they are used, for data sets larger than memory"
)
DATA_HELP = (
    f"glyphs (synthetic letters A-J), digits (synthetic digits), {', '.join(NAMED_DATASETS)} (from the folder that "
    f"{DATA} names, else downloaded), or the path of a data set: {formats_text()}"
)


def add_data(group: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add --data, which is required if there is no default."""
    shown = DATA_HELP if default is None else f"{DATA_HELP} (default: %(default)s)"
    group.add_argument("--data", metavar="DATA", default=default, required=default is None, help=shown)


def add_model(group: argparse._ActionsContainer) -> None:
    """Add MODEL, the path of a trained model."""
    group.add_argument(
        "model", metavar="MODEL", help=f"a model that `fastnn train` wrote: its {MODEL_FILE}, or the folder with it"
    )


def load_data(data: str, option: str = "--data", *, mapped: bool = False) -> Dataset:
    """Return the data set with the name or path `data`. It does not depend on the seed of the training.

    Raises
    ------
    FileNotFoundError
        If the data set must be downloaded and no source can be reached.
    ValueError
        If there is no such data set, or its files are damaged.
    """
    if data == "glyphs":
        return load("glyphs")
    if data == "digits":
        return replace(load("glyphs", kind="digits"), name="digits")
    return load(**locate(data, option), mapped=mapped)


def locate(data: str, option: str) -> dict[str, Any]:
    """Return the arguments of `fastnn.data.load` for the name or the path of a data set.

    Raises
    ------
    ValueError
        If `data` is neither.
    """
    here = Path(data).expanduser()
    if data in NAMED_DATASETS:
        return {"name": data, "path": here if here.exists() else None}
    if not here.exists():
        raise ValueError(
            f"{option}: there is no file or folder {data}. Give the path of a data set, one of "
            f"{', '.join(NAMED_DATASETS)} ({DATA} names the folder above it), or use glyphs or digits, which need no "
            "files"
        )
    return {"name": here}


def load_validation(path: str, data: Dataset) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return all labelled images of the data set at `path`, to validate a model that is trained on `data`.

    Raises
    ------
    FileNotFoundError, ValueError
        As in `load_data`, and ValueError if the shape of the images or the classes differ from those of `data`.
    """
    found = load_data(path, "--validation")
    for what, here, there in (
        ("images of shape", found.train_images.shape[1:], data.train_images.shape[1:]),
        ("pixels scaled by", found.scale, data.scale),
        ("classes", ", ".join(found.class_names), ", ".join(data.class_names)),
    ):
        if here != there:
            raise ValueError(f"--validation: {path} has {what} {here}, but {data.name} has {there}")
    images, labels = zip(found.train, found.test, strict=True)
    return np.concatenate(images), np.concatenate(labels)


@dataclass(frozen=True)
class Split:
    """The training images, and the validation images if there are any, each with labels."""

    train: tuple[NDArray[Any], NDArray[np.int64]]
    validation: tuple[NDArray[Any], NDArray[np.int64]] | None


def split_data(data: Dataset, held_out: float | str) -> Split:
    """Split training images into training and validation images.

    Parameters
    ----------
    data : Dataset
    held_out : float or str
        The share of the training images to hold out, 0 for none, or the path of a data set to validate on instead.

    Raises
    ------
    ValueError
        If there are too few images, if they are mapped from a file (holding some out would copy them all into
        memory), or if the other data set does not fit.
    """
    images, labels = data.train
    if isinstance(held_out, str):
        return Split(data.train, load_validation(held_out, data))
    if held_out == 0:
        return Split(data.train, None)
    if is_mapped(images):
        raise ValueError(
            "--mapped: needs --validation 0 or a path, because held-out images would be copied into memory"
        )
    try:
        training, validation = train_test_split(labels, held_out)
    except ValueError as error:
        raise ValueError(f"--validation: {held_out} of {len(labels)} images cannot be held out ({error})") from None
    return Split((images[training], labels[training]), (images[validation], labels[validation]))


def resolved_data(data: str) -> str:
    """Return `data` in a form that is valid in any folder: an absolute path if it is a path."""
    here = Path(data).expanduser()
    return str(here.resolve()) if data not in (*SYNTHETIC, *NAMED_DATASETS) and here.exists() else data


def samples_of(model: Sequential, images: NDArray[Any]) -> NDArray[Any]:
    """Return images of a data set, whose channels come first, as the model takes them."""
    return np.moveaxis(images, 1, -1) if model.channels_last and images.ndim == 4 else images


def load_images(model: Sequential, data: str, part: str | None) -> tuple[NDArray[Any], str]:
    """Return the images to predict and a phrase that says which images they are.

    An .npy file, or an .npz file with a single array, holds images only. From any other data set the images of `part`
    ("test", "train" or "unlabelled") are read; if `part` is None, the unlabelled images, or the test images if there
    are no unlabelled ones. Their axes are those that the model takes; an array of images alone has to have them.

    Raises
    ------
    ValueError
        If there are no such images, or the files are damaged.
    """
    path = Path(data).expanduser()
    if path.is_file() and part is None:
        images = _images_without_labels(path)
        if images is not None:
            return images, f"the images in {data}"
    found = load_data(data)
    part = part or ("test" if found.unlabelled_images is None else "unlabelled")
    if part == "unlabelled":
        if found.unlabelled_images is None:
            raise ValueError(f"--part: {data} has no images without labels")
        return samples_of(model, found.unlabelled_images), f"the unlabelled images of {found.name}"
    return samples_of(model, getattr(found, f"{part}_images")), f"the {part} images of {found.name}"


def _images_without_labels(path: Path) -> NDArray[Any] | None:
    if path.suffix.lower() == ".npy":
        return _finite(read_npy(path), path)
    if path.suffix.lower() == ".npz" and zipfile.is_zipfile(path):
        arrays = read_npz(path)
        if len(arrays) == 1:
            return _finite(next(iter(arrays.values())), path)
    return None


def _finite(images: NDArray[Any], path: Path) -> NDArray[Any]:
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(f"--data: {path} has NaN or infinite pixels")
    return images


def load_model(file: str) -> Sequential:
    """Return the model in a file or in the folder of a run.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or does not hold a model.
    """
    path = Path(file).expanduser()
    return Sequential.load(path / MODEL_FILE if path.is_dir() else path)
