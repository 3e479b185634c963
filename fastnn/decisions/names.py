"""Which names of two lists mean the same: the columns of two tables, the classes of a data set and of a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class NameMatch(NamedTuple):
    """Return each wanted name's place among the given names, and the names that match only in another spelling.

    Parameters
    ----------
    places : list of int or None
        For each wanted name the index of the given name, None if there is none.
    surplus : list of str
        The given names that nobody wants.
    respelled : list of (str, str)
        Pairs of a given and a wanted name that differ in case, spaces, underscores, dots or hyphens only.
    """

    places: list[int | None]
    surplus: list[str]
    respelled: list[tuple[str, str]]


def match_names(given: Sequence[str], wanted: Sequence[str]) -> NameMatch:
    """Find each wanted name among the given ones: the equal one, otherwise the only one that is spelled alike.

    Parameters
    ----------
    given, wanted : sequence of str
        The names of each are distinct.

    Returns
    -------
    NameMatch

    Examples
    --------
    >>> from fastnn.decisions.names import match_names
    >>> match_names(["b", "Sepal Width", "id"], ["sepal_width", "b", "c"])
    NameMatch(places=[1, 0, None], surplus=['id'], respelled=[('Sepal Width', 'sepal_width')])
    """
    exact = {name: place for place, name in enumerate(given)}
    places = [exact.get(name) for name in wanted]
    left = [place for place in range(len(given)) if place not in set(places)]
    missing = [k for k, place in enumerate(places) if place is None]
    respelled = []
    for k in missing:
        alike = [place for place in left if _folded(given[place]) == _folded(wanted[k])]
        rivals = [other for other in missing if _folded(wanted[other]) == _folded(wanted[k])]
        if len(alike) == len(rivals) == 1:
            places[k] = alike[0]
            respelled.append((given[alike[0]], wanted[k]))
    taken = set(places)
    return NameMatch(places, [name for place, name in enumerate(given) if place not in taken], respelled)


def repeated(names: Sequence[str]) -> list[str]:
    """Return the names that occur more than once, each once."""
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def listed(names: Sequence[str], most: int = 10) -> str:
    """Return names as a list in words, cut off after some.

    Examples
    --------
    >>> from fastnn.decisions.names import listed
    >>> listed(["a", "b", "c"], most=2)
    'a, b, ...'
    """
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _folded(name: str) -> str:
    return re.sub(r"[\s_.\-]+", "", name).casefold() or name
