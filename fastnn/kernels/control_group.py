"""The control groups of this process, which may grant it less than the machine has."""

from __future__ import annotations

from pathlib import Path


def control_groups(controller: str) -> list[Path]:
    """The folders, of version 2 or 1, that say what a controller ("cpu", "memory") grants, innermost first.

    Some may not exist, because a container sees the folder of its own group as the root.
    """
    found: list[Path] = []
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        root = "/sys/fs/cgroup" + (f"/{controller}" if controllers else "")
        parts = [part for part in group.split("/") if part]
        found += [Path("/".join([root, *parts[:count]])) for count in range(len(parts), -1, -1)]
    return found
