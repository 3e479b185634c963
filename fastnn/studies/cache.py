"""Results that are computed once and cached in the folder of a study, with the time they took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from fastnn.studies.store import Folder

Piece = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]


class Result(NamedTuple):
    """A result and the time that its computation took.

    Attributes
    ----------
    found : dict
        The result.
    seconds : float
        Wall time.
    cpu_seconds : float or None
        Processor time, summed over all cores; None if it was not recorded.
    cached : bool
        Whether the result comes from an earlier run.
    """

    found: dict[str, Any]
    seconds: float
    cpu_seconds: float | None
    cached: bool


def compute_once(folder: Folder, name: str, compute: Callable[[Piece], dict[str, Any]]) -> Result:
    """Return the result cached under `name`, or compute it as ``compute(piece)`` and cache it.

    ``piece(label, function)`` returns ``function()`` and caches it separately until the whole result is cached, so
    that a computation that was interrupted continues after its last finished piece. The time of pieces that an
    earlier run finished is included in the time of the result.
    """
    stored = folder.load_result(name)
    if stored is not None:
        return Result(stored["found"], stored["seconds"], stored.get("cpu_seconds"), True)
    earlier: list[Result] = []

    def piece(label: str, function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        part = compute_once(folder, f"{name}-{label}", lambda _: function())
        if part.cached:
            earlier.append(part)
        return part.found

    began, cpu_began = time.perf_counter(), time.process_time()
    found = compute(piece)
    seconds = time.perf_counter() - began + sum(part.seconds for part in earlier)
    cpu_seconds = time.process_time() - cpu_began + sum(part.cpu_seconds or 0.0 for part in earlier)
    folder.store_result(name, {"found": found, "seconds": seconds, "cpu_seconds": cpu_seconds})
    folder.delete_results(f"{name}-")
    return Result(found, seconds, cpu_seconds, False)
