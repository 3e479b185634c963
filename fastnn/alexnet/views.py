"""The views of an image: which part of it a network sees, and whether left and right are exchanged."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args

from fastnn.checks import choice

__all__ = ["PLACES", "VIEWS", "Place", "View", "views_of"]

Place: TypeAlias = Literal["given", "top left", "top right", "bottom left", "bottom right", "squeezed"]
PLACES: tuple[Place, ...] = get_args(Place)


class View(NamedTuple):
    """One look at an image.

    Parameters
    ----------
    place : {"given", "top left", "top right", "bottom left", "bottom right", "squeezed"}
        Where in the square that an image is brought to the part lies: where the preprocessing of the weights has it,
        or in a corner. "squeezed": as given, but both sides of the image are brought to the square's, so that none of
        the longer one is lost.
    mirrored : bool
        Whether left and right are exchanged.
    """

    place: Place = "given"
    mirrored: bool = False

    @property
    def key(self) -> bytes:
        """What tells it from other views of the same image; nothing for the plain one."""
        return (b"" if self.place == "given" else self.place.encode()) + (b"mirrored" if self.mirrored else b"")


# by their number: the image; also its mirror image; the ten of Krizhevsky, Sutskever & Hinton (2012), section 4.1,
# and the squeezed image with its mirror image
VIEWS: dict[int, tuple[View, ...]] = {
    1: (View(),),
    2: (View(), View(mirrored=True)),
    12: tuple(View(place, mirrored) for mirrored in (False, True) for place in PLACES),
}


def views_of(function: str, number: int) -> tuple[View, ...]:
    """The views by their number.

    Raises
    ------
    ValueError
        If it is not one of the keys of `VIEWS`.
    """
    return VIEWS[choice(function, "views", number, list(VIEWS))]
