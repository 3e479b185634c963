"""Photos listed in a text file: address, crop box and SHA-256 of each."""

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

from fastnn.data.image_folders import Labelled
from fastnn.data.images import ImageForm, decode
from fastnn.data.memory import SMALLER_IMAGES, Need, check_fits
from fastnn.files import write_whole

__all__ = ["ListedPhotos", "Rejected", "read_photo_list"]

_FIELDS = 7
_MOST_BYTES = 32 << 20  # of a download
_HASH = re.compile(r"[0-9a-f]{64}")


class Rejected(NamedTuple):
    """A photo that was listed but not read: its line in the list (from 1), address, and why."""

    line: int
    url: str
    reason: str


class ListedPhotos(NamedTuple):
    """What a list of photos gave.

    Parameters
    ----------
    images : ndarray, (N, H, W) or (N, 3, H, W), uint8
    labels : ndarray, (N,), int64
        Indices into `class_names`.
    class_names : tuple of str
        The people, in alphabetical order; those without a photo too.
    lines : ndarray, (N,), int64
        The line of the list that each image stands in, from 1.
    rejected : tuple of Rejected
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    lines: NDArray[np.int64]
    rejected: tuple[Rejected, ...]

    @property
    def labelled(self) -> Labelled:
        """Images, labels and names, as the other readers return them."""
        return Labelled(self.images, self.labels, self.class_names)

    def report(self) -> str:
        """How many photos were read, and which were not and why, as text."""
        head = f"{len(self.images)} photos of {len(self.class_names)} people; {len(self.rejected)} rejected"
        return "\n".join([head, *(f"line {line}: {reason} ({url})" for line, url, reason in self.rejected)])


class _Entry(NamedTuple):
    line: int
    person: str
    url: str
    box: tuple[float, float, float, float]
    sha256: str


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
) -> ListedPhotos:
    """Read the photos that a text file lists, each cut to its box.

    Parameters
    ----------
    path : path-like
        The list: a photo a line, whitespace between the fields. Counting from 0: fields 0 and 1 the person's
        name, 4 the address (URL), 5 the box x1,y1,x2,y2 in pixels, 6 the SHA-256 of the file.
    folder : path-like
        Where the photos lie, in any folders and under any names: a file is known by its SHA-256, and where none
        has the right one, by the last part of its address.
    size : int or (height, width)
        What to resize to, in pixels.
    mode : {"rgb", "grey"}, default "rgb"
    fit : {"stretch", "crop"}, default "stretch"
        How to get to `size` from a box of another shape.
    accept : collection of str
        Addresses or SHA-256 (as listed) of photos to take although their SHA-256 differs.
    download : bool, default False
        Fetch what is not in the folder, and keep it there under its listed SHA-256.
    timeout : float, default 10.0
        Seconds that a download may stand still.

    Returns
    -------
    ListedPhotos
        In the order of the list.

    Raises
    ------
    OSError
        If the list cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the photos need more memory than is available; before one is read.
    ValueError
        If a line of it has not these fields, or no photo could be read.
    ImportError
        If Pillow is not installed.

    Notes
    -----
    A photo that is missing, cannot be downloaded, has another SHA-256, is damaged or has a box outside of it is
    left out, and `rejected` says why. A box that reaches over the edge is cut down to the photo.
    """
    form = ImageForm.of("read_photo_list", size, mode, fit)
    entries = _entries(Path(path))
    height, width = form.size or (0, 0)
    kept = len(entries) * height * width * (1 if mode == "grey" else 3)
    check_fits(lambda: Need(kept, kept), f"read_photo_list: {os.fspath(path)}", SMALLER_IMAGES)
    photos = _Photos(Path(folder))
    images, labels, lines, rejected = [], [], [], []
    names = tuple(sorted({entry.person for entry in entries}))
    for entry in entries:
        try:
            data = photos.content(entry, accept, download, timeout)
            images.append(decode(data, "read_photo_list", form, entry.box))
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
            raise ValueError(f"{where}: field 6 must be a SHA-256 of 64 hexadecimal digits, but is {fields[6]!r:.80}")
        entries.append(_Entry(number, " ".join(fields[:2]), fields[4], _box(fields[5], where), sha256))
    return entries


def _box(text: str, where: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{where}: field 5 must be a box x1,y1,x2,y2, but is {text!r:.80}") from None
    if not (abs(left) < 1e6 and abs(top) < 1e6 and abs(right) < 1e6 and abs(bottom) < 1e6):  # nor NaN
        raise ValueError(f"{where}: a box of {text!r:.80}")
    return left, top, right, bottom


class _Photos:
    """The files of a folder by SHA-256 and by name."""

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
        """Return the bytes of a photo.

        Raises
        ------
        ValueError
            Why there are none.
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
        raise ValueError(f"not an http address: {url!r:.80}")
    try:
        with urlopen(Request(url, headers={"User-Agent": "fastnn"}), timeout=timeout) as response:
            data: Any = response.read(_MOST_BYTES + 1)
            announced = response.headers.get("Content-Length", "")
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot be downloaded ({error})") from None
    if len(data) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES} bytes to download")
    if announced.isdecimal() and len(data) < int(announced):
        raise ValueError(f"the download broke off after {len(data)} of {announced} bytes")
    return bytes(data)
