"""Which axis of a stored array counts the samples, and which one the channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastnn.decisions.decision import Decision

Shape = tuple[int, ...]

OVERRIDE = "axes=, --axes"
_CHANNELS = (1, 3, 4)  # grey, colours, colours and opacity
_ORDERS = {2: "ND", 3: "NHW", 4: "NCHW"}
"""The order in which a data set holds its axes, by their number: samples, channels, rows (height), columns (width)."""

EMNIST_AXES = "NWH"
"""The axes of EMNIST's images, which its files store column by column."""
EMNIST = Decision(
    "axes", "samples x columns x rows", "the names are those of EMNIST, whose images lie on their side", OVERRIDE
)
"""That images are turned for this reason: nothing in the numbers tells a letter on its side."""


class StoredImages(NamedTuple):
    """The array of one split.

    Parameters
    ----------
    shape : tuple of int
    samples : int or None
        How many labels there are; None if there are none.
    """

    shape: Shape
    samples: int | None


def check_axes(function: str, axes: str | None) -> None:
    """Check an argument that names the axes of stored arrays.

    Raises
    ------
    ValueError
        If it is not None and not some order of ND, NHW or NCHW; `function` begins the message.
    """
    if axes is not None and sorted(axes) not in [sorted(order) for order in _ORDERS.values()]:
        raise ValueError(f"{function}: axes: expected the letters ND, NHW or NCHW in some order, got {axes!r}")


def stored_axes(
    splits: Sequence[StoredImages], where: str, *, samples_first: bool = False
) -> tuple[str, Decision | None]:
    """Find out in which order the axes of stored arrays are.

    Parameters
    ----------
    splits : sequence of StoredImages
        All with as many axes.
    where : str
        The beginning of the error message.
    samples_first : bool
        Whether the format itself says that the first axis counts the samples.

    Returns
    -------
    axes : str
        A letter for each stored axis, as `check_axes` knows them; "" if there are other than two, three or four.
    decision : Decision or None
        None if the axes are in the order of a data set and have no other reading.

    Raises
    ------
    ValueError
        If two orders fit.

    Examples
    --------
    >>> from fastnn.decisions.array_axes import StoredImages, stored_axes
    >>> axes, decision = stored_axes([StoredImages((32, 32, 3, 500), 500)], "example")
    >>> print(decision)
    axes: rows x columns x channels x samples (of (32, 32, 3, 500), axis 3 is as long as there are labels and axis 2 as
    an image has channels; to change it: axes=, --axes)
    """
    shape = splits[0].shape
    if len(shape) not in _ORDERS:
        return "", None
    at = 0 if samples_first else _sample_axis(splits, where)
    rest = [axis for axis in range(len(shape)) if axis != at]
    letters = dict(zip(rest, _ORDERS[len(shape)][1:], strict=True))
    reason = "" if at == 0 else f"axis {at} is as long as there are labels"
    if len(shape) == 4:
        order, why = _image_axes([shape[axis] for axis in rest], where, shape)
        letters = dict(zip(rest, order, strict=True))
        reason = " and ".join(filter(None, (reason, why.format(rest[order.index("C")]))))
    axes = "".join(letters.get(axis, "N") for axis in range(len(shape)))
    if not reason:
        return axes, None
    return axes, Decision("axes", axes_text(axes), f"of {shape}, {reason}", OVERRIDE)


def transposition(axes: str) -> tuple[int, ...]:
    """Return the stored axes in the order in which a data set holds them, as `numpy.transpose` takes them.

    Examples
    --------
    >>> from fastnn.decisions.array_axes import transposition
    >>> transposition("HWCN")
    (3, 2, 0, 1)
    """
    return tuple(axes.index(letter) for letter in _ORDERS[len(axes)])


def axes_text(axes: str) -> str:
    """Return axes in words: NHW is samples x rows x columns."""
    words = {"N": "samples", "C": "channels", "H": "rows", "W": "columns", "D": "values"}
    return " x ".join(words[letter] for letter in axes)


def _sample_axis(splits: Sequence[StoredImages], where: str) -> int:
    """Return the axis that is as long as there are labels; the first if there is none, for the count to be refused."""
    shape = splits[0].shape
    if all(each.samples is None for each in splits):
        return 0
    found = [
        axis
        for axis in range(len(shape))
        if all(each.samples in (None, each.shape[axis]) for each in splits)
        and len({(*each.shape[:axis], *each.shape[axis + 1 :]) for each in splits}) == 1
    ]
    if len(found) > 1 and max(shape) > 1:
        listed = " and ".join(f"axis {axis}" for axis in found)
        raise ValueError(
            f"{where}: of shape {shape}, {listed} are as long as there are labels; say which counts the samples: give "
            f"axes=, such as {_ORDERS[len(shape)]!r} or {_moved(_ORDERS[len(shape)])!r}"
        )
    return found[0] if found else 0


def _image_axes(sizes: Sequence[int], where: str, shape: Shape) -> tuple[str, str]:
    """Return the order of channels, rows and columns, and the reason if it is not the only reading."""
    if sum(size > 1 for size in sizes) <= 1:
        return "CHW", ""  # however they are read, the values stand in the same order
    fitting = {"CHW": sizes[0], "HWC": sizes[2]}
    fitting = {order: channels for order, channels in fitting.items() if channels in _CHANNELS}
    if len(fitting) > 1:  # a side of one pixel makes no image where the other reading has none
        sides = {"CHW": sizes[1:], "HWC": sizes[:2]}
        fitting = {order: channels for order, channels in fitting.items() if min(sides[order]) > 1} or fitting
    if len(fitting) > 1:
        raise ValueError(
            f"{where}: of shape {shape}, two axes may be the channels; say which: give axes=, such as 'NCHW' or 'NHWC'"
        )
    if "HWC" in fitting:
        return "HWC", "axis {} as an image has channels"
    if "CHW" in fitting:
        return "CHW", ""
    if sizes[1] in _CHANNELS:
        raise ValueError(
            f"{where}: of shape {shape}, the channels seem to lie between rows and columns; say where: give axes=, "
            "such as 'NHCW' or 'NCHW'"
        )
    return "CHW", "no axis as an image has channels, 1, 3 or 4, so axis {} by convention"


def _moved(order: str) -> str:
    return order[1:] + order[0]
