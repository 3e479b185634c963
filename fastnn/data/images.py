"""Decoding PNG, JPEG, PGM and PPM files and converting them to one size and mode."""

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

SUFFIXES = (".png", ".jpg", ".jpeg", ".pgm", ".ppm")

_FORMATS = ("PNG", "JPEG", "PPM")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"P2", b"P3", b"P5", b"P6")
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_MAX_PIXELS = 1 << 26
_MAX_PIXELS_PER_BYTE = 8 * 1032  # one bit per pixel, compressed by deflate as far as possible
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
)  # the exceptions that Pillow raises on damaged files


@dataclass(frozen=True)
class ImageOptions:
    """The size and mode that images are converted to.

    Parameters
    ----------
    size : (int, int) or None
        Height and width in pixels. None leaves the size as it is.
    mode : {"grey", "rgb"} or None
        None leaves grey images grey and converts all others to RGB.
    fit : {"crop", "stretch"}
        How an image of another aspect ratio is resized: "crop" cuts its centre out first, "stretch" distorts it.
    """

    size: tuple[int, int] | None = None
    mode: Literal["grey", "rgb"] | None = None
    fit: Literal["crop", "stretch"] = "crop"

    @classmethod
    def of(cls, function: str, size: Any, mode: Any, fit: Any) -> ImageOptions:
        """Check the arguments of a function and return them as options.

        Parameters
        ----------
        function : str
            The beginning of the error messages.
        size : int, (height, width) or None
            One number stands for a square.
        mode, fit
            As for the class.

        Raises
        ------
        ValueError
            If `mode` or `fit` is not one of the choices, or `size` is out of range.
        TypeError
            If `size` is neither an integer nor a pair of integers.
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
    """Return whether a file that begins with these bytes may be a PNG, JPEG, PGM or PPM file."""
    return start.startswith(_MAGIC)


def decode(
    data: bytes, where: str, options: ImageOptions, box: tuple[float, float, float, float] | None = None
) -> NDArray[np.uint8]:
    """Decode an image.

    Parameters
    ----------
    data : bytes
        The content of the file.
    where : str
        The beginning of the error messages.
    options : ImageOptions
    box : (left, top, right, bottom), optional
        The part of the image to return, in pixels. What lies outside the image is cut off.

    Returns
    -------
    ndarray, shape (H, W) or (3, H, W), uint8

    Raises
    ------
    ValueError
        If the data is not an image in one of these formats, is damaged, declares more pixels than its bytes can hold
        or than 2**26, or the box lies outside the image.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> from fastnn.data.images import ImageOptions, decode
    >>> decode(b"P5 3 1 255 abc", "example", ImageOptions(mode="grey")).tolist()
    [[97, 98, 99]]
    """
    with opened_image(data, where) as opened:
        width, height = opened.size
        image = opened.convert("L" if _is_grey(opened, options.mode) else "RGB")
    if box is not None:
        left, top, right, bottom = box
        clipped = (max(0, round(left)), max(0, round(top)), min(width, round(right)), min(height, round(bottom)))
        if clipped[0] >= clipped[2] or clipped[1] >= clipped[3]:
            raise ValueError(f"{where}: the box {box} lies outside the image of {width} x {height} pixels")
        image = image.crop(clipped)
    pixels = np.asarray(_resized(image, options))
    return np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def decoded_bytes(data: bytes, where: str, options: ImageOptions) -> int:
    """Return the size in bytes of what `decode` would return, from the header of the file.

    Raises
    ------
    ValueError, ImportError
        As for `decode`, as far as the header shows it.
    """
    with opened_image(data, where) as opened:
        height, width = options.size or (opened.height, opened.width)
        return height * width * (1 if _is_grey(opened, options.mode) else 3)


@contextmanager
def opened_image(data: bytes, where: str, modes: Collection[str] = EIGHT_BITS) -> Iterator[Image]:
    """Open an image with Pillow as a context; its header has been read and checked.

    Parameters
    ----------
    data : bytes
        The content of the file.
    where : str
        The beginning of the error messages.
    modes : collection of str
        The modes of Pillow that are accepted.

    Raises
    ------
    ValueError
        If the header is not that of an acceptable image, or damage is found inside the context.
    ImportError
        If Pillow is not installed.
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
            if width * height > min(_MAX_PIXELS, _MAX_PIXELS_PER_BYTE * len(data)):
                raise ValueError(f"{width} x {height} pixels in {len(data)} bytes")
            if opened.mode not in modes:
                raise ValueError(f"{opened.mode} pixels, but only 8 bits per channel are supported")
            yield opened
    except pil.DecompressionBombError as error:
        raise ValueError(f"{where}: {error}") from None
    except _DAMAGED as error:
        raise ValueError(f"{where}: damaged image ({error})") from None


def _is_grey(image: Image, mode: str | None) -> bool:
    return mode == "grey" or (mode is None and image.mode in ("1", "L", "LA"))


def _resized(image: Image, options: ImageOptions) -> Image:
    from PIL import Image as pil

    if options.size is None or image.size == (options.size[1], options.size[0]):
        return image
    height, width = options.size
    box: tuple[float, float, float, float] | None = None
    if options.fit == "crop":
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
        box = (left, top, left + width * scale, top + height * scale)
    return image.resize((width, height), pil.Resampling.BILINEAR, box=box)
