"""Studies: experiments from data to a report with the originally reported numbers beside ours.

A study is a `Study` with parts. `run` computes the parts, caches their results and writes the report. The studies
that come with fastnn are modules of this package; `get` returns them by name.
"""

from __future__ import annotations

from importlib import import_module

from fastnn.studies.page import Comparison, Page
from fastnn.studies.runner import run, run_all
from fastnn.studies.sources import GLYPHS, MNIST, NOTMNIST, Source
from fastnn.studies.study import Run, Study

NAMES = ("digits", "faces", "transfer", "mlp", "init", "letters")

__all__ = [
    "GLYPHS",
    "MNIST",
    "NAMES",
    "NOTMNIST",
    "Comparison",
    "Page",
    "Run",
    "Source",
    "Study",
    "get",
    "run",
    "run_all",
]


def get(name: str) -> Study:
    """Return the study with the given name.

    Parameters
    ----------
    name : str
        One of `NAMES`.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        If there is no such study. The message lists the names.

    Examples
    --------
    >>> from fastnn import studies
    >>> list(studies.get("digits").parts)[:2]
    ['data', 'forward']
    """
    if name not in NAMES:
        raise ValueError(f"study: there is no study {name!r}; the studies are {', '.join(NAMES)}, and all")
    study: Study = import_module(f"fastnn.studies.{name}").study
    return study
