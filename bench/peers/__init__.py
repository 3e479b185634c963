"""The sides of the race, with a file for each framework; each one is imported in a process of its own.

A side is a module with
    MODULE, the name of the package that it needs,
    settings(workload, threads) -> list of Setting, of which the first is how people write it,
    prepare(workload, setting) -> Runner.
It imports its framework only inside `prepare`, so that the parent process can list settings.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

SIDES = ("fastnn", "numpy", "torch", "jax", "onnxruntime", "openvino", "tensorflow", "sklearn")
PEERS = SIDES[1:]


def load(side: str) -> ModuleType:
    """The module of a side."""
    if side not in SIDES:
        raise ValueError(f"race: expected a side among {', '.join(SIDES)}, but {side!r} came")
    return importlib.import_module(f"bench.peers.{side}_peer")


def installed(side: str) -> bool:
    """Whether the framework of a side can be imported here."""
    return importlib.util.find_spec(load(side).MODULE) is not None
