"""Which classes of a data set are those of a model, or of the data set that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.decisions.columns import whole_number
from fastnn.decisions.decision import Decision
from fastnn.decisions.names import listed, match_names

OVERRIDE = "class_names=, --class-names"


def match_classes(
    given: Sequence[str], known: Sequence[str], *, numbered: bool, where: str, other: str
) -> tuple[list[int], tuple[str, ...], list[Decision]]:
    """Number the classes of a data set as another one, or a model, numbers them.

    Parameters
    ----------
    given : sequence of str
        The classes that occur in the data set.
    known : sequence of str
        The classes of the model, in its order.
    numbered : bool
        Whether the data set has numbers for its classes and no names: then `given` are those numbers.
    where : str
        The beginning of the error message.
    other : str
        What has the known classes: "the model", the name of a data set.

    Returns
    -------
    indices : list of int
        For each given class its index in `names`.
    names : tuple of str
        The known classes, and after them the given ones that are not known.
    decisions : list of Decision

    Raises
    ------
    ValueError
        If none of the classes is known.

    Examples
    --------
    >>> from fastnn.decisions.classes import match_classes
    >>> match_classes(["0", "2", "4"], ["0", "1", "2"], numbered=True, where="load: x.npz", other="the model")
    ([0, 2, 3], ('0', '1', '2', '4'), [])
    """
    if numbered and not all(whole_number(name) is not None for name in known):
        unknown = [name for name in given if int(name) >= len(known)]
        names = (*known, *unknown)
        indices = [len(known) + unknown.index(name) if name in unknown else int(name) for name in given]
        evidence = f"{other} was trained on classes {listed(known)}, the data have the numbers {listed(given)}"
        return indices, names, [Decision("classes", "by number", evidence, OVERRIDE)]
    match = match_names(given, known)
    if given and not set(given) - set(match.surplus):
        raise ValueError(
            f"{where} has {len(given)} classes ({listed(given)}), none of which {other} knows ({listed(known)})"
        )
    names = (*known, *match.surplus)
    places = {given[place]: k for k, place in enumerate(match.places) if place is not None}
    indices = [places[name] if name in places else names.index(name, len(known)) for name in given]
    if not match.respelled:
        return indices, names, []
    pairs = listed([f"{here} as {there}" for here, there in match.respelled])
    return indices, names, [Decision("classes", f"taken {pairs}", f"the spelling differs from {other}", OVERRIDE)]


def rename_classes(
    stored: tuple[str, ...], given: tuple[str, ...], where: str
) -> tuple[tuple[str, ...], list[Decision]]:
    """Return the names that the user gives to classes that have names in the files, and the decision about it.

    Parameters
    ----------
    stored, given : tuple of str
        The names in the files, and the new ones for them, in the same order.
    where : str
        The beginning of the error message.

    Raises
    ------
    ValueError
        If there are more or fewer new names, or some of them are names in the files: then it is not clear which class
        is which.
    """
    if set(stored) & set(given) or len(given) != len(stored):
        raise ValueError(
            f"{where}: class_names: expected {len(stored)} new names, one for each of {listed(stored)} in this order, "
            f"got {listed(given)}"
        )
    pairs = listed([f"{new} for {old}" for old, new in zip(stored, given, strict=True)])
    return given, [Decision("classes", pairs, "in the order of the files' names", OVERRIDE)]
