"""What image files leave open: the background of transparent ones, which frame counts, and what is no image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastnn.decisions.decision import Decision

Background = Literal["white", "black"]
DEFAULT_BACKGROUND: Background = "white"
COMMON_SIDE = 64
"""The side in pixels of the squares that images of several sizes are brought to."""
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


def common_size(one: tuple[int, int], other: tuple[int, int]) -> tuple[tuple[int, int], Decision]:
    """Choose the size that images of several sizes are brought to.

    Parameters
    ----------
    one, other : (int, int)
        Height and width of two that differ.

    Examples
    --------
    >>> from fastnn.decisions.pictures import common_size
    >>> print(common_size((300, 400), (480, 640))[1])
    size: 64 x 64 (images differ in size, such as 300 x 400 and 480 x 640; to change it: size=, --size)
    """
    seen = " and ".join(f"{height} x {width}" for height, width in (one, other))
    taken = f"{COMMON_SIDE} x {COMMON_SIDE}"
    decision = Decision("size", taken, f"images differ in size, such as {seen}", "size=, --size")
    return (COMMON_SIDE, COMMON_SIDE), decision


def resized(count: int, size: tuple[int, int]) -> Decision:
    """Say that images are brought to the size of those of a training.

    Parameters
    ----------
    count : int
        How many have another size.
    size : (int, int)
        Height and width.
    """
    number = "an image has" if count == 1 else f"{count} images have"
    return Decision("size", f"{size[0]} x {size[1]}, as in training", f"{number} another size", "size=, --size")


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
