"""Decoding image files and converting them to one size and mode."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import choice, whole
from fastnn.data.image_formats import READ_FORMATS, START_BYTES, image_format
from fastnn.data.image_modes import Undecided, check_mode, is_grey, plain_image
from fastnn.decisions.pictures import DEFAULT_BACKGROUND, Background

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 1 << 26
"""The most pixels of an image that is read."""

_ORIENTATION = 0x0112  # the EXIF tag, of whose values these exchange height and width
_ON_ITS_SIDE = (5, 6, 7, 8)
_MAX_PIXELS_PER_BYTE = 8 * 1032  # one bit per pixel, compressed by deflate as far as possible
_BOUNDED = ("PNG", "JPEG", "PPM", "BMP")  # the others can describe one colour over any area in a few bytes
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
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
    background : {"white", "black"} or None
        What shows through transparent pixels. None leaves it to `fastnn.decisions.pictures.background`.
    common : bool
        Whether images that differ in size are brought to a common one that `fastnn.decisions.pictures` chooses, if
        `size` is None. Otherwise they are an error.
    """

    size: tuple[int, int] | None = None
    mode: Literal["grey", "rgb"] | None = None
    fit: Literal["crop", "stretch"] = "crop"
    background: Background | None = None
    common: bool = False

    @classmethod
    def of(cls, function: str, size: Any, mode: Any, fit: Any, background: Any = None) -> ImageOptions:
        """Check the arguments of a function and return them as options.

        Parameters
        ----------
        function : str
            The beginning of the error messages.
        size : int, (height, width), "common" or None
            One number stands for a square; "common" for the argument of that name.
        mode, fit, background
            As for the class.

        Raises
        ------
        ValueError
            If `mode`, `fit` or `background` is not one of the choices, or `size` is out of range.
        TypeError
            If `size` is neither an integer nor a pair of integers.
        """
        choice(function, "mode", mode, ("grey", "rgb", None))
        choice(function, "fit", fit, ("crop", "stretch"))
        choice(function, "background", background, ("white", "black", None))
        if size is None or (isinstance(size, str) and size == "common"):
            return cls(None, mode, fit, background, size is not None)
        pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
        if len(pair) != 2:
            raise TypeError(f"{function}: size: expected a whole number, (height, width) or 'common', got {size!r:.80}")
        height, width = (whole(function, "size", side, at_least=1) for side in pair)
        if height * width > MAX_PIXELS:
            raise ValueError(f"{function}: size: expected at most {MAX_PIXELS} pixels, got {height} x {width}")
        return cls((height, width), mode, fit, background)

    def completed(self, reading: Mapping[str, Any]) -> ImageOptions:
        """Return these options with what they leave open as it was in a training.

        Parameters
        ----------
        reading : mapping
            Arguments of `load` by name, as `Expected.reading` has them.
        """
        size = reading.get("size") if self.size is None else self.size
        return ImageOptions.of(
            "load",
            ("common" if self.common else None) if size is None else size,
            self.mode or reading.get("mode"),
            reading.get("fit", self.fit) if self.size is None else self.fit,
            self.background or reading.get("background"),
        )


class Picture(NamedTuple):
    """A decoded image, and what about it is a matter of decision.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (3, H, W), uint8
    transparent, lost_on
        As for `fastnn.data.image_modes.PlainImage`.
    has_frames : bool
        Whether the file holds several frames or pages, of which this is the first.
    """

    pixels: NDArray[np.uint8]
    transparent: bool
    lost_on: Background | None
    has_frames: bool


