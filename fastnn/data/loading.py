"""`load`: one call for every data set, by name or by path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.data.dataset import Dataset, check_images, check_labels
from fastnn.data.download import ARRAYS, DOWNLOADS, WAYS_OUT, fetch, set_folder
from fastnn.data.formats import Reading, find_source, read_source
from fastnn.data.images import ImageForm
from fastnn.data.mapped import is_mapped
from fastnn.data.named_datasets import NAMED
from fastnn.data.raw_dataset import Parts, Stored
from fastnn.data.splits import train_test_split
from fastnn.data.synthetic import CLASS_NAMES, glyphs

__all__ = ["load", "memory_needed"]


def load(
    name: str | os.PathLike[str] = "glyphs",
    *,
    path: str | os.PathLike[str] | None = None,
    download: bool = True,
    class_names: Sequence[str] | None = None,
    test_fraction: float = 1 / 6,
    seed: int = 0,
    kind: str | None = None,
    train: int | None = None,
    test: int | None = None,
    size: int | tuple[int, int] | None = None,
    mode: Literal["grey", "rgb"] | None = None,
    fit: Literal["crop", "stretch"] = "crop",
    skip_damaged: bool = False,
    label: str | int | None = None,
    mapped: bool = False,
) -> Dataset:
    """Load a data set by its name, or from a file or folder.

    Parameters
    ----------
    name : str or path-like, default "glyphs"
        "glyphs" (made on the spot, needs no files); "mnist", "fashion-mnist", "kmnist", "notmnist", "cifar10"; or
        a path.
    path : path-like, optional
        Where a named data set lies. Without it the subfolder of that name is taken of the folder that the
        environment variable FASTNN_DATA names, else of the user's cache, and what is not there is downloaded.
    download : bool, default True
        Whether a named set may be downloaded, as `fetch` does.
    class_names : sequence of str, optional
        One name for each class. By default those of the named set, else "0", "1", ... up to the largest
        training label, and then every class must occur.
    test_fraction : float, default 1/6
        The share of the images that become the test split, stratified, where the source has none.
    seed : int, 0 <= seed < 2**64
        For that split and for "glyphs".
    kind : {"letters", "digits"}, optional
        For "glyphs"; by default "letters".
    train, test : int, optional
        For "glyphs": how many images; by default 10,000 and 2,000.
    size, mode, fit, skip_damaged
        For folders of image files, as in `read_image_folder`.
    label : str or int, optional
        For tables: the column of the labels, as in `read_csv`.
    mapped : bool, default False
        Leave the images of .npy and uncompressed IDX files on the disk and read them as they are used: for sets
        that do not fit into memory.

    Returns
    -------
    Dataset
        Images in the type they were stored in; rows of 784 pixels become 28 x 28.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path, or a named set is nowhere and cannot be downloaded.
    MemoryError
        If it needs more memory than is available, as `memory_needed` tells; before the first file is read.
    ValueError
        If the content of a file is damaged or does not fit together (the message names the file), or an
        argument does not.

    Notes
    -----
    A path may lead to

    - a folder with the four IDX files of MNIST, gzipped or not;
    - a MAT file (or a folder with one) with train0 ... train9, test0 ... test9, or with the names below;
    - an .npz file (or a folder with one);
    - a folder of .npy files;
    - mnist.pkl.gz, the batches of CIFAR-10 (their folder or the .tar.gz), or another pickle of plain arrays;
    - a table as text (.csv), or a folder with one for training and one for testing;
    - a folder of PNG, JPEG or PGM images for each class, or train and test (or val) with such folders in them,
      or a .tar.gz of them.

    Named arrays may be called x_train, y_train, x_test, y_test; train_images, train_labels, test_images,
    test_labels; training_data, training_labels, test_data, test_labels; trainData, trainTarget, testData,
    testTarget; or images, labels (data, target; X, y). Test images without labels go to
    `Dataset.unlabelled_images`. Arrays of other names are left aside, files are told by their content, and
    nothing in a file can run: pickles go through `read_pickle`, which knows plain data only.

    Examples
    --------
    >>> from fastnn.data import load
    >>> load("glyphs", train=600, test=100, seed=3).class_names
    ('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J')
    """
    if str(name) == "glyphs":
        for argument, value in (("path", path), ("class_names", class_names)):
            if value is not None:
                raise ValueError(f"load: 'glyphs' is made, not read, and takes no {argument}, but it is {value!r}")
        return _glyphs(kind or "letters", 10_000 if train is None else train, 2_000 if test is None else test, seed)
    for argument, count in (("kind", kind), ("train", train), ("test", test)):
        if count is not None:
            raise ValueError(f"load: {argument} is for 'glyphs' only, but the data set is {str(name)!r}")
    source = _find(str(name), path, download)
    title = str(name) if str(name) in NAMED else source.resolve().name.split(".")[0]
    known = NAMED.get("notmnist" if "notmnist" in title.lower() else title)
    if class_names is None and known is not None:
        class_names = known.class_names
    how = Reading(ImageForm.of("load", size, mode, fit), label, skip_damaged, mapped)
    parts = read_source(source, how)
    return _dataset(parts, f"load: {source}", title, class_names or parts.class_names, test_fraction, seed)


def memory_needed(
    name: str | os.PathLike[str],
    *,
    path: str | os.PathLike[str] | None = None,
    size: int | tuple[int, int] | None = None,
    mode: Literal["grey", "rgb"] | None = None,
    mapped: bool = False,
) -> int | None:
    """Tell how much memory `load` takes at its most for a data set that is there, without reading it.

    Parameters
    ----------
    name, path, size, mode, mapped
        As for `load`, which refuses what needs more than there is.

    Returns
    -------
    int or None
        Bytes: of the images and labels, and while they are read. From headers where files have any that tell;
        about, for tables (by their size and first lines), pickles and archives (by what they unfold to) and
        folders of images (their number, and the size of one of each class). None where headers are damaged.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path, or a named set is not there yet.
    ValueError
        If it is no data set.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fastnn.data import memory_needed
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/set.npz", x_train=np.zeros((50, 28, 28), np.uint8), y_train=np.arange(50) % 2)
    ...     memory_needed(folder) > 50 * 28 * 28
    True
    """
    form = ImageForm.of("memory_needed", size, mode, "crop")
    source = find_source(_find(str(name), path, download=False), Reading(form, mapped=mapped))
    try:
        return source.need().most
    except (ValueError, OSError):
        return None


def _glyphs(kind: str, train: int, test: int, seed: int) -> Dataset:
    train_images, train_labels = glyphs(train, kind=kind, split="train", seed=seed)
    test_images, test_labels = glyphs(test, kind=kind, split="test", seed=seed)
    return Dataset(
        train_images, train_labels, test_images, test_labels, CLASS_NAMES[kind], scale=1 / 255, name="glyphs"
    )


def _find(name: str, path: str | os.PathLike[str] | None, download: bool) -> Path:
    """Return the file or folder to read, which exists."""
    if path is None and name in NAMED:
        return _find_named(name, download)
    place = Path(name if path is None else path).expanduser()
    if not place.exists():
        raise FileNotFoundError(f"load: no file or folder {place}. {WAYS_OUT}")
    return place


def _find_named(name: str, download: bool) -> Path:
    place = set_folder(name)
    if (place / ARRAYS).is_dir():
        return place / ARRAYS
    if place.is_dir() and any(entry.name != DOWNLOADS and entry.name[0] != "." for entry in place.iterdir()):
        return place
    if not download:
        raise FileNotFoundError(f"load: {name!r} is not at {place} and download is False. {WAYS_OUT}")
    return fetch(name)


def _dataset(
    parts: Parts, where: str, title: str, class_names: Sequence[str] | None, test_fraction: float, seed: int
) -> Dataset:
    images, labels = _checked(parts.train_images, parts.train_labels)
    names = tuple(class_names) if class_names is not None else _numbered(labels, parts.train_labels.where)
    _in_range(labels, names, parts.train_labels.where)
    unlabelled = None
    if parts.test_images is not None and parts.test_labels is not None:
        test_images, test_labels = _checked(parts.test_images, parts.test_labels)
        _in_range(test_labels, names, parts.test_labels.where)
    else:
        if parts.test_images is not None:
            unlabelled = check_images(*parts.test_images)
        if is_mapped(images):
            raise ValueError(f"{where}: has no test split, which a mapped set must have: splitting would copy it")
        try:
            kept, held_out = train_test_split(labels, test_fraction, seed=seed)
        except ValueError as error:
            raise ValueError(f"{where}: has no test split, and {len(labels)} images give none: {error}") from None
        test_images, test_labels = images[held_out], labels[held_out]
        images, labels = images[kept], labels[kept]
    for split, others in (("test", test_images), ("unlabelled", unlabelled)):
        if others is not None and others.shape[1:] != images.shape[1:]:
            raise ValueError(f"{where}: {split} images have shape {others.shape[1:]}, train images {images.shape[1:]}")
    return Dataset(images, labels, test_images, test_labels, names, _scale(images), title, unlabelled)


def _checked(images: Stored, labels: Stored) -> tuple[NDArray[Any], NDArray[np.int64]]:
    pixels = check_images(*images)
    return pixels, check_labels(labels.values, len(pixels), labels.where)


def _numbered(labels: NDArray[np.int64], where: str) -> tuple[str, ...]:
    """Name the classes by their numbers; a gap in them is more likely a damaged label than a class."""
    found = np.unique(labels)
    missing = np.flatnonzero(found != np.arange(found.size))
    if missing.size:
        stray = found[missing[0]]
        raise ValueError(
            f"{where}: label {stray} at index {np.argmax(labels == stray)} is out of range: "
            f"there is no label {missing[0]} (class_names says how many classes there are)"
        )
    return tuple(str(number) for number in range(found.size))


def _in_range(labels: NDArray[np.int64], names: tuple[str, ...], where: str) -> None:
    wrong = np.flatnonzero(labels >= len(names))
    if wrong.size:
        raise ValueError(
            f"{where}: label {labels[wrong[0]]} at index {wrong[0]} is out of range: there are {len(names)} "
            f"classes (class_names gives others)"
        )


def _scale(images: NDArray[Any]) -> float:
    """1/255 where whole numbers lie in 0 ... 255, else 1."""
    if images.dtype == np.uint8:
        return 1 / 255
    if images.dtype.kind in "iu" and images.min() >= 0 and images.max() <= 255:
        return 1 / 255
    return 1.0
