"""What a computation found and how long it took, computed once and kept in the folder of a study."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from fastnn.studies.store import Folder

Piece = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]


class Computed(NamedTuple):
    """What was found, and what it took when it was computed.

    Attributes
    ----------
    found : dict
    seconds : float
    cpu_seconds : float or None
        Of all processor cores together; None where nothing is known of it.
    cached : bool
        Whether it was kept from an earlier run.
    """

    found: dict[str, Any]
    seconds: float
    cpu_seconds: float | None
    cached: bool


def computed(folder: Folder, name: str, compute: Callable[[Piece], dict[str, Any]]) -> Computed:
    """What is kept under `name`, or ``compute(piece)``, which is kept then.

    ``piece(word, function)`` is ``function()``, kept by itself until the whole is: a computation that was interrupted
    takes its finished pieces over. Their time counts as the whole's.
    """
    kept = folder.kept(name)
    if kept is not None:
        return Computed(kept["found"], kept["seconds"], kept.get("cpu_seconds"), True)
    earlier: list[Computed] = []

    def piece(word: str, function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        part = computed(folder, f"{name}-{word}", lambda _: function())
        if part.cached:
            earlier.append(part)
        return part.found

    began, cpu_began = time.perf_counter(), time.process_time()
    found = compute(piece)
    seconds = time.perf_counter() - began + sum(part.seconds for part in earlier)
    cpu_seconds = time.process_time() - cpu_began + sum(part.cpu_seconds or 0.0 for part in earlier)
    folder.keep(name, {"found": found, "seconds": seconds, "cpu_seconds": cpu_seconds})
    folder.drop(f"{name}-")
    return Computed(found, seconds, cpu_seconds, False)
