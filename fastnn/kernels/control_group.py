"""The control groups that this process is in, which may grant it less than the machine has."""

from __future__ import annotations

from pathlib import Path


def control_groups(controller: str) -> list[Path]:
    """Folders that tell what a controller ("cpu", "memory") grants, the innermost group first; of version 2 or 1.

    Some may not exist: a container sees its own group's folder as the root.
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
