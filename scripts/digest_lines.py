"""Lines of a digest: the SHA-256 of a result, two spaces, and what was computed."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def digest(*arrays: NDArray[Any]) -> str:
    """SHA-256 of the dtypes, shapes and bytes of arrays."""
    total = hashlib.sha256()
    for array in map(np.ascontiguousarray, arrays):
        total.update(f"{array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return total.hexdigest()


def write(path: Path, lines: Iterable[str]) -> int:
    """Write the lines of a digest, sorted by what they say; return how many.

    Raises
    ------
    ValueError
        If two lines say the same; before anything is written.
    """
    ordered = sorted(lines, key=lambda line: line.split("  ", 1)[1])
    names = [line.split("  ", 1)[1] for line in ordered]
    for name, following in pairwise(names):
        if name == following:
            raise ValueError(f"write: two results have the name {name!r}")
    path.write_text("".join(f"{line}\n" for line in ordered))
    return len(ordered)


def read(path: Path) -> dict[str, str]:
    """Digest by what was computed.

    Raises
    ------
    ValueError
        If a line is not a digest, two spaces and a name.
    """
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)
        if match is None:
            raise ValueError(f"read: {path} line {number}: expected a SHA-256, two spaces and a name, got {line!r}")
        found[match[2]] = match[1]
    return found


def compare(before: dict[str, str], after: dict[str, str]) -> tuple[list[str], list[str]]:
    """What differs, and what has the same digest under another name, one line each."""
    differs = [f"differs: {name}" for name in sorted(before) if after.get(name, before[name]) != before[name]]
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    by_digest = defaultdict(list)
    for name in sorted(come, reverse=True):
        by_digest[after[name]].append(name)
    renamed = []
    for name in sorted(gone):
        if by_digest[before[name]]:
            renamed.append(f"renamed: {name} -> {by_digest[before[name]].pop()}")
        else:
            differs.append(f"only before: {name}")
    left = sorted(name for names in by_digest.values() for name in names)
    return differs + [f"only after: {name}" for name in left], renamed
