"""Image files without classes, for predictions: one of them, or those that lie in a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.dataset import Dataset
from fastnn.data.expected import Expected, Trained
from fastnn.data.image_decoding import decoded_pictures, in_one_size, one_array
from fastnn.data.image_formats import READ_FORMATS, START_BYTES, image_format
from fastnn.data.image_tree import ClassFiles, FoundFile, ImageTree, files_in
from fastnn.data.images import ImageOptions, decoded_bytes, upright_size
from fastnn.data.memory import SMALLER_IMAGES, MemoryEstimate, check_memory
from fastnn.data.natural import natural_order
from fastnn.decisions import Decision
from fastnn.decisions.pictures import Background, left_out, resized
from fastnn.files import names_its_file


class LooseImages(NamedTuple):
    """Images without labels.

    Parameters
    ----------
    images : ndarray, shape (N, H, W) or (N, 3, H, W), uint8
    names : tuple of str
        The name of each file.
    decisions : tuple of Decision
        What was decided where the files have more than one reading.
    """

    images: NDArray[np.uint8]
    names: tuple[str, ...]
    decisions: tuple[Decision, ...] = ()


@names_its_file
def read_images(
    path: str | os.PathLike[str],
    *,
    size: int | tuple[int, int] | None = None,
    mode: Literal["grey", "rgb"] | None = None,
    fit: Literal["crop", "stretch"] = "crop",
    skip_damaged: bool = False,
    background: Background | None = None,
    like: Dataset | Trained | Expected | None = None,
) -> LooseImages:
    r"""Read an image file, or those that lie in a folder, without classes.

    Parameters
    ----------
    path : path-like
        A file, or a folder whose own files are read, in natural order (s2 before s10).
    size, mode, fit, skip_damaged, background
        As for `read_image_folder`.
    like : Dataset or Sequential, optional
        What the images are for: a data set or a model. They are brought to its size and mode, unless `size` or `mode`
        say otherwise.

    Returns
    -------
    LooseImages
        images, names, decisions.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path.
    MemoryError
        If the images need more memory than is available; raised before the first one is decoded.
    ValueError
        If the file is no image or the folder holds none; otherwise as for `read_image_folder`.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data import read_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for grey in (9, 10):
    ...         written = (Path(folder) / f"{grey}.pgm").write_bytes(b"P5 2 2 255\n" + bytes([grey] * 4))
    ...     found = read_images(folder)
    >>> found.images.shape, found.names
    ((2, 2, 2), ('9.pgm', '10.pgm'))
    """
    top = Path(path).expanduser()
    where = f"read_images: {top}"
    options = ImageOptions.of("read_images", size, mode, fit, background)
    expected = None if like is None else Expected.of(like)
    if expected is not None:
        options = options.completed(expected.reading)
    files, decisions = _files(top, where)
    tree = ImageTree([ClassFiles(where, {"": files})], decisions)
    options, chosen = in_one_size(tree, options)
    check_memory(lambda: _memory(files, options), where, SMALLER_IMAGES)
    pictures, more = decoded_pictures(tree, where, options, skip_damaged)
    if not pictures:
        raise ValueError(f"{where}: every image is damaged")
    decisions = (*decisions, *chosen, *more)
    if size is None and options.size is not None and expected is not None:
        decisions += _said_of_size([each.file for each in pictures], options.size)
    pixels = [each.picture.pixels for each in pictures]
    array = one_array(pixels, where, in_colour=any(image.ndim == 3 for image in pixels))
    return LooseImages(array, tuple(each.file.parts[-1] for each in pictures), decisions)


def holds_images(path: Path) -> bool:
    """Return whether a path leads to an image, or to a folder with images in it and none in the folders inside.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    if path.is_file():
        with path.open("rb") as file:
            return image_format(file.read(START_BYTES)) is not None
    found = [file for file in files_in(path, "read_images").files if file.is_image()]
    return bool(found) and all(len(file.parts) == 1 for file in found)


def _files(path: Path, where: str) -> tuple[list[FoundFile], tuple[Decision, ...]]:
    if path.is_file():
        return [FoundFile((path.name,), where, path)], ()
    found = files_in(path, "read_images", depth=1)
    files = sorted((file for file in found.files if file.is_image()), key=lambda file: natural_order(file.parts[-1]))
    if not files:
        raise ValueError(f"{where}: no {READ_FORMATS} images in this folder")
    others = [file.parts[-1] for file in found.files if not file.is_image()]
    return files, (left_out(others, "they are no images"),) if others else ()


def _memory(files: Sequence[FoundFile], options: ImageOptions) -> MemoryEstimate:
    size = decoded_bytes(files[0].content(), files[0].where, options) * len(files)
    return MemoryEstimate(size, size)  # first one array for each image, then one for all


def _said_of_size(files: Sequence[FoundFile], size: tuple[int, int]) -> tuple[Decision, ...]:
    """Return the decision to bring images to the size of a training if some have another."""
    differing = sum(upright_size(file.content(), file.where) != size for file in files)
    return (resized(differing, size),) if differing else ()
