"""What image files leave open: the background of transparent ones, which frame counts, and what is no image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastnn.decisions.decision import Decision

Background = Literal["white", "black"]
DEFAULT_BACKGROUND: Background = "white"
VISIBLE = 32
"""How much, of 255, a pixel must differ from the background for an image to be visible on it."""

_SHOWN = 5


def background(transparent: int, lost_on_white: int, lost_on_black: int, where: str) -> tuple[Background, Decision]:
    """Decide on which background transparent images are shown.

    The pixels under full transparency are arbitrary, most often black; a drawing program shows them on white. So
    white it is, unless images are seen on black alone.

    Parameters
    ----------
    transparent : int
        How many images have transparent pixels.
    lost_on_white, lost_on_black : int
        How many of them show nothing on this background, but something on the other.
    where : str
        The beginning of the error message.

    Raises
    ------
    ValueError
        If no background shows all images.

    Examples
    --------
    >>> from fastnn.decisions.pictures import background
    >>> print(background(20, 0, 20, "example")[1])
    background: white (20 images are transparent, and all are visible on white; to change it: background=, --background)
    """
    if lost_on_white and lost_on_black:
        raise ValueError(
            f"{where}: of {transparent} transparent images, {lost_on_white} show nothing on white and {lost_on_black} "
            "nothing on black; give background='white' or 'black'"
        )
    if lost_on_white:
        evidence = f"{transparent} images are transparent, and on white {lost_on_white} of them would show nothing"
        return "black", Decision("background", "black", evidence, "background=, --background")
    evidence = f"{transparent} images are transparent, and all are visible on white"
    return DEFAULT_BACKGROUND, Decision("background", DEFAULT_BACKGROUND, evidence, "background=, --background")


def first_frames(files: Sequence[str]) -> Decision:
    """Say that of files with several frames or pages the first is read.

    Parameters
    ----------
    files : sequence of str
        Their names, at least one.
    """
    count = f"{len(files)} files have" if len(files) > 1 else "a file has"
    return Decision(
        "frames",
        "the first of each file",
        f"{count} several: {_listed(files)}",
        "save the frames as files of their own",
    )


def left_out(things: Sequence[str], reason: str) -> Decision:
    """Say which files or folders of a data set are not read.

    Parameters
    ----------
    things : sequence of str
        Their names, at least one.
    reason : str
    """
    return Decision("files", f"without {_listed(things)}", reason, "move or rename them")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
