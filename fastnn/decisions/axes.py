"""Which axis of an array is which: what may be reshaped to the shape that is expected, and what is an error."""

from __future__ import annotations

from math import prod

Shape = tuple[int, ...]

_MOST_COLOURS = 4  # red, green, blue and opacity
_SMALLEST_PICTURE = 8  # rows and columns; what is smaller may as well be the inside of a network, as (512, 4, 4)


def same_axes(given: Shape, expected: Shape) -> bool:
    """Whether values of one shape can be read as values of another in C order with no axis changing its place.

    That is so if the shapes are equal but for axes of size 1, or if at most one axis of one of them is longer than 1
    (a flat row) and both hold as many values. (3, 32, 32) and (32, 32, 3) hold as many values, but no axis is where
    it was.

    Parameters
    ----------
    given, expected : tuple of int

    Examples
    --------
    >>> from fastnn.decisions.axes import same_axes
    >>> same_axes((784,), (1, 28, 28)), same_axes((28, 28), (1, 28, 28)), same_axes((32, 32, 3), (3, 32, 32))
    (True, True, False)
    """
    if given == expected:
        return True
    long, wanted = ([size for size in shape if size != 1] for shape in (given, expected))
    if long == wanted:
        return True
    return min(len(long), len(wanted)) <= 1 and prod(long) == prod(wanted)


def channels_last_shape(shape: Shape) -> Shape:
    """The shape (H, W, C) of images (C, H, W) whose channels are put last."""
    return (*shape[1:], shape[0])


def looks_channels_last(shape: Shape) -> bool:
    """Whether images of this shape, read as (C, H, W), are more likely to be (H, W, C).

    That is so if the last axis is at most 4, as the colours of a picture are, and the others are at least 8: pictures
    of 32 x 32 pixels in 3 colours are many, those of 32 x 3 pixels in 32 channels are few.

    Parameters
    ----------
    shape : tuple of int
        Of one image.

    Examples
    --------
    >>> from fastnn.decisions.axes import looks_channels_last
    >>> looks_channels_last((28, 28, 1)), looks_channels_last((3, 32, 32))
    (True, False)
    """
    return len(shape) == 3 and shape[2] <= _MOST_COLOURS and min(shape[:2]) >= _SMALLEST_PICTURE


def advice(given: Shape, expected: Shape, *, images_first: str = "", images_last: str = "") -> str:
    """The end of the error that says that `given` is not `expected`: "" or what the axes seem to be.

    Parameters
    ----------
    given, expected : tuple of int
        Shapes of a sample, without the batch.
    images_first, images_last : str
        What to do if images (C, H, W) or (H, W, C) were given where the other order is expected.
    """
    if len(given) == len(expected) == 3:
        if images_last and given == channels_last_shape(expected):
            return f"; if the channels come last, {images_last}"
        if images_first and channels_last_shape(given) == expected:
            return f"; if the channels come first, {images_first}"
    if sorted(size for size in given if size != 1) == sorted(size for size in expected if size != 1):
        return "; the axes are in another order: bring them into this one with np.transpose"
    if prod(given) == prod(expected):
        return "; only rows are cut into axes and joined to rows, other shapes are not"
    return ""
