"""The definition of a study: parts over one data set, each with a function that computes and one that shows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from fastnn.data import Dataset
from fastnn.studies.cache import Piece
from fastnn.studies.page import Page
from fastnn.studies.parallel import map_on_cores
from fastnn.studies.sources import Source

T = TypeVar("T")
R = TypeVar("R")
Found = dict[str, Any]

_REPEATS = ("seeds", "splits")  # settings that say how often the same training is repeated


class Progress(Protocol):
    """An object that is told about the progress of a part."""

    def at(self, done: int, total: int) -> None:
        """Note that `done` of the `total` pieces of the current part are finished."""


@dataclass
class Run:
    """What the function of a part receives as its first argument.

    Attributes
    ----------
    data : Dataset
    seed : int
        Seed for all random numbers.
    quick : bool
        Whether this is a quick run, for which the settings of the part are its quick settings.
    progress : Progress
        Its method `at` shows how much of the part is done.
    """

    data: Dataset
    seed: int
    quick: bool
    progress: Progress
    _found: Callable[[str], Found]
    _piece: Piece

    def found(self, part: str) -> Found:
        """Return the result of another part, which must be listed in the `needs` of this one."""
        return self._found(part)

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Iterate over the items and show the progress."""
        every = list(items)
        for done, item in enumerate(every):
            self.progress.at(done, len(every))
            yield item
        self.progress.at(len(every), len(every))

    def each_cached(self, function: Callable[[T], Found], items: Iterable[T]) -> list[Found]:
        """``[function(item) for item in items]`` with progress, where each result is cached as soon as it is computed.

        This suits items that take minutes: a part that was interrupted continues after its last finished item.
        """
        return [self._piece(f"{number}", partial(function, item)) for number, item in enumerate(self.each(items))]

    def on_cores(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """``[function(item) for item in items]`` with progress, computed with one item on each core.

        This suits small trainings, which run faster one on each core than one after the other on all cores.
        """
        return map_on_cores(function, items, self.progress.at)


def filled(text: str, settings: Mapping[str, Any]) -> str:
    """Put the values of settings in their places, which are written ``{name}``, into a text.

    Raises
    ------
    ValueError
        If there is no such setting.

    Examples
    --------
    >>> from fastnn.studies.study import filled
    >>> filled("{hidden} units, {train} images", {"hidden": 666, "train": 50_000})
    '666 units, 50,000 images'
    """

    def value_of(found: re.Match[str]) -> str:
        if found[1] not in settings:
            raise ValueError(f"study: the text names {found[0]}, but the settings are {', '.join(settings) or 'none'}")
        return setting_text(settings[found[1]])

    return re.sub(r"\{(\w+)\}", value_of, text)


def setting_text(value: Any) -> str:
    """Return the text of a setting: "10,000", "1e-06", "4, 12 and 70"; "all" where nothing limits it.

    Examples
    --------
    >>> from fastnn.studies.study import setting_text
    >>> setting_text(10_000), setting_text((4, 12, 70)), setting_text(None)
    ('10,000', '4, 12 and 70', 'all')
    """
    if isinstance(value, tuple | list):
        words = [setting_text(item) for item in value]
        return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "all"
    if value is None or value == "":
        return "all"
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)


@dataclass
class Part:
    """A part of a study, as `Study.part` declares it."""

    name: str
    title: str
    text: str
    compute: Callable[..., Found]
    settings: dict[str, Any]
    quick: dict[str, Any]
    needs: tuple[str, ...]
    cost: float
    draw: Callable[[Page, Found], None] | None = None

    def shows(self, draw: Callable[[Page, Found], None]) -> Callable[[Page, Found], None]:
        """Decorate the function that shows the result of the part, ``draw(page, found)``."""
        self.draw = draw
        return draw

    def settings_for(self, quick: bool) -> dict[str, Any]:
        """Return the settings of a normal or a quick run."""
        return {**self.settings, **self.quick} if quick else dict(self.settings)

    def smaller(self, quick: bool) -> dict[str, tuple[Any, Any]]:
        """Return the settings that make a run another one than the full run, as name: (used, those of the full run).

        How often a training is repeated does not count.
        """
        used = self.settings_for(quick)
        return {name: (used[name], full) for name, full in self.settings.items()
                if used[name] != full and name not in _REPEATS}  # fmt: skip


