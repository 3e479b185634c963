"""How much processor time others took while a side ran (Linux; elsewhere nothing is known)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK = 1.0 / os.sysconf("SC_CLK_TCK")
# user, nice, system, irq, softirq, steal of the first line of /proc/stat; idle and iowait are free.
BUSY = (1, 2, 3, 6, 7, 8)


@dataclass(frozen=True)
class Reading:
    """Seconds of processor time since boot: of everything, and of one process group."""

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
        # Fields behind the name, which may hold spaces: state, parent, group, ...
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0  # it ended meanwhile
    return int(fields[11]) + int(fields[12]) if int(fields[2]) == leader else 0


def foreign(before: Reading | None, after: Reading | None) -> float:
    """Seconds that neither the process group nor idling used between two readings."""
    if before is None or after is None:
        return 0.0
    return max(0.0, (after.machine - before.machine) - (after.group - before.group))


def disturbed(others: float, wall: float) -> bool:
    """Whether others' share of a run is more than a tenth of a core (and than the clocks' grain)."""
    return others > max(3 * TICK, 0.1 * wall)
