"""By what factor the values of a data set are multiplied: pixels are brought from 0 ... 255 to 0 ... 1, others are not.

A whole number from 0 to 255 may be the grey of a pixel or the value of any other feature. What decides is the shape of
a sample, the level that the values reach, the type in which the file stores them and the names of the columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod

from fastnn.decisions.decision import Decision

OVERRIDE = "scale=, --scale"
BYTE_SCALE = 1 / 255

_BRIGHT = 128  # pixels of photos and scans reach at least this; most counts, codes and ratings do not
_SMALLEST_SIDE = 8  # rows of 1, 4, 9 ... 49 values are more often features than square images
_PIXEL_NAME = re.compile(r"(pixel|px|pix)[ _.\-]*\d+([ _.\-x]\d+)?|\d+x\d+", re.IGNORECASE)  # pixel0, px_3, 1x28


@dataclass(frozen=True)
class Values:
    """What is known of the values of a data set.

    Parameters
    ----------
    shape : tuple of int
        Of a sample.
    whole : bool
        Whether they are stored as whole numbers.
    bytes_chosen : bool
        Whether they lie in a file as uint8 because its author wanted that, not because a reader of text found that
        they fit.
    least, largest : float
    column_names : sequence of str or None
    """

    shape: tuple[int, ...]
    whole: bool
    bytes_chosen: bool
    least: float
    largest: float
    column_names: Sequence[str] | None = None

    @property
    def in_bytes(self) -> bool:
        """Whether all values lie in 0 ... 255."""
        return self.least >= 0 and self.largest <= 255

    @property
    def is_square(self) -> bool:
        """Whether a row has as many values as a square image, grey or coloured, that is not tiny."""
        sides = [isqrt(prod(self.shape) // channels) for channels in (1, 3)]
        return any(
            side >= _SMALLEST_SIDE and side * side * channels == prod(self.shape)
            for side, channels in zip(sides, (1, 3), strict=True)
        )

    @property
    def named_pixels(self) -> bool:
        """Whether all columns have names such as pixel0 or 1x28."""
        return bool(self.column_names) and all(_PIXEL_NAME.fullmatch(name) for name in self.column_names or ())


def decide_scale(values: Values) -> tuple[float, Decision | None]:
    """Return the factor that brings the values into about 0 ... 1, and the decision if there was one to take.

    Parameters
    ----------
    values : Values

    Returns
    -------
    scale : float
        1/255 for pixels, 1 for everything else.
    decision : Decision or None
        None if the values have one reading: images of bytes, figures beyond 0 ... 255.

    Examples
    --------
    >>> from fastnn.decisions.scale import Values, decide_scale
    >>> scale, decision = decide_scale(Values((4,), True, False, 0, 9))
    >>> print(decision)
    scale: 1, values as they are (whole numbers up to 9 in rows of 4; to change it: scale=, --scale)
    """
    kind = "whole numbers" if values.whole else "decimals"
    rows = len(values.shape) == 1
    said = f"{kind} up to {values.largest:g} in {'rows of' if rows else 'images of'} {_size(values.shape)}"
    if not values.in_bytes or (not values.whole and values.largest < _BRIGHT):
        return 1.0, None
    if not values.whole:
        if rows and not (values.is_square or values.named_pixels):
            return 1.0, None
        return 1.0, _decision(1.0, said)
    if values.largest <= 1:
        return 1.0, _decision(1.0, said)
    bright = values.largest >= _BRIGHT
    if rows:
        pixels = values.named_pixels or (bright and (values.is_square or values.bytes_chosen))
        why = f"{said}, columns named {(values.column_names or ('',))[0]}, ..." if values.named_pixels else said
        scale = BYTE_SCALE if pixels else 1.0
        return scale, _decision(scale, why)
    scale = BYTE_SCALE if bright or values.bytes_chosen else 1.0
    return scale, None if bright else _decision(scale, said)


def check_scale(values: Values, trained: float, where: str) -> Decision | None:
    """Check that values may be multiplied by the factor of a training, and return what is to be said about it.

    Parameters
    ----------
    values : Values
        Of the data to evaluate.
    trained : float
        The factor that was taken in training.
    where : str
        The beginning of the error message.

    Raises
    ------
    ValueError
        If the values seem to be of another scale than those of the training.
    """
    own, _ = decide_scale(values)
    if own == trained or values.least == values.largest == 0:
        return None
    range_ = f"the values are {'whole numbers' if values.whole else 'decimals'} from {values.least:g} to "
    range_ += f"{values.largest:g}"
    as_trained = Decision("scale", f"{scale_text(trained)}, as in training", range_, OVERRIDE)
    if trained == 1:
        raise ValueError(
            f"{where}: {range_} and look like pixels, but the training took its values as they are; give scale= "
            "(--scale): 1 to do the same here, 1/255 to bring them to 0 ... 1"
        )
    if trained == BYTE_SCALE and not (values.in_bytes and values.largest > 1):
        raise ValueError(
            f"{where}: {range_}, but the training took pixels of 0 ... 255 and multiplied them by 1/255; give scale= "
            "(--scale): 1 if the values are on a scale of 0 ... 1 already, 1/255 to do the same here"
        )
    return as_trained


def scale_text(scale: float) -> str:
    """Return a factor as text: 1/255 rather than 0.00392157."""
    return "1/255" if scale == BYTE_SCALE else f"{scale:g}"


def _decision(scale: float, why: str) -> Decision:
    taken = "pixels, divided by 255" if scale == BYTE_SCALE else "1, values as they are"
    return Decision("scale", taken, why, OVERRIDE)


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
