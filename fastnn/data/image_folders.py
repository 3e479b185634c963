"""Image files in one folder per class, read as one array."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.caller import warn_caller
from fastnn.data.image_decoding import decoded_pictures, in_one_size, one_array
from fastnn.data.image_formats import READ_FORMATS, image_format
from fastnn.data.image_tree import ClassFiles, ImageTree, files_in, files_of_archive, image_tree
from fastnn.data.images import ImageOptions, Picture, decoded_bytes
from fastnn.data.memory import SMALLER_IMAGES, MemoryEstimate, check_memory
from fastnn.data.natural import natural_order
from fastnn.data.raw_dataset import RawDataset
from fastnn.data.source import FileStart, Format, ReadOptions, Source
from fastnn.decisions import Decision
from fastnn.decisions.pictures import Background
from fastnn.files import names_its_file

_SAMPLED = 32  # files whose headers are read to estimate the size of all images


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


@names_its_file
def read_image_folder(
    path: str | os.PathLike[str],
    *,
    size: int | tuple[int, int] | Literal["common"] | None = None,
    mode: Literal["grey", "rgb"] | None = None,
    fit: Literal["crop", "stretch"] = "crop",
    skip_damaged: bool = False,
    background: Background | None = None,
) -> LabelledImages:
    r"""Read image files that are stored in one folder per class.

    Parameters
    ----------
    path : path-like
        The folder that contains the folders of the classes. Their names become `class_names`, in natural order (s2
        before s10). Hidden files and those of the operating system are passed over.
    size : int, (height, width) or "common", optional
        The size in pixels that images are resized to. It is required if the files differ in size; "common" then
        resizes them to 64 x 64, which is a decision, and otherwise leaves them as they are.
    mode : {"grey", "rgb"}, optional
        By default the images are grey if all files are grey, otherwise RGB.
    fit : {"crop", "stretch"}, default "crop"
        How an image of another aspect ratio is resized: "crop" cuts its centre out first, "stretch" distorts it.
    skip_damaged : bool, default False
        Leave damaged files out and name them in one warning, instead of raising an error.
    background : {"white", "black"}, optional
        What shows through transparent pixels. By default white or, if images would show nothing on white, black.

    Returns
    -------
    LabelledImages
        images, labels, class_names.

    Warns
    -----
    UserWarning
        With each decision (`fastnn.decisions.Decision`) about what has two readings: the background of transparent
        images, files with several frames, of which the first is read, and files and folders that hold no image.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    MemoryError
        If the images need more memory than is available; raised before the first one is decoded.
    ValueError
        If there are no class folders with images, a file is damaged, in a format that is not read or of pixels whose
        black and white are not known, sizes differ and `size` is not given, folders of classes contain others with
        images, or their names differ in case or in the Unicode form of a letter alone.
    ImportError
        If Pillow is not installed.

    Notes
    -----
    The formats are PNG, JPEG, PBM, PGM, PPM, BMP, GIF, TIFF, PCX, SGI, QOI and, as far as Pillow is built with them,
    WebP, JPEG 2000 and AVIF. A file is an image by its name or its first bytes. Images that their EXIF data says are
    turned are turned back; grey of 16 bits is divided by 257, and floats from 0 to 1 are multiplied by 255, rounded.

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
    options = ImageOptions.of("read_image_folder", size, mode, fit, background)
    here = _where(path)
    tree = image_tree(files_in(Path(path), "read_image_folder"), here, lambda parts: _where(Path(path, *parts)))
    if tree is None or len(tree.splits) > 1:
        found = "folders of images inside train and test: give one of them" if tree else ""
        raise ValueError(f"{here}: {found or f'no folders with {READ_FORMATS} images in them'}")
    options, chosen = in_one_size(tree, options)
    check_memory(lambda: _memory(tree.splits[0], options), here, SMALLER_IMAGES)
    (images,), decisions = _decode_all(tree, here, options, skip_damaged)
    decisions = (*chosen, *decisions)
    for decision in decisions:
        warn_caller(f"{here}: {decision}")
    return images


