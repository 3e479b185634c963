"""A reader for photos that a text file lists, with the URL, the crop box and the SHA-256 of each."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from fastnn.data.image_folders import LabelledImages
from fastnn.data.images import ImageOptions, decode
from fastnn.data.memory import SMALLER_IMAGES, MemoryEstimate, check_memory
from fastnn.decisions.pictures import DEFAULT_BACKGROUND, Background
from fastnn.files import names_its_file, write_whole

_FIELDS = 7
_MAX_DOWNLOAD = 32 << 20  # bytes
_HASH = re.compile(r"[0-9a-f]{64}")


class Rejected(NamedTuple):
    """A photo that was listed but could not be read.

    Parameters
    ----------
    line : int
        Its line in the list, counted from 1.
    url : str
    reason : str
    """

    line: int
    url: str
    reason: str


class ListedPhotos(NamedTuple):
    """The photos of a list.

    Parameters
    ----------
    images : ndarray, shape (N, H, W) or (N, 3, H, W), uint8
    labels : ndarray, shape (N,), int64
        Indices into `class_names`.
    class_names : tuple of str
        The people in the list in alphabetical order, including those whose photos could not be read.
    lines : ndarray, shape (N,), int64
        The line of the list for each image, counted from 1.
    rejected : tuple of Rejected
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    lines: NDArray[np.int64]
    rejected: tuple[Rejected, ...]

    @property
    def labelled(self) -> LabelledImages:
        """Images, labels and class names, as `read_image_folder` returns them."""
        return LabelledImages(self.images, self.labels, self.class_names)

    def report(self) -> str:
        """Return a text with the number of photos, and each rejected one with the reason."""
        head = f"{len(self.images)} photos of {len(self.class_names)} people; {len(self.rejected)} rejected"
        return "\n".join([head, *(f"line {line}: {reason} ({url})" for line, url, reason in self.rejected)])


class _Entry(NamedTuple):
    line: int
    person: str
    url: str
    box: tuple[float, float, float, float]
    sha256: str


@names_its_file
def read_photo_list(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    size: int | tuple[int, int],
    mode: Literal["grey", "rgb"] = "rgb",
    fit: Literal["crop", "stretch"] = "stretch",
    accept: Collection[str] = (),
    download: bool = False,
    timeout: float = 10.0,
    background: Background = DEFAULT_BACKGROUND,
) -> ListedPhotos:
    """Read the photos that a text file lists, each cropped to its box.

    Parameters
    ----------
    path : path-like
        The list. Each line describes a photo in fields separated by whitespace. Counted from 0, fields 0 and 1 are
        the person's name, 4 is the URL, 5 the box x1,y1,x2,y2 in pixels of the upright photo, and 6 the SHA-256 of the
        file.
    folder : path-like
        The folder that contains the photos, at any depth and under any names. A file is found by its SHA-256 or, if no
        file has the right one, by its name, which is the last part of the URL.
    size : int or (height, width)
        The size in pixels that the boxes are resized to.
    mode : {"rgb", "grey"}, default "rgb"
    fit : {"stretch", "crop"}, default "stretch"
        How a box of another aspect ratio is resized: "stretch" distorts it, "crop" cuts its centre out first.
    accept : collection of str
        URLs or listed SHA-256 of photos that are accepted although their SHA-256 differs.
    download : bool, default False
        Download the photos that are not in the folder, and store them there under their listed SHA-256.
    timeout : float, default 10.0
        Seconds without receiving anything after which a download fails.
    background : {"white", "black"}, default "white"
        What shows through transparent pixels.

    Returns
    -------
    ListedPhotos
        The photos are in the order of the list.

    Raises
    ------
    OSError
        If the list cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the photos need more memory than is available; raised before the first one is read.
    ValueError
        If a line does not have these fields, or no photo could be read.
    ImportError
        If Pillow is not installed.

    Notes
    -----
    A photo is left out, and `rejected` says why, if it is missing, cannot be downloaded, has another SHA-256, is
    damaged, shows nothing on the background, or if the box lies outside it. A box that extends beyond the edge of the
    photo is clipped.

    Examples
    --------
    >>> import hashlib, tempfile
    >>> from pathlib import Path
    >>> from fastnn.data import read_photo_list
    >>> photo = b"P5 4 2 255 " + bytes(range(8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = (Path(folder) / "1.pgm").write_bytes(photo)
    ...     line = f"Ada Lovelace - - http://example.org/1.pgm 1,0,3,2 {hashlib.sha256(photo).hexdigest()}"
    ...     size = (Path(folder) / "list.txt").write_text(line)
    ...     found = read_photo_list(Path(folder) / "list.txt", folder, size=2, mode="grey")
    >>> found.images.tolist(), found.class_names
    ([[[1, 2], [5, 6]]], ('Ada Lovelace',))
    """
    options = ImageOptions.of("read_photo_list", size, mode, fit, background)
    entries = _entries(Path(path))
    height, width = options.size or (0, 0)
    total = len(entries) * height * width * (1 if mode == "grey" else 3)
    check_memory(lambda: MemoryEstimate(total, total), f"read_photo_list: {os.fspath(path)}", SMALLER_IMAGES)
    photos = _Photos(Path(folder))
    images, labels, lines, rejected = [], [], [], []
    names = tuple(sorted({entry.person for entry in entries}))
    for entry in entries:
        try:
            data = photos.content(entry, accept, download, timeout)
            picture = decode(data, "read_photo_list", options, entry.box)
            if picture.lost_on == background:
                raise ValueError(f"shows nothing on a {background} background")
            images.append(picture.pixels)
        except ValueError as error:
            reason = str(error).removeprefix("read_photo_list: ")
            rejected.append(Rejected(entry.line, entry.url, reason))
            continue
        labels.append(names.index(entry.person))
        lines.append(entry.line)
    if not images:
        reasons = f": {rejected[0].reason}" if rejected else ""
        raise ValueError(f"read_photo_list: {os.fspath(path)}: none of {len(entries)} photos could be read{reasons}")
    return ListedPhotos(np.stack(images), np.array(labels), names, np.array(lines), tuple(rejected))


