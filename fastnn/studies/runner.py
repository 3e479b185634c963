"""Runs a study: computes its parts or reads them from the cache, and writes the report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fastnn.config import config
from fastnn.data import Dataset
from fastnn.environment import DATA
from fastnn.studies.cache import Piece, Result, compute_once
from fastnn.studies.cache_key import cache_key
from fastnn.studies.index import write_index
from fastnn.studies.page import Page
from fastnn.studies.progress import Bar
from fastnn.studies.report import Section, write_report
from fastnn.studies.store import Folder, locked_folder
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
    photo_list: str | os.PathLike[str] | None = None,
    accept: Sequence[str] = (),
) -> Path:
    """Run a study and write its report.

    Parameters
    ----------
    study : Study
    data : path, optional
        The data set, or a folder that contains it. By default the folder FASTNN_DATA is searched; if the data set is
        not found there, synthetic data replace it, which the report states.
    out : path, optional
        Output folder, by default ``fastnn-study-NAME``. Parts that an earlier run in this folder has finished with
        the same settings, seed, data and code are not computed again.
    quick : bool
        Use the quick settings of each part.
    only : sequence of str, optional
        Names of the parts to show, by default all. The parts that they need are computed too.
    seed : int
        Seed for all random numbers.
    resume : bool
        Continue the run in `out` with the data, photo_list, accept, quick, only and seed that it was started with.
    quiet : bool
        Show no progress.
    photo_list : path, optional
        A text file that lists the photos, as for `fastnn.data.read_photo_list`; `data` is then the folder that contains
        them, by default that of the list.
    accept : sequence of str
        URLs or SHA-256 of listed photos that are accepted although their SHA-256 differs.

    Returns
    -------
    Path
        Path of ``report.html``.

    Raises
    ------
    ValueError
        If there is no such part, the data cannot be read, there is no run to resume, or the folder is in use.
    OSError
        If a file cannot be written.

    Examples
    --------
    See `Study`.
    """
    study.chosen(only)
    path = Path(f"fastnn-study-{study.name}" if out is None else out).expanduser()
    return _run(study, path, _options(data, quick, only, seed, photo_list, accept), resume, quiet)


def run_all(
    studies: Sequence[Study],
    *,
    out: str | os.PathLike[str],
    resume: bool = False,
    data: str | os.PathLike[str] | None = None,
    quick: bool = False,
    seed: int = 0,
    quiet: bool = False,
) -> Iterator[Path]:
    """Run studies one after the other, each in the folder below `out` that has the name of the study.

    Parameters
    ----------
    studies : sequence of Study
    out : path
        Folder for all studies.
    resume : bool
        Continue an earlier call that was interrupted, with its original settings.
    data, quick, seed, quiet
        As in `run`.

    Yields
    ------
    Path
        Path of each ``report.html``, as soon as it is written; at last that of ``index.html`` in `out`, which leads to
        all of them.

    Raises
    ------
    ValueError, OSError
        As in `run`. Data that cannot be read raise ValueError before the first study begins.

    Examples
    --------
    See `Study`.
    """
    options = _options(data, quick, None, seed)
    folders = [Path(out).expanduser() / study.name for study in studies]
    if resume:
        with locked_folder(folders[0]) as folder:
            options = _options_of_earlier_run(folder, studies[0])
    if options["data"] is not None:
        for study in studies:
            study.source.load(options["data"])
    for study, path in zip(studies, folders, strict=True):
        yield _run(study, path, options, resume and (path / CONFIG).exists(), quiet)
    yield write_index(Path(out).expanduser(), studies)


def _options(
    data: str | os.PathLike[str] | None,
    quick: bool,
    only: Sequence[str] | None,
    seed: int,
    photo_list: str | os.PathLike[str] | None = None,
    accept: Sequence[str] = (),
) -> dict[str, Any]:
    if accept and photo_list is None:
        raise ValueError("study: --accept: expected a --list of photos, some of which are to be accepted, got none")
    return {
        "data": None if data is None else str(Path(data).expanduser().resolve()),
        "list": None if photo_list is None else str(Path(photo_list).expanduser().resolve()),
        "accept": list(accept),
        DATA: os.environ.get(DATA),
        "quick": quick,
        "only": None if only is None else list(only),
        "seed": seed,
    }


def _options_of_earlier_run(folder: Folder, study: Study) -> dict[str, Any]:
    earlier = folder.read_json(CONFIG)
    if earlier is None or earlier.get("study") != study.name:
        raise ValueError(f"study: there is no run of {study.name} in {folder.path} to resume")
    return {name: earlier.get(name) for name in ("data", "list", "accept", DATA, "quick", "only", "seed")}


def _run(study: Study, path: Path, options: dict[str, Any], resume: bool, quiet: bool) -> Path:
    with locked_folder(path) as folder:
        if resume:
            options = _options_of_earlier_run(folder, study)
        dataset, banner = _loaded(study, options)
        parts = study.chosen(options["only"])
        chosen = {part.name: part.settings_for(bool(options["quick"])) for part in parts}
        described = {"study": study.name, **options, "parts": chosen}
        folder.write(CONFIG, json.dumps(described, indent=2) + "\n")
        work = _Work(study, folder, dataset, banner, bool(options["quick"]), int(options["seed"] or 0), parts, quiet)
        sections = [work.section(part) for part in parts]
        about = described | {"data set": dataset.name, "data sha256": work.data_hash, "environment": config()}
        return write_report(folder, study, sections, about, banner)


def _loaded(study: Study, options: dict[str, Any]) -> tuple[Dataset, str | None]:
    if options["list"] is not None:
        return study.source.load_list(options["list"], options["data"], options["accept"] or ()), None
    return study.source.load(options["data"], options[DATA])


class _Work:
    """The parts of one run, each computed at most once."""

    def __init__(
        self,
        study: Study,
        folder: Folder,
        data: Dataset,
        banner: str | None,
        quick: bool,
        seed: int,
        parts: list[Part],
        quiet: bool,
    ) -> None:
        self.study, self.folder, self.data, self.quick, self.seed = study, folder, data, quick, seed
        self.made_up = banner is not None
        self.data_hash = data.sha256()
        needed = {name for part in parts for name in self._all_needs(part)}
        shown = {part.name for part in parts}
        self.bar = Bar({n: p.cost for n, p in study.parts.items() if n in shown | needed}, quiet)
        for sentence in filter(None, (banner, *(f"decided: {decision}" for decision in data.decisions))):
            self.bar.say(f"fastnn study {study.name}: {sentence}")
        self._results: dict[str, Result] = {}

    def section(self, part: Part) -> Section:
        """Return the section of the report about a part."""
        done = self.result(part)
        page = Page("synthetic data" if self.made_up else self._smaller(part), self.study.source.elsewhere)
        if part.draw is not None:
            part.draw(page, done.found)
        return Section(part, self.quick, page, done.found, done.seconds, done.cpu_seconds, done.cached)

    def _smaller(self, part: Part) -> str:
        """Say that the part, or one whose results it uses, is smaller than in the full run; empty if it is not."""
        every = [part, *(self.study.parts[name] for name in self._all_needs(part))]
        return "smaller than reported" if any(one.smaller(self.quick) for one in every) else ""

    def result(self, part: Part) -> Result:
        """Return the result of a part, computed now or cached by an earlier run."""
        if part.name in self._results:
            return self._results[part.name]
        needed = {name: self.result(self.study.parts[name]).found for name in part.needs}
        self.bar.begin(part.name, part.title)
        name = f"{part.name}-{self._key(part)}"
        done = compute_once(self.folder, name, lambda piece: self._compute(part, needed, piece))
        self.bar.end(done.cached)
        self._results[part.name] = done
        return done

    def _compute(self, part: Part, needed: dict[str, Found], piece: Piece) -> Found:
        run = Run(self.data, self.seed, self.quick, self.bar, needed.__getitem__, piece)
        return part.compute(run, **part.settings_for(self.quick))

    def _key(self, part: Part) -> str:
        needs = {name: self._key(self.study.parts[name]) for name in part.needs}
        settings = {"study": self.study.name, "part": part.name, "settings": part.settings_for(self.quick),
                    "seed": self.seed, "data": self.data_hash, "needs": needs,
                    "fastnn": config()["fastnn"]}  # fmt: skip
        return cache_key(part.compute, settings)

    def _all_needs(self, part: Part) -> set[str]:
        return {name for n in part.needs for name in (n, *self._all_needs(self.study.parts[n]))}
