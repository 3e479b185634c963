"""Running a study: parts from the cache or computed, then the report."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastnn.config import config
from fastnn.data import Dataset
from fastnn.studies.code_key import key
from fastnn.studies.page import Page
from fastnn.studies.progress import Bar
from fastnn.studies.report import Section, write_report
from fastnn.studies.sources import data_hash
from fastnn.studies.store import Folder, held
from fastnn.studies.study import Found, Part, Run, Study

CONFIG = "config.json"


def run(
    study: Study,
    *,
    data: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    quick: bool = False,
    only: Sequence[str] | None = None,
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
) -> Path:
    """Run a study and write its report.

    Parameters
    ----------
    study : Study
    data : path, optional
        The data set, or a folder above it; else what FASTNN_DATA names; else the embedded stand-in, which the
        report then says.
    out : path, optional
        Output folder; ``fastnn-study-NAME`` unless given. Parts that an earlier run there has finished with the
        same settings, seed, data and code are taken over.
    quick : bool
        The quick settings.
    only : sequence of str, optional
        Names of parts; all unless given. What they need is computed besides.
    seed : int
        Of everything random.
    resume : bool
        Continue the run in `out` as it was started: data, quick, only and seed come from there.
    quiet : bool
        No progress.

    Returns
    -------
    Path
        Of ``report.html``.

    Raises
    ------
    ValueError
        If there is no such part, the data cannot be read, there is nothing to resume, or the folder is in use.
    OSError
        If a file cannot be written.

    Examples
    --------
    See `Study`.
    """
    study.chosen(only)
    with held(Path(f"fastnn-study-{study.name}" if out is None else out).expanduser()) as folder:
        options: dict[str, Any] = {
            "data": None if data is None else str(Path(data).expanduser().resolve()),
            "quick": quick,
            "only": None if only is None else list(only),
            "seed": seed,
        }
        if resume:
            options = _earlier(folder, study)
        dataset, banner = study.source.load(options["data"])
        parts = study.chosen(options["only"])
        chosen = {part.name: part.used(bool(options["quick"])) for part in parts}
        described = {"study": study.name, **options, "parts": chosen}
        folder.write(CONFIG, json.dumps(described, indent=2) + "\n")
        work = _Work(study, folder, dataset, bool(options["quick"]), int(options["seed"] or 0), parts, quiet)
        sections = [work.section(part) for part in parts]
        about = described | {"data set": dataset.name, "data sha256": work.data_hash, "environment": config()}
        return write_report(folder, study, sections, about, banner)


def _earlier(folder: Folder, study: Study) -> dict[str, Any]:
    earlier = folder.read_json(CONFIG)
    if earlier is None or earlier.get("study") != study.name:
        raise ValueError(f"study: there is no run of {study.name} in {folder.path} to resume")
    return {name: earlier.get(name) for name in ("data", "quick", "only", "seed")}


class _Work:
    """The parts of one run, each computed at most once."""

    def __init__(
        self, study: Study, folder: Folder, data: Dataset, quick: bool, seed: int, parts: list[Part], quiet: bool
    ) -> None:
        self.study, self.folder, self.data, self.quick, self.seed = study, folder, data, quick, seed
        self.data_hash = data_hash(data)
        needed = {name for part in parts for name in self._all_needs(part)}
        shown = {part.name for part in parts}
        self.bar = Bar({n: p.cost for n, p in study.parts.items() if n in shown | needed}, quiet)
        self._found: dict[str, tuple[Found, float, bool]] = {}

    def section(self, part: Part) -> Section:
        """What the report shows of a part."""
        found, seconds, cached = self.found(part)
        page = Page()
        if part.draw is not None:
            part.draw(page, found)
        return Section(part, page, found, part.used(self.quick), seconds, cached)

    def found(self, part: Part) -> tuple[Found, float, bool]:
        """What a part finds, the seconds it took, and whether it was kept from an earlier run."""
        if part.name in self._found:
            return self._found[part.name]
        needed = {name: self.found(self.study.parts[name])[0] for name in part.needs}
        self.bar.begin(part.name, part.title)
        name = f"{part.name}-{self._key(part)}"
        kept = self.folder.kept(name)
        if kept is None:
            run = Run(self.data, self.seed, self.quick, self.bar, needed.__getitem__)
            began = time.perf_counter()
            found = part.compute(run, **part.used(self.quick))
            seconds = time.perf_counter() - began
            self.folder.keep(name, {"found": found, "seconds": seconds})
            result = (found, seconds, False)
        else:
            result = (kept["found"], kept["seconds"], True)
        self.bar.end(result[2])
        self._found[part.name] = result
        return result

    def _key(self, part: Part) -> str:
        needs = {name: self._key(self.study.parts[name]) for name in part.needs}
        known = {"study": self.study.name, "part": part.name, "settings": part.used(self.quick), "seed": self.seed,
                 "data": self.data_hash, "needs": needs, "fastnn": config()["fastnn"]}  # fmt: skip
        return key(part.compute, known)

    def _all_needs(self, part: Part) -> set[str]:
        return {name for n in part.needs for name in (n, *self._all_needs(self.study.parts[n]))}
