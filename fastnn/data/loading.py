"""`load`: one call for every data set, by name or by path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fastnn.checks import number
from fastnn.data.assembling import Wishes, as_expected, assemble
from fastnn.data.dataset import Dataset
from fastnn.data.download import ARRAYS, DOWNLOADS, WAYS_OUT, dataset_folder, fetch
from fastnn.data.expected import Expected, Trained
from fastnn.data.formats import find_source, read_source
from fastnn.data.images import ImageOptions
from fastnn.data.named_datasets import NAMED_DATASETS
from fastnn.data.source import ReadOptions
from fastnn.data.synthetic import CLASS_NAMES, glyphs
from fastnn.decisions.array_axes import check_axes
from fastnn.files import names_its_file


@names_its_file
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
    size: int | tuple[int, int] | Literal["common"] | None = None,
    mode: Literal["grey", "rgb"] | None = None,
    fit: Literal["crop", "stretch"] = "crop",
    skip_damaged: bool = False,
    background: Literal["white", "black"] | None = None,
    label: str | int | None = None,
    scale: float | None = None,
    mapped: bool = False,
    like: Dataset | Trained | Expected | None = None,
    axes: str | None = None,
) -> Dataset:
    """Load a data set by its name, or from a file or folder.

    Parameters
    ----------
    name : str or path-like, default "glyphs"
        "glyphs" (synthetic, needs no files), "mnist", "fashion-mnist", "kmnist", "notmnist", "cifar10", or the path of
        a file or a folder.
    path : path-like, optional
        The file or folder of a named data set. By default this is the folder of the same name inside the one that the
        environment variable FASTNN_DATA names, or inside the user's cache if the variable is not set. If there is
        nothing, the data set is downloaded.
    download : bool, default True
        Whether a named data set may be downloaded, as by `fetch`.
    class_names : sequence of str, optional
        One name per class. By default these are the names in the files or of the named data set, or else "0", "1", ...
        up to the largest training label; then every class must occur. Names in the files are replaced one by one, in
        their order, which is a decision.
    test_fraction : float, default 1/6
        The fraction of the images that become the test split, stratified by class, if the files hold no test split.
    seed : int, 0 <= seed < 2**64
        The seed of that split and of "glyphs".
    kind : {"letters", "digits"}, optional
        What the images of "glyphs" show; by default letters.
    train, test : int, optional
        How many images of "glyphs" to make; by default 10,000 and 2,000.
    size, mode, fit, skip_damaged, background
        How image files are read; as for `read_image_folder`.
    label : str or int, optional
        The column of a table that holds the labels; as for `read_csv`.
    scale : float, optional
        The factor that brings the values into about 0 ... 1, above 0. By default 1/255 for pixels and 1 for everything
        else; see Notes.
    mapped : bool, default False
        Memory-map the images in .npy files and in uncompressed IDX files instead of reading them, for data sets that do
        not fit into memory.
    like : Dataset or Sequential, optional
        What the data are for: a trained model, or the data set that it is trained on. Columns and classes are then
        found by their names and returned in that order; classes that it does not know come after those that it knows.
        Image files are brought to the size and mode of the training, unless `size` or `mode` say otherwise.
        The scale is the one of the training; with `scale=` the values are multiplied by what it is of that scale.
    axes : str, optional
        The order of the axes of stored arrays, a letter each: N (samples), C (channels), H (rows) and W (columns), such
        as "NHWC" or "HWCN"; for grey images N, H and W, for rows of values N and D. By default it is found out.

    Returns
    -------
    Dataset
        The images have the dtype in which they are stored. Rows of 784 pixels become 28 x 28. Its `decisions` say how
        files with more than one reading were read.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path, or a named data set is missing and cannot be downloaded.
    MemoryError
        If loading needs more memory than is available, as `memory_needed` estimates it; raised before the first file is
        read.
    ValueError
        If a file is damaged, the files do not fit together (the message names the file), they have two readings
        between which nothing decides, they lack what `like` needs, or an argument is not valid.

    Notes
    -----
    Whole numbers in 0 ... 255 may be pixels or other figures. They are taken as pixels, and divided by 255, if they are
    images (with two dimensions or three) that were stored as bytes or reach 128, if the columns are called pixel0,
    pixel1, ... or 1x1, 1x2, ..., or if a row has as many values as a square image (8 x 8 at least, grey or coloured)
    and they reach 128. Everything else keeps its values, decimals and zeros and ones too.

    The formats that a path may lead to are listed in the documentation of `fastnn.data`. Files are recognised by their
    content, not by their names.

    Named arrays may be called x_train, y_train, x_test, y_test; train_images, train_labels, test_images, test_labels;
    training_data, training_labels, test_data, test_labels; trainData, trainTarget, testData, testTarget; or images and
    labels (data and target; X and y). Arrays of other names are left out. Test images without labels become
    `Dataset.unlabelled_images`.

    Labels are numbers, one-hot rows or columns, or text, which names the classes. If they are the numbers 1 ... K, the
    classes have these as names. In arrays, the axis that is as long as there are labels counts the samples, and one of
    length 1, 3 or 4 the channels, before or behind rows and columns; if two fit, `axes` has to say which.

    Nothing in a file can run: pickles are read by `read_pickle`, which accepts plain data only.

    Examples
    --------
    >>> from fastnn.data import load
    >>> load("glyphs", train=600, test=100, seed=3).class_names
    ('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J')
    """
    expected = None if like is None else Expected.of(like)
    if scale is not None:
        scale = number("load", "scale", scale, above=0)
    if str(name) == "glyphs":
        useless = {"path": path, "class_names": class_names, "label": label, "scale": scale, "size": size, "mode": mode}
        for argument, value in useless.items():
            if value is not None:
                raise ValueError(f"load: 'glyphs' reads no files and takes no {argument}, but it is {value!r}")
        made = _glyphs(kind or "letters", 10_000 if train is None else train, 2_000 if test is None else test, seed)
        return made if expected is None else as_expected(made, expected, "load: glyphs")
    for argument, count in (("kind", kind), ("train", train), ("test", test)):
        if count is not None:
            raise ValueError(f"load: {argument} is for 'glyphs' only, but the data set is {str(name)!r}")
    source = _find(str(name), path, download)
    title = str(name) if str(name) in NAMED_DATASETS else source.resolve().name.split(".")[0]
    known = NAMED_DATASETS.get("notmnist" if "notmnist" in title.lower() else title)
    check_axes("load", axes)
    image = ImageOptions.of("load", size, mode, fit, background)
    asked = image != ImageOptions(common=image.common)
    if expected is not None:
        image = image.completed(expected.reading)
    options = ReadOptions(image, label, skip_damaged, mapped, expected, axes, asked)
    raw = read_source(source, options)
    if known is not None and class_names is None and raw.class_names is None:
        class_names = known.class_names
    return assemble(raw, f"load: {source}", title, Wishes(class_names, test_fraction, seed, scale, expected))


def memory_needed(
    name: str | os.PathLike[str],
    *,
    path: str | os.PathLike[str] | None = None,
    size: int | tuple[int, int] | Literal["common"] | None = None,
    mode: Literal["grey", "rgb"] | None = None,
    mapped: bool = False,
) -> int | None:
    """Estimate the most memory that `load` uses while it reads a data set, without reading it.

    Parameters
    ----------
    name, path, size, mode, mapped
        As for `load`.

    Returns
    -------
    int or None
        Bytes: the images and labels, and what is needed in addition while they are read. The estimate comes from the
        headers of the files. It is approximate for tables (from their size and first lines), for pickles and archives
        (from their decompressed size) and for folders of images (from their number and the size of one image per
        class). None if headers are damaged.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path, or a named data set has not been downloaded yet.
    ValueError
        If the path does not lead to a data set.

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
    image = ImageOptions.of("memory_needed", size, mode, "crop")
    options = ReadOptions(image, mapped=mapped, image_asked=image != ImageOptions(common=image.common))
    source = find_source(_find(str(name), path, download=False), options)
    try:
        return source.memory().peak
    except (ValueError, OSError):
        return None


def _glyphs(kind: str, train: int, test: int, seed: int) -> Dataset:
    train_images, train_labels = glyphs(train, kind=kind, split="train", seed=seed)
    test_images, test_labels = glyphs(test, kind=kind, split="test", seed=seed)
    return Dataset(
        train_images, train_labels, test_images, test_labels, CLASS_NAMES[kind], scale=1 / 255, name="glyphs"
    )


def _find(name: str, path: str | os.PathLike[str] | None, download: bool) -> Path:
    """Return the file or folder to read, after checking that it exists."""
    if path is None and name in NAMED_DATASETS:
        return _find_named(name, download)
    found = Path(name if path is None else path).expanduser()
    if not found.exists():
        raise FileNotFoundError(f"load: no file or folder {found}. {WAYS_OUT}")
    return found


def _find_named(name: str, download: bool) -> Path:
    folder = dataset_folder(name)
    if (folder / ARRAYS).is_dir():
        return folder / ARRAYS
    if folder.is_dir() and any(entry.name != DOWNLOADS and entry.name[0] != "." for entry in folder.iterdir()):
        return folder
    if not download:
        raise FileNotFoundError(f"load: {name!r} is not at {folder} and download is False. {WAYS_OUT}")
    return fetch(name)
