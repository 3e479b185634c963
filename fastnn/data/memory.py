"""Whether numbers that are about to be read fit into memory."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["available_bytes", "check_fits"]


def available_bytes() -> int | None:
    """Bytes that the system can give without swapping; None where it does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_fits(needed: int, where: str, way_out: str) -> None:
    """Raise MemoryError, with the way out, if `needed` bytes are more than are available; `where` begins it."""
    available = available_bytes()
    if available is not None and needed > available:
        raise MemoryError(
            f"{where}: takes {needed / 1e9:.1f} GB of memory, but {available / 1e9:.1f} GB are available; {way_out}"
        )
