"""Data sets in a tar or zip archive: the batches of CIFAR-10, or image files in one folder per class."""

from __future__ import annotations

from pathlib import Path

from fastnn.data.image_folders import archived_images
from fastnn.data.inflate import file_sizes
from fastnn.data.memory import MemoryEstimate
from fastnn.data.pickled_datasets import cifar_dataset, has_cifar_batches
from fastnn.data.raw_dataset import RawDataset
from fastnn.data.source import FileStart, Format, ReadOptions, Source
from fastnn.data.tar import Member, is_tar, tar_members
from fastnn.data.zip_files import declared_size, is_zip, zip_content, zip_directory


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    path, where = start.path, f"load: {start.path}"
    if is_zip(start.stored):
        return Source(lambda: _read(_zip_members(path, where), where, options), lambda: _zip_memory(path, where))
    if is_tar(start.content):
        return Source(lambda: _read(_tar_members(path, where), where, options), lambda: _tar_memory(path))
    return None


FORMAT = Format("a .zip, .tar or .tar.gz archive of image folders", _open_file, (".tar", ".tar.gz", ".tgz", ".zip"))


def _read(members: list[Member], where: str, options: ReadOptions) -> RawDataset:
    named = [(member.name.rsplit("/", 1)[-1], member.content) for member in members]
    if has_cifar_batches(name for name, _ in named):
        return cifar_dataset(named, where)
    return archived_images(members, where, options.image, options.skip_damaged)


def _tar_members(path: Path, where: str) -> list[Member]:
    return list(tar_members(path.read_bytes(), where))


def _tar_memory(path: Path) -> MemoryEstimate:
    """Estimate the memory as if everything in the archive were images: it has no directory that could tell."""
    stored, size = file_sizes(path)
    return MemoryEstimate(size, stored + size)  # the archive and its members beside the arrays


def _zip_members(path: Path, where: str) -> list[Member]:
    members: dict[str, Member] = {}
    with path.open("rb") as file:
        for name, info in zip_directory(file, where, "a zip archive"):
            member = Member(name, zip_content(file, info, f"{where}: {name!r:.100}"))
            if members.setdefault(name, member) != member:
                raise ValueError(f"{where}: two files called {name!r:.100} differ")
    return list(members.values())


def _zip_memory(path: Path, where: str) -> MemoryEstimate:
    with path.open("rb") as file:
        sizes = [declared_size(info) for _, info in zip_directory(file, where, "a zip archive")]
    size = sum(decompressed for decompressed, _ in sizes)
    return MemoryEstimate(size, size + max((compressed for _, compressed in sizes), default=0))