def decode(
    data: bytes, where: str, options: ImageOptions, box: tuple[float, float, float, float] | None = None
) -> Picture:
    """Decode an image.

    Parameters
    ----------
    data : bytes
        The content of the file.
    where : str
        The beginning of the error messages.
    options : ImageOptions
    box : (left, top, right, bottom), optional
        The part of the image to return, in pixels of the upright image. What lies outside the image is cut off.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If the data is not an image in one of these formats, is damaged, declares more pixels than its bytes can hold
        or than `MAX_PIXELS`, has pixels whose black and white are not known, or the box lies outside the image.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> from fastnn.data.images import ImageOptions, decode
    >>> decode(b"P5 3 1 255 abc", "example", ImageOptions(mode="grey")).pixels.tolist()
    [[97, 98, 99]]
    """
    with opened_image(data, where) as opened:
        plain = plain_image(opened, options.background or DEFAULT_BACKGROUND)
        mode = "L" if _becomes_grey(opened, options.mode) else "RGB"
        image = plain.image.convert(mode)  # a copy, which looking for further frames does not change
        has_frames = opened.format != "MPO" and getattr(opened, "n_frames", 1) > 1
    if box is not None:
        left, top, right, bottom = box
        width, height = image.size
        clipped = (max(0, round(left)), max(0, round(top)), min(width, round(right)), min(height, round(bottom)))
        if clipped[0] >= clipped[2] or clipped[1] >= clipped[3]:
            raise ValueError(f"{where}: the box {box} lies outside the image of {width} x {height} pixels")
        image = image.crop(clipped)
    pixels = np.asarray(_resized(image, options))
    pixels = np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    return Picture(pixels, plain.transparent, plain.lost_on, has_frames)


def upright_size(data: bytes, where: str) -> tuple[int, int]:
    """Return the height and the width of an image as `decode` turns it, from the header of the file.

    Raises
    ------
    ValueError, ImportError
        As for `decode`, as far as the header shows it.
    """
    with opened_image(data, where) as opened:
        on_its_side = opened.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
        return (opened.width, opened.height) if on_its_side else (opened.height, opened.width)


def decoded_bytes(data: bytes, where: str, options: ImageOptions) -> int:
    """Return the size in bytes of the pixels that `decode` would return, from the header of the file.

    Raises
    ------
    ValueError, ImportError
        As for `decode`, as far as the header shows it.
    """
    with opened_image(data, where) as opened:
        height, width = options.size or (opened.height, opened.width)
        return height * width * (1 if _becomes_grey(opened, options.mode) else 3)


@contextmanager
def opened_image(data: bytes, where: str) -> Iterator[Image]:
    """Open an image with Pillow as a context; its header has been read and checked.

    Parameters
    ----------
    data : bytes
        The content of the file.
    where : str
        The beginning of the error messages.

    Raises
    ------
    ValueError
        If the header is not that of an acceptable image, or damage is found inside the context.
    ImportError
        If Pillow is not installed.
    """
    try:
        from PIL import Image as pil
        from PIL import UnidentifiedImageError
    except ImportError:
        raise ImportError(f"{where}: reading images needs Pillow: pip install pillow") from None
    found = image_format(data[:START_BYTES])
    if found is None:
        raise ValueError(f"{where}: not a {READ_FORMATS} file: it begins with {data[:4].hex(' ') or 'nothing'}")
    if found.name not in pil.OPEN:
        pil.init()
    if found.name not in pil.OPEN:
        raise ValueError(f"{where}: this build of Pillow does not read {found.name} files")
    refusal = ""
    try:
        with pil.open(io.BytesIO(data), formats=(found.name,)) as opened:
            refusal = _refusal(opened, len(data))
            if not refusal:
                yield opened
    except (pil.DecompressionBombError, pil.DecompressionBombWarning) as error:
        refusal = _too_large(str(error))
    except MemoryError:
        raise ValueError(f"{where}: takes more memory than there is, or a damaged image says so") from None
    except UnidentifiedImageError:
        raise ValueError(f"{where}: damaged image (it begins as a {found.name} file and is none)") from None
    except Undecided as error:
        raise ValueError(f"{where}: {error}") from None
    except _DAMAGED as error:
        raise ValueError(f"{where}: damaged image ({error})") from None
    if refusal:
        raise ValueError(f"{where}: {refusal}")


def _refusal(opened: Image, stored: int) -> str:
    """Return why an image is not read, from its header, or ""."""
    width, height = opened.size
    if opened.format in _BOUNDED and width * height > _MAX_PIXELS_PER_BYTE * stored:
        return f"damaged image ({width} x {height} pixels in {stored} bytes)"
    if width * height > MAX_PIXELS:
        return _too_large(f"{width} x {height} pixels")
    try:
        check_mode(opened)
    except ValueError as error:
        return str(error)
    return ""


def _too_large(found: str) -> str:
    return f"{found}; images of up to {MAX_PIXELS} pixels are read: make it smaller"


def _becomes_grey(image: Image, mode: str | None) -> bool:
    return mode == "grey" or (mode is None and is_grey(image))


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