def _entries(path: Path) -> list[_Entry]:
    entries = []
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"read_photo_list: {path}: not UTF-8 text, at offset {error.start}") from None
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields:
            continue
        where = f"read_photo_list: {path}: line {number}"
        if len(fields) < _FIELDS:
            raise ValueError(f"{where}: {len(fields)} fields, expected {_FIELDS} (name, name, ., ., URL, box, SHA-256)")
        sha256 = fields[6].lower()
        if not _HASH.fullmatch(sha256):
            raise ValueError(f"{where}: field 6: expected a SHA-256 of 64 hexadecimal digits, found {fields[6]!r:.80}")
        entries.append(_Entry(number, " ".join(fields[:2]), fields[4], _box(fields[5], where), sha256))
    return entries


def _box(text: str, where: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{where}: field 5: expected a box x1,y1,x2,y2, found {text!r:.80}") from None
    if not (abs(left) < 1e6 and abs(top) < 1e6 and abs(right) < 1e6 and abs(bottom) < 1e6):  # false for NaN
        raise ValueError(f"{where}: the box {text!r:.80} is out of range")
    return left, top, right, bottom


class _Photos:
    """The files in a folder, at any depth, by SHA-256 and by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.by_hash: dict[str, Path] = {}
        self.by_name: dict[str, Path] = {}
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if file.is_file() and not file.name.startswith("."):
                with file.open("rb") as opened:
                    self.by_hash.setdefault(hashlib.file_digest(opened, "sha256").hexdigest(), file)
                self.by_name.setdefault(file.name, file)

    def content(self, entry: _Entry, accept: Collection[str], download: bool, timeout: float) -> bytes:
        """Return the content of a photo's file.

        Raises
        ------
        ValueError
            If it is not there or is not the right one; the message is the reason for rejecting the photo.
        """
        found = self.by_hash.get(entry.sha256)
        if found is not None:
            return found.read_bytes()
        name = unquote(urlsplit(entry.url).path).rsplit("/", 1)[-1]
        found = self.by_name.get(entry.sha256) or self.by_name.get(name)
        if found is not None:
            data = found.read_bytes()
        elif download:
            data = _fetched(entry.url, timeout)
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / entry.sha256, data)
        else:
            raise ValueError("not in the folder")
        other = hashlib.sha256(data).hexdigest()
        if other != entry.sha256 and entry.url not in accept and entry.sha256 not in accept:
            raise ValueError(f"SHA-256 differs: {other[:12]}... instead of {entry.sha256[:12]}...")
        return data


def _fetched(url: str, timeout: float) -> bytes:
    from urllib.request import Request, urlopen

    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"not an http URL: {url!r:.80}")
    try:
        with urlopen(Request(url, headers={"User-Agent": "fastnn"}), timeout=timeout) as response:
            data: Any = response.read(_MAX_DOWNLOAD + 1)
            declared = response.headers.get("Content-Length", "")
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot be downloaded ({error})") from None
    if len(data) > _MAX_DOWNLOAD:
        raise ValueError(f"more than {_MAX_DOWNLOAD} bytes to download")
    if declared.isdecimal() and len(data) < int(declared):
        raise ValueError(f"the download broke off after {len(data)} of {declared} bytes")
    return bytes(data)