@dataclass
class Study:
    """A study: a title, a data set, and parts in the order in which they are declared.

    Parameters
    ----------
    name : str
        One word, after which the output folder is named.
    title : str
        Title of the report.
    source : Source
        The data set.
    about : str
        Introduction of the report.
    parts : dict of str to Part
        The parts, which `part` adds.

    Examples
    --------
    >>> import tempfile
    >>> import fastnn
    >>> from fastnn.architecture import parse
    >>> from fastnn.plots import learning_curve
    >>> from fastnn.studies import GLYPHS, Study, run
    >>> study = Study("width", "How wide must the network be?", GLYPHS)
    >>> @study.part("Accuracy by hidden units", widths=(8, 32), epochs=3, quick={"epochs": 1})
    ... def widths(run, widths, epochs):
    ...     def train(width):
    ...         model = parse(f"mlp:784-{width}-10", input_scale=1 / 255, seed=run.seed)
    ...         trainer = fastnn.Trainer(model, optimizer="adam", epochs=epochs, seed=run.seed)
    ...         history = trainer.fit(*run.data.train)
    ...         return {"epochs": history.epochs, "test": model.evaluate(*run.data.test)["accuracy"]}
    ...     return {"runs": dict(zip(map(str, widths), run.on_cores(train, widths)))}
    >>> @widths.shows
    ... def _(page, found):
    ...     page.compare([(f"test accuracy, {width} units", None, one["test"]) for width, one in found["runs"].items()])
    ...     page.figure("widest", learning_curve(found["runs"]["32"]["epochs"]), "The widest network.")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = run(study, out=folder, quick=True, quiet=True)
    ...     print(report.name, report.exists())
    report.html True
    """

    name: str
    title: str
    source: Source
    about: str = ""
    parts: dict[str, Part] = field(default_factory=dict)

    def part(
        self,
        title: str,
        *,
        quick: Mapping[str, Any] | None = None,
        needs: Sequence[str] = (),
        cost: float = 1.0,
        **settings: Any,
    ) -> Callable[[Callable[..., Found]], Part]:
        """Declare a part by decorating the function that computes it.

        The function is called as ``compute(run, **settings)`` and returns a dict of numbers, strings, lists and
        arrays. Its docstring is the text of the part in the report, in which ``{name}`` stands for the value of a
        setting in the run that is reported.

        Parameters
        ----------
        title : str
            Heading of the part.
        quick : mapping, optional
            Settings that replace the others in a quick run.
        needs : sequence of str
            Names of earlier parts whose results it uses (`Run.found`).
        cost : float
            Estimated duration relative to the other parts, from which the time left is estimated.
        **settings
            What can be varied. The settings are recorded in the report and are part of the key of a cached result.

        Returns
        -------
        callable
            A decorator that turns the function into a `Part`.

        Raises
        ------
        ValueError
            If a part of that name exists, a part that it needs does not, or a quick setting is not a setting.
        """
        changed = dict(quick or {})
        for needed in needs:
            if needed not in self.parts:
                raise ValueError(f"part: needs {needed!r}, but the parts before it are {', '.join(self.parts)}")
        if not changed.keys() <= settings.keys():
            raise ValueError(f"part: quick has {', '.join(changed.keys() - settings.keys())}, which is not a setting")

        def declare(compute: Callable[..., Found]) -> Part:
            name = compute.__name__.strip("_").replace("_", "-")
            if name in self.parts:
                raise ValueError(f"part: there are two parts called {name!r}")
            text = re.sub(r"\s*\n\s*\n\s*", "\n\n", inspect.getdoc(compute) or "")
            part = Part(name, title, text, compute, settings, changed, tuple(needs), cost)
            self.parts[name] = part
            return part

        return declare

    def chosen(self, only: Sequence[str] | None) -> list[Part]:
        """Return the parts with the given names, or all parts for None.

        Raises
        ------
        ValueError
            If there is no part with one of the names. The message lists the parts.
        """
        if only is None:
            return list(self.parts.values())
        for name in only:
            if name not in self.parts:
                raise ValueError(f"study: {self.name} has no part {name!r}; its parts are {', '.join(self.parts)}")
        return [part for part in self.parts.values() if part.name in only]