def archived_images(
    members: Iterable[tuple[str, bytes | memoryview]], where: str, options: ImageOptions, skip_damaged: bool
) -> RawDataset:
    """Decode the image files of an archive, whose folders are read as those on a disk.

    Parameters
    ----------
    members : iterable of (str, bytes-like)
        Path and content of each file in the archive.
    where : str
        The beginning of the error messages.
    options, skip_damaged
        As for `read_image_folder`.

    Raises
    ------
    ValueError, ImportError
        As for `read_image_folder`.
    """
    tree = image_tree(files_of_archive(members, where), where, lambda parts: ": ".join([where, *parts]))
    if tree is None:
        raise ValueError(f"{where}: no folders with {READ_FORMATS} images in them")
    return _dataset(tree, where, options, skip_damaged)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    if image_format(start.stored) is not None:
        raise ValueError(f"load: {start.path}: one image; give the folder that contains the folders of the classes")
    return None


def _open_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    tree = image_tree(files_in(path, "read_image_folder"), f"load: {path}", lambda parts: _where(Path(path, *parts)))
    if tree is None:
        return None

    def memory() -> MemoryEstimate:
        image, _ = in_one_size(tree, options.image)
        # every image is an array of its own before those of both splits are joined
        return MemoryEstimate.total(_memory(split, image) for split in tree.splits).with_copies(1)

    return Source(lambda: _dataset(tree, f"load: {path}", options.image, options.skip_damaged), memory, SMALLER_IMAGES)


FORMAT = Format(
    "a folder of PNG, JPEG or other images for each class, or such folders inside train and test (or val)",
    _open_file,
    open_folder=_open_folder,
)


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_image_folder: {os.fspath(path)}"


def _memory(split: ClassFiles, options: ImageOptions) -> MemoryEstimate:
    """Estimate the memory for all images: their number times the largest size of one image from each class."""
    sizes = [0]
    for files in islice(split.files.values(), _SAMPLED):
        try:
            sizes.append(decoded_bytes(files[0].content(), files[0].where, options))
        except ValueError:  # the file is damaged: reading it raises the error
            continue
    total = max(sizes) * sum(map(len, split.files.values()))
    return MemoryEstimate(total, total)  # first one array for each image, then one for all


def _dataset(tree: ImageTree, where: str, options: ImageOptions, skip_damaged: bool) -> RawDataset:
    options, chosen = in_one_size(tree, options)
    (train, *rest), decisions = _decode_all(tree, where, options, skip_damaged)
    raw = RawDataset.from_splits(train, where, rest[0] if rest else None, tree.splits[-1].where)
    return raw._replace(decisions=(*chosen, *decisions))


def _decode_all(
    tree: ImageTree, where: str, options: ImageOptions, skip_damaged: bool
) -> tuple[list[LabelledImages], tuple[Decision, ...]]:
    """Decode the files of all splits, which are read alike; classes and files in natural order."""
    pictures, decisions = decoded_pictures(tree, where, options, skip_damaged)
    in_colour = any(each.picture.pixels.ndim == 3 for each in pictures)  # then all are returned as RGB
    splits = [
        _stacked(split, [(each.name, each.picture) for each in pictures if each.split is split], in_colour)
        for split in tree.splits
    ]
    return splits, (*tree.decisions, *decisions)


def _stacked(split: ClassFiles, images: list[tuple[str, Picture]], in_colour: bool) -> LabelledImages:
    """Join images, which are in the order of their classes, to one array."""
    names = tuple(sorted(split.files, key=natural_order))
    lost = set(names).difference(name for name, _ in images)
    if lost:
        raise ValueError(f"{split.where}: every image of class {min(lost)!r} is damaged")
    pixels = one_array([picture.pixels for _, picture in images], split.where, in_colour=in_colour)
    return LabelledImages(pixels, np.array([names.index(name) for name, _ in images], np.int64), names)
