"""How much processor time other processes used while a side ran. Only Linux tells; elsewhere it is unknown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK = 1.0 / os.sysconf("SC_CLK_TCK")
# user, nice, system, irq, softirq and steal in the first line of /proc/stat; idle and iowait count as free
BUSY = (1, 2, 3, 6, 7, 8)


@dataclass(frozen=True)
class Reading:
    """Seconds of processor time since boot, of all processes and of one process group."""

    machine: float
    group: float


def read(leader: int, proc: Path = Path("/proc")) -> Reading | None:
    """Read the clocks of the machine and of the process group that `leader` leads."""
    try:
        fields = (proc / "stat").read_text().split("\n", 1)[0].split()
        busy = sum(int(fields[i]) for i in BUSY)
        own = 0
        for entry in proc.iterdir():
            if entry.name.isdigit():
                own += _group_ticks(entry, leader)
    except (OSError, IndexError, ValueError):
        return None
    return Reading(busy * TICK, own * TICK)


def _group_ticks(process: Path, leader: int) -> int:
    try:
        # The fields after the name, which may contain spaces, are state, parent, group, ...
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0  # it has ended
    return int(fields[11]) + int(fields[12]) if int(fields[2]) == leader else 0


def foreign(before: Reading | None, after: Reading | None) -> float:
    """The seconds between two readings that were neither idle nor used by the process group."""
    if before is None or after is None:
        return 0.0
    return max(0.0, (after.machine - before.machine) - (after.group - before.group))


def is_noisy(others: float, wall: float) -> bool:
    """Whether others used more than a tenth of a core in a run, and more than the resolution of the clocks."""
    return others > max(3 * TICK, 0.1 * wall)
