"""Image files in one folder per class, read as one array."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.images import SUFFIXES, ImageOptions, decode, decoded_bytes, is_image
from fastnn.data.memory import SMALLER_IMAGES, MemoryEstimate, check_memory
from fastnn.data.raw_dataset import RawDataset
from fastnn.data.source import FileStart, Format, ReadOptions, Source
from fastnn.kernels.threads import get_num_threads

_SAMPLED = 32  # files whose headers are read to estimate the size of all images
_TEST_FOLDERS = ("test", "val", "valid", "validation")  # the first of these that exists is the test split


class LabelledImages(NamedTuple):
    """Images with labels.

    Parameters
    ----------
    images : ndarray, shape (N, H, W) or (N, 3, H, W), uint8
    labels : ndarray, shape (N,), int64
        Indices into `class_names`.
    class_names : tuple of str
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]


class _ImageFile(NamedTuple):
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
) -> LabelledImages:
    r"""Read PNG, JPEG, PGM and PPM files that are stored in one folder per class.

    Parameters
    ----------
    path : path-like
        The folder that contains the folders of the classes. Their names become `class_names`, in natural order (s2
        before s10). Files beside these folders, and files of other types inside them, are ignored.
    size : int or (height, width), optional
        The size in pixels that images are resized to. It is required if the files differ in size.
    mode : {"grey", "rgb"}, optional
        By default the images are grey if all files are grey, otherwise RGB.
    fit : {"crop", "stretch"}, default "crop"
        How an image of another aspect ratio is resized: "crop" cuts its centre out first, "stretch" distorts it.
    skip_damaged : bool, default False
        Leave damaged files out and name them in one warning, instead of raising an error.

    Returns
    -------
    LabelledImages
        images, labels, class_names.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    MemoryError
        If the images need more memory than is available; raised before the first one is decoded.
    ValueError
        If there are no class folders with images, a file is damaged, or sizes differ and `size` is not given.
    ImportError
        If Pillow is not installed.

    Notes
    -----
    Resizing computes a weighted mean over the area that a pixel covers (Pillow's BILINEAR filter). Grey is
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
    options = ImageOptions.of("read_image_folder", size, mode, fit)
    files = _image_files(_folders(Path(path)))
    check_memory(lambda: _memory(files, options), _where(path), SMALLER_IMAGES)
    return _decode_all(files, _where(path), options, skip_damaged)


def decode_archived(
    members: Iterable[tuple[str, bytes]], where: str, options: ImageOptions, skip_damaged: bool
) -> LabelledImages:
    """Decode the image files of an archive; the folder that contains a file names its class.

    Parameters
    ----------
    members : iterable of (str, bytes)
        Path and content of each file in the archive; files of other types are ignored.
    where : str
        The beginning of the error messages.
    options, skip_damaged
        As for `read_image_folder`.

    Raises
    ------
    ValueError, ImportError
        As for `read_image_folder`.
    """
    found = []
    for name, content in members:
        path = PurePosixPath(name)
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and len(path.parts) > 1:
            found.append(_ImageFile(path.parts[-2], f"{where}: {name}", content))
    return _decode_all(found, where, options, skip_damaged)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    if is_image(start.stored):
        raise ValueError(f"load: {start.path}: one image; give the folder that contains the folders of the classes")
    return None


def _open_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    folders = _folders(path)
    named = {folder.name.lower(): folder for folder in folders}
    test = next((named[name] for name in _TEST_FOLDERS if name in named), None)
    if "train" in named and test is not None and (images := _image_files(_folders(named["train"]))):
        splits = [(named["train"], images), (test, _image_files(_folders(test)))]
    elif images := _image_files(folders):
        splits = [(path, images)]
    else:
        return None

    def read() -> RawDataset:
        train, *rest = [
            _decode_all(images, _where(folder), options.image, options.skip_damaged) for folder, images in splits
        ]
        return RawDataset.from_splits(train, f"load: {path}", rest[0] if rest else None, f"load: {test}")

    def memory() -> MemoryEstimate:
        total = MemoryEstimate.total(_memory(images, options.image) for _, images in splits)
        return total if len(splits) == 2 else total.with_copies(1)  # without a test split, the images are split

    return Source(read, memory, SMALLER_IMAGES)


FORMAT = Format(
    "a folder of PNG, JPEG or PGM images for each class, or such folders inside train and test (or val)",
    _open_file,
    open_folder=_open_folder,
)


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_image_folder: {os.fspath(path)}"


def _folders(path: Path) -> list[Path]:
    return [entry for entry in path.iterdir() if entry.is_dir()]


def _image_files(folders: list[Path]) -> list[_ImageFile]:
    """List the image files in the folders of the classes."""
    return [
        _ImageFile(folder.name, _where(file), file)
        for folder in folders
        if not folder.name.startswith(".")
        for file in folder.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    ]


def _memory(files: list[_ImageFile], options: ImageOptions) -> MemoryEstimate:
    """Estimate the memory for all images: their number times the largest size of one image from each class."""
    sizes = []
    for file in islice({file.class_name: file for file in files}.values(), _SAMPLED):
        try:
            sizes.append(decoded_bytes(file.content(), file.where, options))
        except ValueError:  # the file is damaged: reading it raises the error
            continue
    total = max(sizes) * len(files)
    return MemoryEstimate(total, total)  # first one array for each image, then one for all


def _decode_all(files: Iterable[_ImageFile], where: str, options: ImageOptions, skip_damaged: bool) -> LabelledImages:
    """Decode files and stack them into one array, classes and files in natural order."""
    listed = sorted(files, key=lambda file: (natural_key(file.class_name), natural_key(file.where)))
    if not listed:
        raise ValueError(f"{where}: no folders with PNG, JPEG or PGM images in them")
    from concurrent.futures import ThreadPoolExecutor  # here, because it imports logging

    with ThreadPoolExecutor(get_num_threads()) as pool:
        decoded = list(pool.map(lambda file: _decode_one(file, options, skip_damaged), listed))
    damaged = [result for result in decoded if isinstance(result, str)]
    if damaged:
        shown = "; ".join(damaged[:5]) + ("; ..." if len(damaged) > 5 else "")
        warnings.warn(f"{where}: {len(damaged)} damaged files left out: {shown}", stacklevel=3)
    good = [(file, image) for file, image in zip(listed, decoded, strict=True) if not isinstance(image, str)]
    names = tuple(sorted({file.class_name for file, _ in good}, key=natural_key))
    if not good:
        raise ValueError(f"{where}: every image is damaged")
    images: list[NDArray[Any]] = [image for _, image in good]
    if any(image.ndim == 3 for image in images):  # if one image has colours, all are returned as RGB
        images = [image if image.ndim == 3 else np.broadcast_to(image, (3, *image.shape)) for image in images]
    shapes = {image.shape[-2:] for image in images}
    if len(shapes) > 1:
        low, high = min(shapes), max(shapes)
        raise ValueError(
            f"{where}: images of {len(shapes)} sizes, {low[0]} x {low[1]} to {high[0]} x {high[1]}; "
            "give size= to resize them"
        )
    labels = np.array([names.index(file.class_name) for file, _ in good], np.int64)
    return LabelledImages(np.stack(images), labels, names)


def _decode_one(file: _ImageFile, options: ImageOptions, skip_damaged: bool) -> NDArray[np.uint8] | str:
    """Return the image, or the message of the error if it is damaged and may be skipped."""
    try:
        return decode(file.content(), file.where, options)
    except ValueError as error:
        if skip_damaged:
            return str(error)
        raise


def natural_key(text: str) -> list[tuple[int, str]]:
    """Return a sort key that orders digits within a name as numbers: s2 before s10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]
