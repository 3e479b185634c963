"""What the commands read: data sets, images to predict, model files."""

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
MADE = ("glyphs", "digits")  # data sets that need no files
MAPPED_HELP = (
    "leave the images of .npy and uncompressed IDX files on the disk and read them as they are used: for sets larger "
    "than memory"
)
DATA_HELP = (
    f"glyphs (letters A-J, made on the spot), digits (likewise), {', '.join(NAMED_DATASETS)} (in the folder that "
    f"{DATA} names, else downloaded), or the path of a data set: {formats_text()}"
)


def add_data(group: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add --data; required without a default."""
    shown = DATA_HELP if default is None else f"{DATA_HELP} (default: %(default)s)"
    group.add_argument("--data", metavar="DATA", default=default, required=default is None, help=shown)


def add_model(group: argparse._ActionsContainer) -> None:
    """Add MODEL, a trained one."""
    group.add_argument(
        "model", metavar="MODEL", help=f"a model that `fastnn train` wrote: its {MODEL_FILE}, or the folder with it"
    )


def load_data(data: str, option: str = "--data", *, mapped: bool = False) -> Dataset:
    """Return the data set of that name or path; the same one whatever the seed of the training.

    Raises
    ------
    FileNotFoundError
        If it is one to download, and no source can be reached.
    ValueError
        If there is none, or its files are damaged.
    """
    if data == "glyphs":
        return load("glyphs")
    if data == "digits":
        return replace(load("glyphs", kind="digits"), name="digits")
    return load(**place(data, option), mapped=mapped)


def place(data: str, option: str) -> dict[str, Any]:
    """Where a named set or a path lies, as arguments of `fastnn.data.load`.

    Raises
    ------
    ValueError
        If it is neither.
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
    """Return all images with labels of the data set `path`, to validate with what is trained on `data`.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_data`; also where its images or classes are not those of `data`.
    """
    found = load_data(path, "--validation")
    for what, here, there in (
        ("images of shape", found.train_images.shape[1:], data.train_images.shape[1:]),
        ("pixels that are scaled by", found.scale, data.scale),
        ("classes", ", ".join(found.class_names), ", ".join(data.class_names)),
    ):
        if here != there:
            raise ValueError(f"--validation: {path} has {what} {here}, but {data.name} has {there}")
    images, labels = zip(found.train, found.test, strict=True)
    return np.concatenate(images), np.concatenate(labels)


@dataclass(frozen=True)
class Split:
    """The training images without those held out for validation, and these."""

    train: tuple[NDArray[Any], NDArray[np.int64]]
    validation: tuple[NDArray[Any], NDArray[np.int64]] | None


def split_data(data: Dataset, held_out: float | str) -> Split:
    """Hold a share of the training images out, 0 for none; or take those of the data set of that path.

    Raises
    ------
    ValueError
        If there are too few, or they lie in a file (copying would read them all), or the others do not fit.
    """
    images, labels = data.train
    if isinstance(held_out, str):
        return Split(data.train, load_validation(held_out, data))
    if held_out == 0:
        return Split(data.train, None)
    if is_mapped(images):
        raise ValueError(
            "--mapped: needs --validation 0 or a path, because what is held out would be copied into memory"
        )
    try:
        kept, validation = train_test_split(labels, held_out)
    except ValueError as error:
        raise ValueError(f"--validation: {held_out} of {len(labels)} images cannot be held out ({error})") from None
    return Split((images[kept], labels[kept]), (images[validation], labels[validation]))


def resolved_data(data: str) -> str:
    """`data` as it can be read from any folder: the whole path, if it is one."""
    here = Path(data).expanduser()
    return str(here.resolve()) if data not in (*MADE, *NAMED_DATASETS) and here.exists() else data


def load_images(data: str, part: str | None) -> tuple[NDArray[Any], str]:
    """Return the images to predict, and which they are.

    An .npy file, or an .npz file with a single array, is images alone. Of a data set it is `part` ("test",
    "train", "unlabelled"); unless given, its images without labels, or where there are none the test images.

    Raises
    ------
    ValueError
        If there are none, or the files are damaged.
    """
    path = Path(data).expanduser()
    if path.is_file() and part is None:
        alone = _images_alone(path)
        if alone is not None:
            return alone, f"the images in {data}"
    found = load_data(data)
    part = part or ("test" if found.unlabelled_images is None else "unlabelled")
    if part == "unlabelled":
        if found.unlabelled_images is None:
            raise ValueError(f"--part: {data} has no images without labels")
        return found.unlabelled_images, f"the unlabelled images of {found.name}"
    return getattr(found, f"{part}_images"), f"the {part} images of {found.name}"


def _images_alone(path: Path) -> NDArray[Any] | None:
    if path.suffix.lower() == ".npy":
        return _real(read_npy(path), path)
    if path.suffix.lower() == ".npz" and zipfile.is_zipfile(path):
        arrays = read_npz(path)
        if len(arrays) == 1:
            return _real(next(iter(arrays.values())), path)
    return None


def _real(images: NDArray[Any], path: Path) -> NDArray[Any]:
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(f"--data: {path} has NaN or infinite pixels")
    return images


def load_model(file: str) -> Sequential:
    """Return the model in a file, or in the folder of a run.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If the file is damaged or no model.
    """
    path = Path(file).expanduser()
    return Sequential.load(path / MODEL_FILE if path.is_dir() else path)
