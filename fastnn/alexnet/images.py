"""Images of every kind as RGB, 8 bits a channel, and where they lie."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.preprocessing import Preprocessing
from fastnn.alexnet.views import VIEWS, View
from fastnn.caller import warn_caller
from fastnn.data.image_formats import READ_FORMATS
from fastnn.data.image_modes import shown_image
from fastnn.data.image_tree import class_files, files_in
from fastnn.data.images import opened_image
from fastnn.data.natural import natural_order
from fastnn.decisions.pictures import DEFAULT_BACKGROUND, left_out

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ImageFiles", "decode_part", "decode_views", "image_files", "views_of_array"]


def decode_part(data: bytes, where: str, preprocessing: Preprocessing, crop: int) -> NDArray[np.uint8]:
    """The part of an image file that a network sees, (3, crop, crop); see `decode_views`."""
    return decode_views(data, where, preprocessing, crop, VIEWS[1])[0]


def decode_views(
    data: bytes, where: str, preprocessing: Preprocessing, crop: int, views: Sequence[View]
) -> list[NDArray[np.uint8]]:
    """The parts of an image file that a network sees, each (3, crop, crop).

    Parameters
    ----------
    data : bytes
        The content of an image file.
    where : str
        Begins the error messages.
    preprocessing : Preprocessing
    crop : int
    views : sequence of View

    Raises
    ------
    ValueError
        If it is no such image or is damaged, or is transparent and shows nothing on white.
    ImportError
        If Pillow is not installed.

    Notes
    -----
    Grey becomes three equal channels, and what is transparent shows white; for the rest see
    `fastnn.data.image_modes.plain_image`.
    """
    with opened_image(data, where) as image:
        return _views(image, preprocessing, crop, views)


def views_of_array(
    image: NDArray[np.uint8], preprocessing: Preprocessing, crop: int, views: Sequence[View]
) -> list[NDArray[np.uint8]]:
    """The same of pixels (H, W) or (H, W, 3 or 4)."""
    from PIL import Image as pil

    return _views(pil.fromarray(image), preprocessing, crop, views)


def _views(image: Image, preprocessing: Preprocessing, crop: int, views: Sequence[View]) -> list[NDArray[np.uint8]]:
    rgb = _rgb(image)
    parts = [(preprocessing.part(rgb, crop, view.place), view.mirrored) for view in views]
    return [np.ascontiguousarray(part[:, :, ::-1]) if mirrored else part for part, mirrored in parts]


def _rgb(image: Image) -> Image:
    return shown_image(image, DEFAULT_BACKGROUND).convert("RGB")


class ImageFiles(NamedTuple):
    """Image files in a fixed order, and their classes.

    Parameters
    ----------
    paths : tuple of Path
    labels : (N,) int64 array or None
        Indices into `class_names`; None where the files lie in no folders by class.
    class_names : tuple of str
    """

    paths: tuple[Path, ...]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]


def image_files(folder: str | os.PathLike[str]) -> ImageFiles:
    """The image files of a folder: those in it, or those in a folder for each class.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    ImageFiles
        Classes in natural order (s2 before s10), and within each the files.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    ValueError
        If it holds no images, or some of its own and others by class, or names and formats leave more than one
        reading, as for `fastnn.data.read_image_folder`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.alexnet import image_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("ants", "bees"):
    ...         (Path(folder) / name).mkdir()
    ...         (Path(folder) / name / "1.jpg").touch()
    ...     found = image_files(folder)
    >>> found.class_names, found.labels.tolist(), [path.name for path in found.paths]
    (('ants', 'bees'), [0, 1], ['1.jpg', '1.jpg'])
    """
    top = Path(folder).expanduser()
    found = files_in(top, "image_files", depth=3)
    own = [file.source for file in found.files if len(file.parts) == 1 and file.is_image()]
    classes, decisions = class_files(found, (), f"image_files: {top}")
    if own and classes:
        raise ValueError(f"image_files: {top} holds images and also folders of images: expected one of the two")
    if not own and not classes:
        raise ValueError(f"image_files: {top} holds no {READ_FORMATS} files, nor folders of them")
    if own and found.folders:
        decisions = [left_out(["/".join(folder) for folder in found.folders], "folders with no image in them")]
    for decision in decisions:
        warn_caller(f"image_files: {decision}")
    if own:
        return ImageFiles(_paths(own), None, ())
    ordered = sorted(classes, key=natural_order)
    labels = np.repeat(np.arange(len(ordered)), [len(classes[name]) for name in ordered])
    paths = tuple(path for name in ordered for path in _paths(file.source for file in classes[name]))
    return ImageFiles(paths, labels, tuple(ordered))


def _paths(sources: Iterable[Path | bytes | memoryview]) -> tuple[Path, ...]:
    """Return the files in natural order."""
    paths = [source for source in sources if isinstance(source, Path)]
    return tuple(sorted(paths, key=lambda path: natural_order(path.name)))


def as_sources(function: str, images: Any) -> Sequence[Path] | NDArray[np.uint8]:
    """What a caller gave, as paths of files or as an array (N, H, W), (N, H, W, 3) or (N, H, W, 4) of uint8.

    Raises
    ------
    TypeError, ValueError
        If it is neither a folder, nor paths, nor such an array.
    """
    if isinstance(images, str | os.PathLike):
        return image_files(images).paths
    if not isinstance(images, np.ndarray):
        items = list(images) if hasattr(images, "__iter__") else []
        if items and all(isinstance(item, str | os.PathLike) for item in items):
            return [Path(item) for item in items]
        try:
            images = np.asarray(items) if items else np.empty(0)
        except ValueError:
            images = np.empty(0)
    if images.dtype.kind in "UO" and images.size and all(isinstance(i, str | os.PathLike) for i in images.flat):
        return [Path(str(item)) for item in images.flat]
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
        raise TypeError(
            f"{function}: X: expected a folder, paths of images, or pixels (N, H, W) or (N, H, W, 3) of uint8; got "
            f"{images.dtype} of shape {images.shape}"
        )
    pixels: NDArray[np.uint8] = images
    if images.ndim == 4 and images.shape[3] not in (3, 4):
        raise ValueError(f"{function}: X: pixels must be (N, H, W, 3), red first, got shape {images.shape}")
    return pixels
