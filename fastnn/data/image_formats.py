"""The formats of image files: how they begin, how their names end, and which of them are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class ImageFormat:
    """A format that is read.

    Parameters
    ----------
    name : str
        As Pillow calls it.
    suffixes : tuple of str
        The endings of its files' names, in lower case.
    start : re.Pattern of bytes
        What its files begin with.
    """

    name: str
    suffixes: tuple[str, ...]
    start: re.Pattern[bytes]


def _format(name: str, suffixes: str, start: bytes) -> ImageFormat:
    return ImageFormat(name, tuple(suffixes.split()), re.compile(start, re.DOTALL))


IMAGE_FORMATS = (
    _format("PNG", ".png .apng", rb"\x89PNG\r\n\x1a\n"),
    _format("JPEG", ".jpg .jpeg .jpe .jfif .mpo", rb"\xff\xd8\xff"),
    # A table may begin with a column named P3: in an image, a number or a comment follows.
    _format("PPM", ".pbm .pgm .ppm .pnm .pfm", rb"P(?:[1-6]\s+[\d#]|f\s+\d)"),
    _format("BMP", ".bmp", rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}"),
    _format("GIF", ".gif", rb"GIF8[79]a"),
    _format("WEBP", ".webp", rb"RIFF.{4}WEBPVP8"),
    _format("TIFF", ".tif .tiff", rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
    _format("JPEG2000", ".jp2 .j2k .jpc .jpf .jpx .j2c", rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"),
    _format("AVIF", ".avif .avifs", rb".{4}ftyp(?:avif|avis)"),
    _format("QOI", ".qoi", rb"qoif"),
    _format("PCX", ".pcx", rb"\n[\x00\x02\x03\x05]\x01[\x01\x02\x04\x08]"),
    _format("SGI", ".sgi .bw .rgb .rgba", rb"\x01\xda[\x00\x01][\x01\x02]"),
)
"""The formats that are read, as far as Pillow is built with them."""

SUFFIXES = frozenset(suffix for each in IMAGE_FORMATS for suffix in each.suffixes)
START_BYTES = 32
"""How many of a file's first bytes `image_format` needs."""

READ_FORMATS = "PNG, JPEG, PGM, BMP, GIF, WebP or TIFF"
"""The most common of these formats, for messages."""

# Pictures by their names that are not read: to leave them out could leave out a class.
_NOT_READ = (
    *(".heic", ".heif", ".jxl", ".svg", ".svgz", ".tga", ".ico", ".icns", ".psd", ".xcf", ".exr", ".hdr", ".dds"),
    *(".dib", ".eps", ".xbm", ".xpm", ".wmf", ".emf", ".fits", ".dcm"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".raw"),
)
# What a program that is at work, or was interrupted, leaves beside a picture.
_LEFT_BEHIND = ("~", ".bak", ".tmp", ".part", ".partial", ".crdownload")
_OF_THE_SYSTEM = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin"))


def image_format(start: bytes) -> ImageFormat | None:
    """Return the format of a file that begins with these bytes, at least `START_BYTES`; None if it is no image.

    Parameters
    ----------
    start : bytes

    Examples
    --------
    >>> from fastnn.data.image_formats import image_format
    >>> image_format(b"P5 3 1 255 abc").name, image_format(b"P3,P4,class")
    ('PPM', None)
    """
    return next((each for each in IMAGE_FORMATS if each.start.match(start)), None)


def has_image_name(name: str) -> bool:
    """Return whether the name of a file ends as those of images that are read."""
    return PurePath(name).suffix.lower() in SUFFIXES


def has_unread_name(name: str) -> bool:
    """Return whether the name of a file ends as those of pictures in a format that is not read."""
    return PurePath(name).suffix.lower() in _NOT_READ


def is_left_behind(name: str) -> bool:
    """Return whether the name of a file says that it is a copy or a part of another."""
    return name.lower().endswith(_LEFT_BEHIND)


def is_hidden(name: str) -> bool:
    """Return whether a file or a folder of this name is hidden or belongs to the operating system."""
    return name.startswith(".") or name.lower() in _OF_THE_SYSTEM
