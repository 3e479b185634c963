"""The image files of a folder or an archive: which of them are images, of which class, and of which split."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fastnn.data.image_formats import (
    READ_FORMATS,
    START_BYTES,
    has_image_name,
    has_unread_name,
    image_format,
    is_hidden,
    is_left_behind,
)
from fastnn.decisions import Decision
from fastnn.decisions.pictures import left_out
from fastnn.files import naming

_DEPTH = 6  # names on the longest path that is listed: two folders around the set, split, class, one too many, file
_TEST_FOLDERS = ("test", "val", "valid", "validation")  # the first of these that exists is the test split


@dataclass(frozen=True)
class FoundFile:
    """A file in a folder or in an archive.

    Parameters
    ----------
    parts : tuple of str
        The names of the folders that lead to it from the top, and its own.
    where : str
        The beginning of error messages about it.
    source : Path or bytes-like
        Where its content is, or the content.
    """

    parts: tuple[str, ...]
    where: str
    source: Path | bytes | memoryview

    def content(self) -> bytes:
        """Return what the file holds."""
        if not isinstance(self.source, Path):
            return bytes(self.source)
        with naming(self.source):
            return self.source.read_bytes()

    def is_image(self) -> bool:
        """Return whether it is an image, by its name or, if that ends otherwise, by its first bytes."""
        name = self.parts[-1]
        if is_left_behind(name) or has_unread_name(name):
            return False
        return has_image_name(name) or image_format(self._start()) is not None

    def _start(self) -> bytes:
        if not isinstance(self.source, Path):
            return bytes(self.source[:START_BYTES])
        try:
            with naming(self.source), self.source.open("rb") as file:
                return file.read(START_BYTES)
        except PermissionError:  # a file that may not be read is no image as far as anyone can tell
            return b""


@dataclass(frozen=True)
class Found:
    """What a folder or an archive holds.

    Parameters
    ----------
    files : sequence of FoundFile
    folders : sequence of tuple of str
        The parts of each folder, of the empty ones too.
    """

    files: Sequence[FoundFile]
    folders: Sequence[tuple[str, ...]]


class ClassFiles(NamedTuple):
    """The image files of one split.

    Parameters
    ----------
    where : str
        The beginning of error messages about the split.
    files : dict of str to list of FoundFile
        By class.
    """

    where: str
    files: dict[str, list[FoundFile]]


class ImageTree(NamedTuple):
    """The image files of a data set, and what is not taken for them.

    Parameters
    ----------
    splits : list of ClassFiles
        The training split and, if there is one, the test split.
    decisions : tuple of Decision
    """

    splits: list[ClassFiles]
    decisions: tuple[Decision, ...]


def files_in(path: Path, function: str, depth: int = _DEPTH) -> Found:
    """List the files and folders below a folder; hidden ones and those of the operating system are passed over.

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    files: list[FoundFile] = []
    folders: list[tuple[str, ...]] = []

    def visit(folder: Path, parts: tuple[str, ...]) -> None:
        for entry in sorted(folder.iterdir()):
            if is_hidden(entry.name):
                continue
            here = (*parts, entry.name)
            if entry.is_file():
                files.append(FoundFile(here, f"{function}: {entry}", entry))
            elif entry.is_dir():
                folders.append(here)
                if len(here) < depth:
                    visit(entry, here)

    visit(path, ())
    return Found(files, folders)


def files_of_archive(members: Iterable[tuple[str, bytes | memoryview]], where: str) -> Found:
    """List the files of an archive by their paths, as `files_in` lists those of a folder.

    Nothing is written, so a path that leads out of the archive is taken by the names in it.
    """
    files: list[FoundFile] = []
    folders: set[tuple[str, ...]] = set()
    for name, content in members:
        parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
        if parts and not any(map(is_hidden, parts)):
            files.append(FoundFile(parts, f"{where}: {name}", content))
            folders.update(parts[:end] for end in range(1, len(parts)))
    return Found(files, sorted(folders))


