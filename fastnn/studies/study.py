"""What a study is: numbered parts over one data set, each with what it computes and what it shows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from fastnn.data import Dataset
from fastnn.studies.kept import Piece
from fastnn.studies.page import Page
from fastnn.studies.parallel import one_a_core
from fastnn.studies.sources import Source

T = TypeVar("T")
R = TypeVar("R")
Found = dict[str, Any]


class Progress(Protocol):
    """Who is told how far a part is."""

    def at(self, done: int, total: int) -> None:
        """`done` of `total` pieces of the present part are done."""


@dataclass
class Run:
    """What a part computes with.

    Attributes
    ----------
    data : Dataset
    seed : int
        Of everything random.
    quick : bool
        Whether this is the run in under a minute; the settings of a part are then its quick ones already.
    """

    data: Dataset
    seed: int
    quick: bool
    progress: Progress
    _found: Callable[[str], Found]
    _piece: Piece

    def found(self, part: str) -> Found:
        """What another part found; it must be one of the `needs` of this one."""
        return self._found(part)

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """The items one after the other, with progress."""
        every = list(items)
        for done, item in enumerate(every):
            self.progress.at(done, len(every))
            yield item
        self.progress.at(len(every), len(every))

    def each_kept(self, function: Callable[[T], Found], items: Iterable[T]) -> list[Found]:
        """``[function(item) for item in items]`` with progress, each result kept as soon as it is there.

        Right where an item takes minutes: an interrupted part goes on behind the last that was done.
        """
        return [self._piece(f"{number}", partial(function, item)) for number, item in enumerate(self.each(items))]

    def on_cores(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """``[function(item) for item in items]``, one item a core at a time, with progress.

        Right where every item is a small training: a core of its own each beats all cores for one.
        """
        return one_a_core(function, items, self.progress.at)


@dataclass
class Part:
    """A numbered part of a study."""

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
        """Decorate the function that shows what the part found."""
        self.draw = draw
        return draw

    def used(self, quick: bool) -> dict[str, Any]:
        """The settings of a run."""
        return {**self.settings, **self.quick} if quick else dict(self.settings)


@dataclass
class Study:
    """A study: a title, a data set and its parts in the order in which they were declared.

    Parameters
    ----------
    name : str
        One word; names the output folder.
    title, about : str
        Head of the report.
    source : Source
        Where the data come from, and what stands in for them.

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
        """Declare a part: decorate ``compute(run, **settings) -> dict of numbers, texts, lists and arrays``.

        Parameters
        ----------
        title : str
        quick : mapping, optional
            Settings that ``--quick`` uses instead.
        needs : sequence of str
            Names of earlier parts that it builds upon (`Run.found`).
        cost : float
            About how long it takes beside the others, for the time left.
        **settings
            What can be varied; recorded in the report, and part of what a cached result is found by.

        Raises
        ------
        ValueError
            If there is a part of that name, one that it needs is missing, or a quick setting is not a setting.
        """
        changed = dict(quick or {})
        for needed in needs:
            if needed not in self.parts:
                raise ValueError(f"part: it needs {needed!r}, but the parts before it are {', '.join(self.parts)}")
        if not changed.keys() <= settings.keys():
            raise ValueError(f"part: quick has {', '.join(changed.keys() - settings.keys())}, which is no setting")

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
        """The parts of those names, or all.

        Raises
        ------
        ValueError
            If there is no part of a name; the message lists those there are.
        """
        if only is None:
            return list(self.parts.values())
        for name in only:
            if name not in self.parts:
                raise ValueError(f"study: {self.name} has no part {name!r}; its parts are {', '.join(self.parts)}")
        return [part for part in self.parts.values() if part.name in only]
