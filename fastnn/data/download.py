"""Named data sets, downloaded once: checked, unfolded and kept as plain arrays."""

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

from fastnn.data.dataset import check_images, check_labels
from fastnn.data.formats import Reading, read_source
from fastnn.data.named_datasets import NAMED, NamedSet, RemoteFile
from fastnn.data.raw_dataset import ROLES, Parts
from fastnn.environment import DATA

__all__ = ["ARRAYS", "DOWNLOADS", "WAYS_OUT", "content_digest", "fetch", "set_folder"]

ARRAYS, DOWNLOADS = "arrays", "download"
"""The folders in a set's folder: its arrays, once it is whole, and the files they came from."""

WAYS_OUT = (
    "Three ways out: give path= (a file or folder that holds the data set), set the environment variable "
    f"{DATA} to the folder above it (or copy there the cache of a machine that has it), or use load('glyphs'), "
    "which needs no files"
)
_TIMEOUT = 20.0  # seconds without a byte
_FILE_OF = dict(zip(ROLES, ("x_train", "y_train", "x_test", "y_test"), strict=True))


def set_folder(name: str) -> Path:
    """Where a named set lies or will lie: in the folder that FASTNN_DATA names, else in the user's cache."""
    root = os.environ.get(DATA)
    if root:
        return Path(root).expanduser() / name
    caches = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "fastnn" / name


def fetch(name: str, *, progress: bool | None = None) -> Path:
    """Download a named data set, unless it is there already.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "kmnist", "notmnist", "cifar10"}
    progress : bool, optional
        Show a progress bar; None: if standard error is a terminal.

    Returns
    -------
    Path
        A folder with the set as .npy files, which `load` and `read_npy` read (memory-mapped, if wanted).

    Raises
    ------
    ValueError
        If there is no set of that name.
    FileNotFoundError
        If no source can be reached or what they hold is not the set; the message says what happened at each.
    OSError
        If the folder cannot be written.
    ImportError
        If pooch is not installed.

    Notes
    -----
    Files are kept in the folder that FASTNN_DATA names, else in the user's cache, under the name of the set. Each
    is downloaded under a temporary name and compared to its SHA-256 before it gets its own. No SHA-256 of notMNIST's
    archive is published: pinned is the one over the sorted SHA-256 of (label, pixels) of its 18,724 readable images,
    so any archive of just these is taken, and no other. Processes that ask at the same time each
    make a whole copy, and one of them stays.
    """
    if name not in NAMED:
        raise ValueError(f"fetch: no data set {name!r}; there are {', '.join(NAMED)}")
    named, folder = NAMED[name], set_folder(name)
    arrays = folder / ARRAYS
    if arrays.is_dir():
        return arrays
    downloads = folder / DOWNLOADS
    try:
        downloads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"fetch: cannot make {downloads} for {named.title} ({error.strerror}). {WAYS_OUT}") from None
    for file in named.files:
        _download(named, file, downloads, sys.stderr.isatty() if progress is None else progress)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if named.skip_damaged else "default")
        parts = read_source(downloads, Reading(skip_damaged=named.skip_damaged))
    found = _checked(parts)
    if named.content_sha256 is not None and content_digest(found) != named.content_sha256:
        for file in named.files:
            (downloads / file.name).unlink(missing_ok=True)
        raise FileNotFoundError(f"fetch: what was downloaded is not {named.title}: its images differ. {WAYS_OUT}")
    _keep(found, arrays)
    return arrays


def content_digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """The SHA-256 of images and labels whatever their order: over the sorted SHA-256 of (label, pixels)."""
    digests = sorted(
        hashlib.sha256(bytes([int(label)]) + image.tobytes()).digest()
        for images, labels in (ROLES[:2], ROLES[2:])
        if images in arrays
        for image, label in zip(arrays[images], arrays[labels], strict=True)
    )
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _download(named: NamedSet, file: RemoteFile, folder: Path, progress: bool) -> None:
    pooch = _pooch()
    known = None if file.sha256 is None else f"sha256:{file.sha256}"
    logger = pooch.get_logger()
    level = logger.level
    happened = []
    for source in named.sources:
        try:
            logger.setLevel("ERROR")  # the progress bar says enough
            getter = pooch.HTTPDownloader(progressbar=progress, timeout=_TIMEOUT)
            pooch.retrieve(source + file.name, known, file.name, folder, downloader=getter)
            return
        except (OSError, ValueError) as error:  # what requests raises is an OSError; another hash a ValueError
            happened.append(f"{source}: {_short(error)}")
        finally:
            logger.setLevel(level)
    raise FileNotFoundError(
        f"fetch: {named.title} is not at {folder.parent} and cannot be downloaded "
        f"({named.mebibytes} MiB; {'; '.join(happened)}). {WAYS_OUT}"
    )


def _short(error: Exception) -> str:
    if "hash" in str(error):
        return "another file: its SHA-256 differs"
    return f"{type(error).__name__}: {error}".split("\n", 1)[0][:160]


def _checked(parts: Parts) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for images, labels in ((parts.train_images, parts.train_labels), (parts.test_images, parts.test_labels)):
        if images is None or labels is None:
            continue
        image_role, label_role = ROLES[:2] if not found else ROLES[2:]
        found[image_role] = check_images(*images)
        found[label_role] = check_labels(labels.values, len(images.values), labels.where).astype(np.uint8)
    return found


def _keep(found: Mapping[str, NDArray[Any]], arrays: Path) -> None:
    """Write the arrays into a folder that appears at once, with all of them in it."""
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
            if not arrays.is_dir():  # else another process was faster
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _pooch() -> Any:
    try:
        import pooch
    except ImportError:
        raise ImportError("fetch: downloading needs pooch: pip install pooch") from None
    return pooch