def image_tree(found: Found, where: str, splits_where: Callable[[tuple[str, ...]], str]) -> ImageTree | None:
    """Find the classes, and a training and a test split if there are any, among files.

    Parameters
    ----------
    found : Found
    where : str
        The beginning of the error messages.
    splits_where : callable
        Returns the beginning of the error messages about a split from the parts of its folder.

    Returns
    -------
    ImageTree or None
        None if no image lies in a folder.

    Raises
    ------
    ValueError
        If files have two readings: folders whose names differ in case only, folders inside those of the classes,
        pictures in a format that is not read.

    Notes
    -----
    Images lie in one folder for each class. These folders lie at the top, inside folders that hold nothing else, or
    inside train and test (or val).
    """
    images = [file for file in found.files if len(file.parts) > 1 and file.is_image()]
    if not images:
        return None
    top = _common_folder(images)
    names = {file.parts[len(top)] for file in images if len(file.parts) > len(top) + 2}
    by_name = {name.lower(): name for name in sorted(names)}
    test = next((by_name[name] for name in _TEST_FOLDERS if name in by_name), None)
    chosen = [(*top, by_name["train"]), (*top, test)] if "train" in by_name and test else [top]
    _check_distinct([folder[len(top)] for folder in found.folders if len(folder) == len(top) + 1], where)
    splits, decisions = [], []
    for folder in chosen:
        here = splits_where(folder)
        classes, left = class_files(found, folder, here)
        if not classes:
            raise ValueError(f"{here}: no folders of images, one for each class")
        splits.append(ClassFiles(here, classes))
        decisions += left
    outside = [
        file
        for file in found.files
        if not any(file.parts[: len(folder)] == folder for folder in chosen) and file.is_image()
    ]
    if outside:
        shown = sorted({"/".join(file.parts[: len(top) + 1]) for file in outside})
        reason = f"{chosen[0][-1]} and {chosen[1][-1]} are the splits" if len(chosen) > 1 else "it lies elsewhere"
        decisions.append(left_out(shown, reason))
    return ImageTree(splits, tuple(decisions))


def class_files(found: Found, top: tuple[str, ...], where: str) -> tuple[dict[str, list[FoundFile]], list[Decision]]:
    """Sort the images in the folders below one folder by class; a class has the name of its folder, in Unicode's NFC.

    Parameters
    ----------
    found : Found
    top : tuple of str
        The parts of the folder that contains those of the classes.
    where : str
        The beginning of the error messages.

    Returns
    -------
    (dict of str to list of FoundFile, list of Decision)

    Raises
    ------
    ValueError
        As for `image_tree`.
    """
    depth = len(top)
    below = [file for file in found.files if file.parts[:depth] == top]
    unread = next((f for f in below if len(f.parts) > depth + 1 and has_unread_name(f.parts[-1])), None)
    if unread is not None:
        raise ValueError(f"{unread.where}: not in a format that is read: convert it to {READ_FORMATS}")
    folders = [folder[depth] for folder in found.folders if len(folder) == depth + 1 and folder[:depth] == top]
    _check_distinct(folders, where)
    classes: dict[str, list[FoundFile]] = {}
    beside, others = [], []
    for file in below:
        if not file.is_image():
            others.append(file)
        elif len(file.parts) == depth + 1:
            beside.append("/".join(file.parts[depth:]))
        elif len(file.parts) > depth + 2:
            shown = "/".join(file.parts[depth:])
            raise ValueError(f"{where}: {shown} lies in a folder inside that of a class; expected class/image")
        else:
            classes.setdefault(_composed(file.parts[depth]), []).append(file)
    empty = [name for name in folders if _composed(name) not in classes]
    decisions = []
    if classes and beside:
        decisions.append(left_out(beside, "they lie beside the folders of the classes"))
    if classes and empty:
        decisions.append(left_out(empty, "folders with no image in them"))
    lost = ["/".join(file.parts[depth:]) for file in others if _composed(file.parts[depth]) in classes]
    if lost:
        decisions.append(left_out(lost, "they are no images"))
    return classes, decisions


def _common_folder(images: Sequence[FoundFile]) -> tuple[str, ...]:
    """Return the folder, as deep as possible, in whose folders all images lie."""
    first = images[0].parts
    depth = 0
    while all(len(file.parts) > depth + 2 and file.parts[depth] == first[depth] for file in images):
        depth += 1
    return first[:depth]


def _check_distinct(names: Iterable[str], where: str) -> None:
    """Check that no two names differ in case, or in the way that Unicode composes a letter, alone."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        other = seen.setdefault(_composed(name).casefold(), name)
        if other != name:
            how = "case" if _composed(other) != _composed(name) else "the Unicode form of their letters"
            raise ValueError(f"{where}: the folders {other!r} and {name!r} differ in {how} alone: rename or join them")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
