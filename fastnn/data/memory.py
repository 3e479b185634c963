"""How much memory reading a data set takes, and whether that much is available."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from fastnn.kernels.control_group import control_groups

LARGE_BYTES = 64 << 20
"""Arrays of a training that take less are not compared with the memory that is available."""

# What a user whose memory is too small can do.
MAP_FILE = "mapped=True leaves the numbers in the file"
DECOMPRESS_OR_MAP = f"decompress the file (gunzip), then {MAP_FILE}"
SAVE_AS_NPY = (
    "saved as .npy files (numpy.lib.format.open_memmap writes them piece by piece) "
    "the data can stay on the disk, with mapped=True"
)
SMALLER_IMAGES = f"a smaller size= takes less, and {SAVE_AS_NPY}"

# The files of a control group that hold its limit and its use, in version 2 and in version 1.
_LIMIT_AND_USE = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
_NO_LIMIT = 1 << 60  # bytes; version 1 states a larger number if there is no limit
_RECLAIMABLE = ("inactive_file", "active_file")  # memory that the system takes back from a group when it runs short


class MemoryEstimate(NamedTuple):
    """The memory that it takes to read something, in bytes.

    Parameters
    ----------
    result : int
        What the result occupies.
    temporary : int, default 0
        What is needed in addition while it is being read.
    """

    result: int
    temporary: int = 0

    @property
    def peak(self) -> int:
        """The most bytes that are in use at any moment."""
        return self.result + self.temporary

    @classmethod
    def total(cls, estimates: Iterable[MemoryEstimate]) -> MemoryEstimate:
        """The estimate for reading one thing after another and keeping all of them."""
        listed = list(estimates)
        return cls(sum(each.result for each in listed), max((each.temporary for each in listed), default=0))

    def with_copies(self, copies: int) -> MemoryEstimate:
        """The estimate for reading something of which copies are made, which exist beside it for a moment."""
        return MemoryEstimate(self.result, max(self.temporary, copies * self.result))


def available_bytes() -> int | None:
    """Return how much memory is available without swapping.

    Returns
    -------
    int or None
        The smallest number of bytes that the system and the control groups of this process report; None if none of
        them reports anything.
    """
    reported = [*_system_bytes(), *_control_group_bytes()]
    return max(0, min(reported)) if reported else None


def check_memory(estimate: Callable[[], MemoryEstimate], where: str, hint: str) -> None:
    """Raise an error if what is about to be read does not fit into memory.

    Parameters
    ----------
    estimate : callable
        Returns the estimate, from the headers and sizes of the files. If it raises ValueError or OSError, because a
        header is damaged, nothing is checked: the reader reports the damage better.
    where : str
        The beginning of the error message.
    hint : str
        What the user can do; the end of the error message.

    Raises
    ------
    MemoryError
        If more bytes are needed than are available.
    """
    try:
        peak = estimate().peak
    except (ValueError, OSError):
        return
    available = available_bytes()
    if available is not None and peak > available:
        raise MemoryError(
            f"{where}: takes {size_text(peak)} of memory, but {size_text(available)} are available; {hint}"
        )


def size_text(size: int) -> str:
    """Return a number of bytes with a unit that suits it: 12 bytes, 8.0 kB, 12.3 GB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _system_bytes() -> list[int]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    try:
        return [os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, OSError, ValueError):
        return []


def _control_group_bytes() -> list[int]:
    """Return what each control group that has a limit may still use."""
    unused = []
    for folder in control_groups("memory"):
        for limit_file, use_file in _LIMIT_AND_USE:
            try:
                limit = int((folder / limit_file).read_text())
                if limit > _NO_LIMIT:
                    continue
                lines = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
                stat = {name: int(value) for name, value in lines}
                reclaimable = sum(stat.get(f"total_{kind}", stat.get(kind, 0)) for kind in _RECLAIMABLE)
                unused.append(limit - int((folder / use_file).read_text()) + reclaimable)
            except (OSError, ValueError):  # there is no such file, or it says "max": no limit
                continue
    return unused
