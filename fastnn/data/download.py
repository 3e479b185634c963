"""Downloading named data sets: each file is fetched once and checked, and the arrays are stored as .npy files."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.formats import read_source
from fastnn.data.named_datasets import NAMED_DATASETS, NamedDataset, RemoteFile
from fastnn.data.raw_dataset import ROLES, RawDataset, check_split
from fastnn.data.source import ReadOptions
from fastnn.environment import DATA, is_terminal, user_cache

ARRAYS, DOWNLOADS = "arrays", "download"
"""Inside the folder of a data set: the folders of its arrays, once they are complete, and of the downloaded files."""

WAYS_OUT = (
    "Three ways out: give path= (a file or folder that holds the data set), set the environment variable "
    f"{DATA} to the folder that contains the data set's folder (it may be a copy of another machine's cache), or use "
    "load('glyphs'), which needs no files"
)
_TIMEOUT = 20.0  # seconds without receiving anything
_FILE_OF = dict(zip(ROLES, ("x_train", "y_train", "x_test", "y_test"), strict=True))


def dataset_folder(name: str) -> Path:
    """Return the folder of a named data set, which may not exist yet.

    It is inside the folder that the environment variable FASTNN_DATA names, or inside the user's cache if the variable
    is not set.
    """
    root = os.environ.get(DATA)
    if root:
        return Path(root).expanduser() / name
    return user_cache() / name


def fetch(name: str, *, progress: bool | None = None) -> Path:
    """Download a named data set, unless it has been downloaded before.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "kmnist", "notmnist", "cifar10"}
    progress : bool, optional
        Whether to show a progress bar; by default it is shown if standard error is a terminal.

    Returns
    -------
    Path
        A folder with the images and labels as .npy files, for `load` and `read_npy`, which can memory-map them.

    Raises
    ------
    ValueError
        If there is no data set of that name.
    FileNotFoundError
        If no mirror can be reached, or what they offer is not the data set. The message says what happened at each.
    OSError
        If the folder cannot be written.
    ImportError
        If pooch is not installed.

    Notes
    -----
    Files are stored in a folder of the data set's name, inside the folder that the environment variable FASTNN_DATA
    names, or inside the user's cache if the variable is not set. A file is downloaded under a temporary name and
    renamed when its SHA-256 has been verified. No SHA-256 of notMNIST's archive is published. Instead, the images are
    verified: the SHA-256 over the sorted SHA-256 of (label, pixels) of its 18,724 readable images must be the right
    one, so that any archive of exactly these images is accepted. If several processes download a data set at the same
    time, each makes a complete copy, and one of the copies is kept.

    Examples
    --------
    >>> from fastnn.data import fetch
    >>> fetch("mnits")
    Traceback (most recent call last):
    ValueError: fetch: no data set 'mnits'; there are mnist, fashion-mnist, kmnist, notmnist, cifar10
    """
    if name not in NAMED_DATASETS:
        raise ValueError(f"fetch: no data set {name!r}; there are {', '.join(NAMED_DATASETS)}")
    named, folder = NAMED_DATASETS[name], dataset_folder(name)
    arrays = folder / ARRAYS
    if arrays.is_dir():
        return arrays
    downloads = folder / DOWNLOADS
    try:
        downloads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"fetch: cannot make {downloads} for {named.title} ({error.strerror}). {WAYS_OUT}") from None
    shown = is_terminal(sys.stderr) if progress is None else progress and sys.stderr is not None
    for file in named.files:
        _download(named, file, downloads, shown)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if named.skip_damaged else "default")
        found = _checked(read_source(downloads, ReadOptions(skip_damaged=named.skip_damaged)))
    if named.content_sha256 is not None and content_digest(found) != named.content_sha256:
        for file in named.files:
            (downloads / file.name).unlink(missing_ok=True)
        raise FileNotFoundError(f"fetch: what was downloaded is not {named.title}: its images differ. {WAYS_OUT}")
    _save(found, arrays)
    return arrays


def content_digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return a SHA-256 of images and labels that does not depend on the order of the samples.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Keys are those of `fastnn.data.raw_dataset.ROLES`; labels are below 256.

    Returns
    -------
    str
        64 hexadecimal digits: the SHA-256 over the sorted SHA-256 of (label, pixels) of each sample.
    """
    digests = sorted(
        hashlib.sha256(bytes([int(label)]) + image.tobytes()).digest()
        for images, labels in (ROLES[:2], ROLES[2:])
        if images in arrays
        for image, label in zip(arrays[images], arrays[labels], strict=True)
    )
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _download(named: NamedDataset, file: RemoteFile, folder: Path, progress: bool) -> None:
    pooch = _pooch()
    known = None if file.sha256 is None else f"sha256:{file.sha256}"
    logger = pooch.get_logger()
    level = logger.level
    failures = []
    for mirror in named.mirrors:
        try:
            logger.setLevel("ERROR")  # the progress bar is enough
            getter = pooch.HTTPDownloader(progressbar=progress, timeout=_TIMEOUT)
            pooch.retrieve(mirror + file.name, known, file.name, folder, downloader=getter)
            return
        except (OSError, ValueError) as error:  # requests raises an OSError; another hash is a ValueError
            failures.append(f"{mirror}: {_short(error)}")
        finally:
            logger.setLevel(level)
    raise FileNotFoundError(
        f"fetch: {named.title} is not at {folder.parent} and cannot be downloaded "
        f"({named.mebibytes} MiB; {'; '.join(failures)}). {WAYS_OUT}"
    )


def _short(error: Exception) -> str:
    if "hash" in str(error):
        return "another file: its SHA-256 differs"
    return f"{type(error).__name__}: {error}".split("\n", 1)[0][:160]


def _checked(raw: RawDataset) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for images, labels in ((raw.train_images, raw.train_labels), (raw.test_images, raw.test_labels)):
        if images is not None and labels is not None:
            pixels, numbers = check_split(images, labels)
            found |= zip(ROLES[len(found) :], (pixels, numbers.astype(np.uint8)), strict=False)
    return found


def _save(found: Mapping[str, NDArray[Any]], arrays: Path) -> None:
    """Write the arrays into a folder that gets its name only when all of them are in it."""
    import tempfile

    made = Path(tempfile.mkdtemp(prefix=f".{ARRAYS}.", dir=arrays.parent))
    try:
        for role, array in found.items():
            with (made / f"{_FILE_OF[role]}.npy").open("wb") as file:
                np.save(file, array)
                file.flush()
                os.fsync(file.fileno())
        made.chmod(0o755)
        try:
            made.rename(arrays)
        except OSError:
            if not arrays.is_dir():  # otherwise another process was faster
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _pooch() -> Any:
    try:
        import pooch
    except ImportError:
        raise ImportError("fetch: downloading needs pooch: pip install pooch") from None
    return pooch
