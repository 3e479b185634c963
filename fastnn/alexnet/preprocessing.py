"""Turns an image into what a network was trained on: its size, crop, channel order, mean and scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.views import Place

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Preprocessing"]

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """What is done to an image before the network sees it; it belongs to the weights.

    Parameters
    ----------
    resize : int
        Rows and columns of the square that the image is brought to, bilinearly over the area that a pixel covers.
    fit : {"shorter", "stretch"}
        How: the shorter side becomes `resize` and the middle of the longer one is taken, or both sides are stretched.
    offset : int or None
        First row and first column, within that square, of the part that the network sees; None: the middle.
    channels : {"RGB", "BGR"}
        Their order.
    scale : float
        Pixels, 0 to 255, are multiplied by it.
    mean : (float, float, float)
        Then subtracted, one for each channel in the order of `channels`.
    deviation : (float, float, float)
        Then divided by.

    Notes
    -----
    Weights that come with a mean image (3, resize, resize) subtract its part at the same place instead of `mean`,
    before `scale`.
    """

    resize: int = 256
    fit: Literal["shorter", "stretch"] = "shorter"
    offset: int | None = None
    channels: Literal["RGB", "BGR"] = "RGB"
    scale: float = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    deviation: Triple = (1.0, 1.0, 1.0)

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Preprocessing:
        """What `describe` described.

        Raises
        ------
        ValueError
            If it is no such description.
        """
        known = {field.name for field in fields(cls)}
        if set(description) != known:
            raise ValueError(
                f"preprocessing: expected {', '.join(sorted(known))}; got {', '.join(sorted(description))}"
            )
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in description.items()}
        made = cls(**values)
        triples = all(isinstance(t, tuple) and len(t) == 3 for t in (made.mean, made.deviation))
        if made.fit not in ("shorter", "stretch") or made.channels not in ("RGB", "BGR") or not triples:
            raise ValueError(f"preprocessing: {dict(description)} is none")
        return made

    def describe(self) -> dict[str, Any]:
        """Return the description in the types that JSON has."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    def first(self, crop: int, place: Place = "given") -> tuple[int, int]:
        """First row and first column of the part of `crop` rows and columns, within the square.

        Raises
        ------
        ValueError
            If it does not lie within.
        """
        first, last = (self.resize - crop) // 2 if self.offset is None else self.offset, self.resize - crop
        if not 0 <= first <= last:
            raise ValueError(f"preprocessing: a part of {crop} pixels from {first} does not lie in {self.resize}")
        if place in ("given", "squeezed"):
            return first, first
        return (0 if "top" in place else last), (0 if "left" in place else last)

    def part(self, image: Image, crop: int, place: Place = "given") -> NDArray[np.uint8]:
        """The part of an RGB image that the network sees, (3, crop, crop), in the order R, G, B."""
        from PIL import Image as pil

        width, height = image.size
        row, column = self.first(crop, place)
        if self.fit == "stretch" or place == "squeezed":
            sides = (self.resize, self.resize)
            left, top = column, row
        else:
            short = min(width, height)
            sides = (self.resize * width // short, self.resize * height // short)
            left, top = (round((s - self.resize) / 2) + first for s, first in zip(sides, (column, row), strict=True))
        # the resampled part alone: the box in the image's own pixels, with what the filter sees around it
        box = (
            left * width / sides[0],
            top * height / sides[1],
            (left + crop) * width / sides[0],
            (top + crop) * height / sides[1],
        )
        pixels = np.asarray(image.resize((crop, crop), pil.Resampling.BILINEAR, box=box))
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def apply(
        self,
        parts: NDArray[np.uint8],
        mean_image: NDArray[np.float32] | None,
        out: NDArray[np.float32],
        places: Sequence[Place] | None = None,
    ) -> NDArray[np.float32]:
        """Write what the network takes of parts (n, 3, crop, crop) to `out`, and return it.

        `places` says for each where in the square it lay; None: where `offset` says.
        """
        out[...] = parts if self.channels == "RGB" else parts[:, ::-1]
        if mean_image is not None:
            crop = parts.shape[-1]
            for k, image in enumerate(out):
                row, column = self.first(crop) if places is None else self.first(crop, places[k])
                image -= mean_image[:, row : row + crop, column : column + crop]
        if self.scale != 1:
            out *= np.float32(self.scale)
        if mean_image is None and any(self.mean):
            out -= np.array(self.mean, np.float32)[:, None, None]
        if self.deviation != (1, 1, 1):
            out /= np.array(self.deviation, np.float32)[:, None, None]
        return out
