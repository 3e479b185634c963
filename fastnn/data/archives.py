"""Data sets in a tar archive: the batches of CIFAR-10, or image files in one folder per class."""

from __future__ import annotations

from pathlib import Path

from fastnn.data.image_folders import archived_images
from fastnn.data.inflate import file_sizes
from fastnn.data.memory import MemoryEstimate
from fastnn.data.pickled_datasets import cifar_dataset, has_cifar_batches
from fastnn.data.raw_dataset import RawDataset
from fastnn.data.source import FileStart, Format, ReadOptions, Source
from fastnn.data.tar import is_tar, tar_members


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    if not is_tar(start.content):
        return None
    return Source(lambda: _read(start.path, options), lambda: _memory(start.path))


FORMAT = Format("a .tar or .tar.gz archive of image folders", _open_file, (".tar", ".tar.gz", ".tgz"))


def _read(path: Path, options: ReadOptions) -> RawDataset:
    where = f"load: {path}"
    members = list(tar_members(path.read_bytes(), where))
    named = [(member.name.rsplit("/", 1)[-1], member.content) for member in members]
    if has_cifar_batches(name for name, _ in named):
        return cifar_dataset(named, where)
    return archived_images(members, where, options.image, options.skip_damaged)


def _memory(path: Path) -> MemoryEstimate:
    """Estimate the memory as if everything in the archive were images: it has no directory that could tell."""
    stored, size = file_sizes(path)
    return MemoryEstimate(size, stored + size)  # the archive and its members beside the arrays
