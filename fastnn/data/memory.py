"""Whether numbers that are about to be read fit into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from fastnn.kernels.control_group import control_groups

__all__ = [
    "AS_NPY",
    "LEFT_IN_FILE",
    "SMALLER_IMAGES",
    "UNPACKED",
    "Need",
    "available_bytes",
    "check_fits",
    "in_turn",
    "size_text",
]

LEFT_IN_FILE = "mapped=True leaves the numbers in the file"
UNPACKED = "unpacked (gunzip), mapped=True leaves the numbers in the file"
AS_NPY = (
    "as .npy files (numpy.lib.format.open_memmap writes them piece by piece) it can stay on the disk, with mapped=True"
)
SMALLER_IMAGES = f"a smaller size= takes less, and {AS_NPY}"
"""Ways out for who has not enough memory."""

_LIMIT_USED = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))  # versions 2, 1
_NO_LIMIT = 1 << 60  # bytes; version 1 has no other word for it
_GIVEN_BACK = ("inactive_file", "active_file")  # kinds of memory that the system takes from a group when it is short


class Need(NamedTuple):
    """Bytes of memory that it takes to read something."""

    kept: int
    """Of what is read."""
    passing: int = 0
    """More, while it is being read."""

    @property
    def most(self) -> int:
        """Bytes at the worst moment."""
        return self.kept + self.passing


def in_turn(needs: Iterable[Need]) -> Need:
    """What it takes to read one thing after the other and keep them all."""
    listed = list(needs)
    return Need(sum(need.kept for need in listed), max((need.passing for need in listed), default=0))


def available_bytes() -> int | None:
    """Bytes that the system and this process's control groups can give without swapping; None where nobody says."""
    said = [*_by_the_system(), *_by_control_groups()]
    return max(0, min(said)) if said else None


def check_fits(need: Callable[[], Need], where: str, way_out: str) -> None:
    """Refuse to read what does not fit; a file whose size its header does not tell is left to its reader.

    Parameters
    ----------
    need : callable
        Tells from headers and sizes of files what it takes; ValueError, OSError: it cannot.
    where : str
        Begins the message.
    way_out : str
        What the user can do.

    Raises
    ------
    MemoryError
        If more bytes are needed than are available.
    """
    try:
        most = need().most
    except (ValueError, OSError):
        return
    available = available_bytes()
    if available is not None and most > available:
        raise MemoryError(
            f"{where}: takes {size_text(most)} of memory, but {size_text(available)} are available; {way_out}"
        )


def size_text(size: int) -> str:
    """A number of bytes as people read it: 8.0 kB, 12.3 GB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _by_the_system() -> list[int]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    try:
        return [os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, OSError, ValueError):
        return []


def _by_control_groups() -> list[int]:
    """What each control group has left of its limit."""
    left = []
    for folder in control_groups("memory"):
        for limit, used in _LIMIT_USED:
            try:
                most = int((folder / limit).read_text())
                if most > _NO_LIMIT:
                    continue
                lines = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
                stat = {name: int(value) for name, value in lines}
                back = sum(stat.get(f"total_{kind}", stat.get(kind, 0)) for kind in _GIVEN_BACK)
                left.append(most - int((folder / used).read_text()) + back)
            except (OSError, ValueError):  # "max": no limit
                continue
    return left
