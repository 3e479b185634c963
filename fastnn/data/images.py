"""Decoding PNG, JPEG and PGM files and bringing them to one size."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import choice, whole

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["EIGHT_BITS", "SUFFIXES", "ImageForm", "decode", "decoded_size", "is_image", "opened_image"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".pgm", ".ppm")

_FORMATS = ("PNG", "JPEG", "PPM")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"P2", b"P3", b"P5", b"P6")
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_MAX_PIXELS = 1 << 26
_MAX_PIXELS_A_BYTE = 8 * 1032  # deflate at its best on one bit a pixel
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
    zlib.error,
)  # what Pillow raises on damaged files


@dataclass(frozen=True)
class ImageForm:
    """What images are brought to.

    Parameters
    ----------
    size : (int, int) or None
        Height and width in pixels; None leaves the size.
    mode : {"grey", "rgb"} or None
        None: grey where a file is grey, else RGB.
    fit : {"crop", "stretch"}
        How to get to a size of another shape: "crop" cuts the middle out, "stretch" distorts.
    """

    size: tuple[int, int] | None = None
    mode: Literal["grey", "rgb"] | None = None
    fit: Literal["crop", "stretch"] = "crop"

    @classmethod
    def of(cls, function: str, size: Any, mode: Any, fit: Any) -> ImageForm:
        """The form that a function's arguments ask for, checked; `size` may be one number for squares.

        Raises
        ------
        ValueError, TypeError
            If one of them is not of the above.
        """
        choice(function, "mode", mode, ("grey", "rgb", None))
        choice(function, "fit", fit, ("crop", "stretch"))
        if size is None:
            return cls(None, mode, fit)
        pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
        if len(pair) != 2:
            raise TypeError(f"{function}: size: expected a whole number or (height, width), got {size!r:.80}")
        height, width = (whole(function, "size", side, at_least=1) for side in pair)
        if height * width > _MAX_PIXELS:
            raise ValueError(f"{function}: size: expected at most {_MAX_PIXELS} pixels, got {height} x {width}")
        return cls((height, width), mode, fit)


def is_image(start: bytes) -> bool:
    """Tell whether a file with these first bytes may be a PNG, JPEG, PGM or PPM file."""
    return start.startswith(_MAGIC)


def decode(
    data: bytes, where: str, form: ImageForm, box: tuple[float, float, float, float] | None = None
) -> NDArray[np.uint8]:
    """Decode one image.

    Parameters
    ----------
    data : bytes
        The content of the file.
    where : str
        Begins the error messages.
    form : ImageForm
        What to bring it to.
    box : (left, top, right, bottom), optional
        The part to take, in pixels; cut down to what lies within the image.

    Returns
    -------
    ndarray, (H, W) or (3, H, W), uint8

    Raises
    ------
    ValueError
        If it is no such image, is damaged, has more pixels than its bytes can hold or than 2**26, or the box
        lies outside.
    ImportError
        If Pillow is not installed.
    """
    with opened_image(data, where) as opened:
        width, height = opened.size
        image = opened.convert("L" if _is_grey(opened, form.mode) else "RGB")
    if box is not None:
        left, top, right, bottom = box
        clipped = (max(0, round(left)), max(0, round(top)), min(width, round(right)), min(height, round(bottom)))
        if clipped[0] >= clipped[2] or clipped[1] >= clipped[3]:
            raise ValueError(f"{where}: the box {box} lies outside the image of {width} x {height} pixels")
        image = image.crop(clipped)
    pixels = np.asarray(_resized(image, form))
    return np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def decoded_size(data: bytes, where: str, form: ImageForm) -> int:
    """Bytes of what `decode` would give for the file, by its header; raises as it does."""
    with opened_image(data, where) as opened:
        height, width = form.size or (opened.height, opened.width)
        return height * width * (1 if _is_grey(opened, form.mode) else 3)


@contextmanager
def opened_image(data: bytes, where: str, modes: Collection[str] = EIGHT_BITS) -> Iterator[Image]:
    """The image whose header has been read and is possible; what damage brings about within is a ValueError.

    `modes` are Pillow's names of the kinds of pixels that are taken.
    """
    try:
        from PIL import Image as pil
    except ImportError:
        raise ImportError(f"{where}: reading images needs Pillow: pip install pillow") from None
    if not is_image(data):
        raise ValueError(f"{where}: not a PNG, JPEG or PGM file: it begins with {data[:4].hex(' ') or 'nothing'}")
    try:
        with pil.open(io.BytesIO(data), formats=_FORMATS) as opened:
            width, height = opened.size
            if width * height > min(_MAX_PIXELS, _MAX_PIXELS_A_BYTE * len(data)):
                raise ValueError(f"{width} x {height} pixels in {len(data)} bytes")
            if opened.mode not in modes:
                raise ValueError(f"{opened.mode} pixels; 8 bits a channel are read")
            yield opened
    except pil.DecompressionBombError as error:
        raise ValueError(f"{where}: {error}") from None
    except _DAMAGED as error:
        raise ValueError(f"{where}: damaged image ({error})") from None


def _is_grey(image: Image, mode: str | None) -> bool:
    return mode == "grey" or (mode is None and image.mode in ("1", "L", "LA"))


def _resized(image: Image, form: ImageForm) -> Image:
    from PIL import Image as pil

    if form.size is None or image.size == (form.size[1], form.size[0]):
        return image
    height, width = form.size
    box: tuple[float, float, float, float] | None = None
    if form.fit == "crop":
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
        box = (left, top, left + width * scale, top + height * scale)
    return image.resize((width, height), pil.Resampling.BILINEAR, box=box)
