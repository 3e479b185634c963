"""Images of every kind that Pillow opens as 8 bits per channel, grey or RGB, upright and without transparency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.decisions.pictures import VISIBLE, Background

if TYPE_CHECKING:
    from PIL.Image import Image

_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_DEEP = (*_SIXTEEN_BITS, "I", "F")
_GREY = ("1", "L", "LA", "La", *_DEEP)
_MODES = (*_GREY, "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # tags of TIFF
_WHITE_IS_ZERO = 0
_ORIENTATION = 0x0112  # a tag of EXIF


class Undecided(ValueError):
    """An image that has no reading, or several: its numbers do not say what is black, or it shows nothing."""


class PlainImage(NamedTuple):
    """An image as it is shown.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode "L" or "RGB".
    transparent : bool
        Whether pixels of it were transparent.
    lost_on : "white", "black" or None
        The background on which it shows nothing, although it shows something on the other.
    """

    image: Image
    transparent: bool = False
    lost_on: Background | None = None


def is_grey(image: Image) -> bool:
    """Return whether an image, as Pillow opened it, is stored without colours."""
    return image.mode in _GREY


def check_mode(image: Image) -> None:
    """Check from its header that an image can become grey or RGB.

    Raises
    ------
    ValueError
        If it cannot; `Undecided` if the reason is that of `plain_image`.
    """
    if image.mode not in _MODES:
        raise ValueError(f"{image.mode} pixels: save it as grey or RGB")
    if image.mode == "I" and image.format == "TIFF":
        raise Undecided("signed or 32-bit whole numbers, whose black and white are not known: save it with 8 bits")


def plain_image(opened: Image, background: Background) -> PlainImage:
    """Return an image in "L" or "RGB", upright and on a background.

    Parameters
    ----------
    opened : PIL.Image.Image
    background : {"white", "black"}
        What shows through transparent pixels.

    Returns
    -------
    PlainImage

    Raises
    ------
    Undecided
        If the range of its pixels is not known: floats outside 0 ... 1, whole numbers of more than 16 bits. Pillow
        raises further exceptions on damaged images.

    Notes
    -----
    - An image whose EXIF orientation says that it is turned or mirrored is turned back (Exif 2.3, tag 0x0112).
    - Of n bits, v becomes 255 v / (2**n - 1), rounded, for grey; Pillow keeps the upper 8 of 16 bits for colours.
    - Floats, 0 ... 1, are multiplied by 255 and rounded.
    - A pixel of opacity a becomes a v + (1 - a) b on the background b.
    """
    check_mode(opened)
    grey = is_grey(opened)
    image = _eight_bits(_upright(opened))
    if "A" not in image.getbands() and "a" not in image.getbands() and "transparency" not in image.info:
        return PlainImage(image if image.mode in ("L", "RGB") else image.convert("L" if grey else "RGB"))
    coloured = image.convert("RGBA")
    wanted = "L" if grey else "RGB"
    if _least(coloured.getchannel("A")) == 255:
        return PlainImage(coloured.convert("RGB").convert(wanted))
    shown: dict[Background, Image] = {"white": _on("white", coloured), "black": _on("black", coloured)}
    on_white = 255 - min(low for low, _ in _ranges(shown["white"])) >= VISIBLE
    on_black = max(high for _, high in _ranges(shown["black"])) >= VISIBLE
    lost: Background | None = None if on_white == on_black else "black" if on_white else "white"
    return PlainImage(shown[background].convert(wanted), True, lost)


def shown_image(opened: Image, background: Background) -> Image:
    """Return the image of `plain_image`, after checking that it shows something on this background.

    Raises
    ------
    Undecided
        If it shows something on the other background alone, or as for `plain_image`.
    """
    plain = plain_image(opened, background)
    if plain.lost_on == background:
        raise Undecided(f"shows nothing on a {background} background")
    return plain.image


def _upright(opened: Image) -> Image:
    from PIL import ImageOps

    opened.load()
    try:
        is_turned = opened.getexif().get(_ORIENTATION, 1) in range(2, 9)
        return ImageOps.exif_transpose(opened) if is_turned else opened
    except Exception:  # Pillow raises many kinds; pixels without readable EXIF data are shown as they are stored
        return opened


def _eight_bits(image: Image) -> Image:
    """Return an image of more than 8 bits per pixel in grey as "L" or, with transparency, "LA"."""
    from PIL import Image as pil

    if image.mode not in _DEEP:
        return image
    values = np.asarray(image)
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 1):  # false for NaN
            raise Undecided(f"floats from {low:g} to {high:g}, expected 0 to 1: save it with 8 bits")
        most = 1.0
    else:
        bits = _tag(image, _BITS_PER_SAMPLE, 16)
        most = float(2 ** (bits if bits in range(9, 17) else 16) - 1)
        if values.min() < 0 or values.max() > most:
            raise Undecided(f"whole numbers from {values.min()} to {values.max()}, expected 0 to {most:.0f}")
    pixels = np.rint(values.astype(np.float64) * (255 / most)).astype(np.uint8)
    if _tag(image, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        pixels = 255 - pixels
    grey = pil.fromarray(pixels)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(pil.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def _tag(image: Image, number: int, default: int) -> int:
    """Return a tag of a TIFF file, or the default in other formats."""
    tags: Any = getattr(image, "tag_v2", {})
    value = tags.get(number, default)
    return int(value[0] if isinstance(value, tuple) else value)


def _on(background: Background, coloured: Image) -> Image:
    from PIL import Image as pil

    return pil.alpha_composite(pil.new("RGBA", coloured.size, background), coloured).convert("RGB")


def _least(channel: Image) -> int:
    return int(np.asarray(channel).min())


def _ranges(image: Image) -> list[tuple[int, int]]:
    """Return the smallest and largest value of each channel."""
    pixels: NDArray[Any] = np.asarray(image).reshape(-1, 3)
    return list(zip(pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist(), strict=True))
