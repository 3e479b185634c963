"""A small study whose parts count how often they are computed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastnn import plots, studies
from fastnn.data import load
from fastnn.studies.sources import Source

TINY = Source("tiny", (), lambda path: load(str(path)), lambda: load("glyphs", train=40, test=20), "letters")
COUNT = SimpleNamespace(computed=0, fail=False)  # not a constant, which would be in the key of a part


def small_study() -> studies.Study:
    """A study of two parts, of which the second uses the first; it counts how often they are computed."""
    COUNT.computed, COUNT.fail = 0, False
    study = studies.Study("small", "A small study", TINY)

    @study.part("First", size=4, quick={"size": 2})
    def first(run: studies.Run, size: int) -> dict[str, Any]:
        """Some text."""
        COUNT.computed += 1
        return {"numbers": np.arange(size) * (1 + run.seed), "nothing": None}

    @first.shows
    def show(page: studies.Page, found: dict[str, Any]) -> None:
        page.compare([("sum", 6, int(found["numbers"].sum()))])
        page.figure("line", plots.sweep(found["numbers"], found["numbers"], xlabel="x"), "A line <&>.")

    @study.part("Second", needs=("first",))
    def second(run: studies.Run) -> dict[str, Any]:
        if COUNT.fail:
            raise KeyboardInterrupt
        COUNT.computed += 1
        return {"twice": 2 * run.found("first")["numbers"], "cores": run.on_cores(lambda n: n * n, [1, 2, 3])}

    return study


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text())
