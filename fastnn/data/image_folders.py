"""A folder for each class: PNG, JPEG and PGM files as one array."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.images import SUFFIXES, ImageForm, decode, decoded_size
from fastnn.data.memory import SMALLER_IMAGES, Need, check_fits
from fastnn.kernels.threads import get_num_threads

__all__ = ["Labelled", "folder_need", "has_class_folders", "images_by_class", "natural", "read_image_folder", "stack"]

_LOOKED_AT = 32  # files, to tell how large their images are


class Labelled(NamedTuple):
    """Images with labels.

    Parameters
    ----------
    images : ndarray, (N, H, W) or (N, 3, H, W), uint8
    labels : ndarray, (N,), int64
        Indices into `class_names`.
    class_names : tuple of str
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]


class _File(NamedTuple):
    class_name: str
    where: str
    source: Path | bytes

    def content(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


def read_image_folder(
    path: str | os.PathLike[str],
    *,
    size: int | tuple[int, int] | None = None,
    mode: Literal["grey", "rgb"] | None = None,
    fit: Literal["crop", "stretch"] = "crop",
    skip_damaged: bool = False,
) -> Labelled:
    r"""Read PNG, JPEG and PGM files that lie in one folder for each class.

    Parameters
    ----------
    path : path-like
        The folder above those of the classes, whose names become `class_names`, in natural order (s2 before
        s10). Files beside them, and files of other kinds, are left aside.
    size : int or (height, width), optional
        What to resize to; needed where the files differ in size.
    mode : {"grey", "rgb"}, optional
        By default grey if all files are grey, else RGB.
    fit : {"crop", "stretch"}, default "crop"
        How to get to `size` from another shape: cut the middle out, or distort.
    skip_damaged : bool, default False
        Leave damaged files out, with one warning that names them, instead of raising.

    Returns
    -------
    Labelled
        images, labels, class_names.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    MemoryError
        If the images need more memory than is available; before one is decoded.
    ValueError
        If it holds no class folders, a file is damaged, or sizes differ and `size` is not given.
    ImportError
        If Pillow is not installed.

    Notes
    -----
    Resizing averages bilinearly over the area that a pixel covers (Pillow's BILINEAR); grey is
    0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data import read_image_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, grey in (("dark", 10), ("light", 250)):
    ...         (Path(folder) / name).mkdir()
    ...         size = (Path(folder) / name / "1.pgm").write_bytes(b"P5 2 2 255\n" + bytes([grey] * 4))
    ...     found = read_image_folder(folder)
    >>> found.images.shape, found.labels.tolist(), found.class_names
    ((2, 2, 2), [0, 1], ('dark', 'light'))
    """
    form = ImageForm.of("read_image_folder", size, mode, fit)
    where = f"read_image_folder: {os.fspath(path)}"
    files = list(_walk(Path(path)))
    check_fits(lambda: _need(files, form), where, SMALLER_IMAGES)
    return stack(files, where, form, skip_damaged)


def folder_need(path: Path, form: ImageForm) -> Need:
    """What `read_image_folder` takes: the number of files by the largest size of one file of each class.

    Raises
    ------
    OSError, ValueError
        If there is no such folder, or no file whose size can be told.
    """
    return _need(list(_walk(path)), form)


def _need(files: list[_File], form: ImageForm) -> Need:
    sizes = []
    for file in islice({file.class_name: file for file in files}.values(), _LOOKED_AT):
        try:
            sizes.append(decoded_size(file.content(), file.where, form))
        except ValueError:  # damaged: reading tells
            continue
    kept = max(sizes) * len(files)
    return Need(kept, kept)  # one by one, then as one array


def images_by_class(files: Iterable[tuple[str, bytes]], where: str, form: ImageForm, skip_damaged: bool) -> Labelled:
    """Decode image files given as (path in an archive, content); the folder of each names its class."""
    found = []
    for name, content in files:
        path = PurePosixPath(name)
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and len(path.parts) > 1:
            found.append(_File(path.parts[-2], f"{where}: {name}", content))
    return stack(found, where, form, skip_damaged)


def has_class_folders(path: Path) -> bool:
    """Tell whether a folder has folders with images in it."""
    return any(_images_in(entry) for entry in path.iterdir() if entry.is_dir())


def stack(files: Iterable[_File], where: str, form: ImageForm, skip_damaged: bool) -> Labelled:
    """Decode files and put them into one array, classes in natural order."""
    listed = sorted(files, key=lambda file: (natural(file.class_name), natural(file.where)))
    if not listed:
        raise ValueError(f"{where}: no folders with PNG, JPEG or PGM images in them")
    from concurrent.futures import ThreadPoolExecutor  # loads logging: not at import

    with ThreadPoolExecutor(get_num_threads()) as pool:
        decoded = list(pool.map(lambda file: _decoded(file, form, skip_damaged), listed))
    damaged = [result for result in decoded if isinstance(result, str)]
    if damaged:
        shown = "; ".join(damaged[:5]) + ("; ..." if len(damaged) > 5 else "")
        warnings.warn(f"{where}: {len(damaged)} damaged files left out: {shown}", stacklevel=3)
    kept = [(file, image) for file, image in zip(listed, decoded, strict=True) if not isinstance(image, str)]
    names = tuple(sorted({file.class_name for file, _ in kept}, key=natural))
    if not kept:
        raise ValueError(f"{where}: every image is damaged")
    images: list[NDArray[Any]] = [image for _, image in kept]
    if any(image.ndim == 3 for image in images):  # one colour image makes all of them so
        images = [image if image.ndim == 3 else np.broadcast_to(image, (3, *image.shape)) for image in images]
    shapes = {image.shape[-2:] for image in images}
    if len(shapes) > 1:
        low, high = min(shapes), max(shapes)
        raise ValueError(
            f"{where}: images of {len(shapes)} sizes, {low[0]} x {low[1]} to {high[0]} x {high[1]}; "
            "give size= to resize them"
        )
    labels = np.array([names.index(file.class_name) for file, _ in kept], np.int64)
    return Labelled(np.stack(images), labels, names)


def _decoded(file: _File, form: ImageForm, skip_damaged: bool) -> NDArray[np.uint8] | str:
    try:
        return decode(file.content(), file.where, form)
    except ValueError as error:
        if skip_damaged:
            return str(error)
        raise


def _walk(path: Path) -> Iterator[_File]:
    for folder in path.iterdir():
        if folder.is_dir():
            for file in _images_in(folder):
                yield _File(folder.name, f"read_image_folder: {file}", file)


def _images_in(folder: Path) -> list[Path]:
    if folder.name.startswith("."):
        return []
    return [f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and not f.name.startswith(".") and f.is_file()]


def natural(text: str) -> list[tuple[int, str]]:
    """Order digits within a name as numbers: s2 before s10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]
