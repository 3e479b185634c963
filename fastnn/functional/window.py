"""Windows that move over images: stride, padding and dilation, for both convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastnn.checks import whole
from fastnn.functional.checks import pair

Pair = tuple[int, int]
Pad = int | Sequence[Any] | Literal["same"]


@dataclass(frozen=True, slots=True)
class Window:
    """A window of `size` taps on images of one size. Every pair is (rows, columns)."""

    size: Pair
    stride: Pair
    before: Pair  # rows of padding above and columns of padding to the left
    dilation: Pair
    count: Pair  # rows and columns of the output, which is how many windows fit

    @property
    def scalars(self) -> tuple[int, int, int, int, int, int]:
        """Stride, padding and dilation, in the order of the kernels' arguments."""
        return (*self.stride, *self.before, *self.dilation)


def window(
    function: str,
    image: Pair,
    size: Pair,
    *,
    stride: int | Sequence[int] = 1,
    pad: Pad = 0,
    dilation: int | Sequence[int] = 1,
) -> Window:
    """The window of `size` taps on an image of (H, W) pixels.

    Parameters
    ----------
    function : str
        The name that begins the message of an error.
    image : pair of int
        H and W.
    size : pair of int
        Rows and columns of the window.
    stride, dilation : int or pair of int
        At least 1; a pair is (rows, columns).
    pad : int, pair of int, ((top, bottom), (left, right)) or "same"
        Rows and columns around the image. "same" makes ceil(H / stride) × ceil(W / stride) windows; if the number of
        lines to add is odd, the extra one lies below or to the right.

    Raises
    ------
    TypeError, ValueError
        If a number is not whole or is too small, or the window is larger than the padded image.
    """
    strides = pair(function, "stride", stride, at_least=1)
    dilations = pair(function, "dilation", dilation, at_least=1)
    reach = [(size[i] - 1) * dilations[i] + 1 for i in (0, 1)]
    around = _around(function, pad)
    if around is None:
        wanted = [-(-image[i] // strides[i]) for i in (0, 1)]
        total = [max(0, (wanted[i] - 1) * strides[i] + reach[i] - image[i]) for i in (0, 1)]
        around = [(t // 2, t - t // 2) for t in total]
    padded = [image[i] + sum(around[i]) for i in (0, 1)]
    if any(reach[i] > padded[i] for i in (0, 1)):
        dilated = f" dilated to {reach[0]} × {reach[1]}" if dilations != (1, 1) else ""
        raise ValueError(
            f"{function}: the window, {size[0]} × {size[1]}{dilated}, is larger than the padded image, "
            f"{padded[0]} × {padded[1]}"
        )
    count = [(padded[i] - reach[i]) // strides[i] + 1 for i in (0, 1)]
    return Window(size, strides, (around[0][0], around[1][0]), dilations, (count[0], count[1]))


def checked_pad(function: str, pad: Pad) -> Any:
    """The argument `pad` as JSON can hold it, with lists for sequences.

    Raises
    ------
    TypeError, ValueError
        If it is not a padding.
    """
    _around(function, pad)
    if isinstance(pad, str) or not isinstance(pad, Sequence):
        return pad
    return [list(side) if isinstance(side, Sequence) else side for side in pad]


def _around(function: str, pad: object) -> list[Pair] | None:
    """The padding as ((top, bottom), (left, right)); None for "same"."""
    if isinstance(pad, str) and pad == "same":
        return None
    if not isinstance(pad, Sequence):
        both = whole(function, "pad", pad, at_least=0)
        return [(both, both), (both, both)]
    if isinstance(pad, str) or len(pad) != 2:
        raise ValueError(f'{function}: pad: expected a whole number, a pair, two pairs or "same", got {pad!r}')
    return [pair(function, "pad", side, at_least=0) for side in pad]
