"""Render the glyph masks behind `fastnn.data.glyphs` from the fonts that matplotlib carries.

Run once, by hand, when the choice of faces changes: ``python scripts/render_glyphs.py``. It needs matplotlib
and Pillow and writes ``fastnn/data/glyph_masks.npz``, which is part of the package; other versions of the
fonts or of FreeType give slightly different masks, and so other data sets from the same seed.

The masks are pictures of characters; the fonts themselves (DejaVu, STIX, Computer Modern; their licences lie
beside them in matplotlib) are not redistributed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGHIJ"
DIGITS = "0123456789"
MASK = 40  # pixels a side
GLYPH = 32  # the longer side of the glyph's box within the mask
LEVELS = 16  # grey levels kept: edges stay smooth and the file compresses to half
OVERSAMPLING = 8

# Alphabets in the mathematical block of Unicode: first capital, first digit (0: none).
STYLES = {
    "": (ord("A"), ord("0")),
    "double-struck": (0x1D538, 0x1D7D8),
    "sans": (0x1D5A0, 0x1D7E2),
    "sans-bold": (0x1D5D4, 0x1D7EC),
    "sans-italic": (0x1D608, 0),
    "sans-bold-italic": (0x1D63C, 0),
    "monospace": (0x1D670, 0x1D7F6),
}
# Characters of those alphabets that had a place in Unicode before the block was made.
ELSEWHERE = {0x1D53A: 0x2102, 0x1D53F: 0x210D}


class Face(NamedTuple):
    """One way of drawing the characters."""

    file: str
    style: str = ""
    kinds: tuple[str, ...] = ("letters", "digits")
    split: str = "train"

    @property
    def name(self) -> str:
        return f"{self.file} {self.style}".strip()


# Slanted mathematical alphabets have no digits; Computer Modern's math fonts have other ones or signs.
ONLY_LETTERS = ("letters",)
FACES = (
    Face("DejaVuSans"),
    Face("DejaVuSans-Bold"),
    Face("DejaVuSans-Oblique"),
    Face("DejaVuSans-BoldOblique", split="test"),
    Face("DejaVuSans", "double-struck"),
    Face("DejaVuSansMono"),
    Face("DejaVuSansMono-Bold", split="test"),
    Face("DejaVuSansMono-Oblique"),
    Face("DejaVuSansMono-BoldOblique"),
    Face("DejaVuSerif", split="test"),
    Face("DejaVuSerif-Bold"),
    Face("DejaVuSerif-Italic"),
    Face("DejaVuSerif-BoldItalic"),
    Face("DejaVuSerif", "double-struck"),
    Face("STIXGeneral"),
    Face("STIXGeneralBol"),
    Face("STIXGeneralItalic", split="test"),
    Face("STIXGeneralBolIta"),
    Face("STIXGeneral", "sans", split="test"),
    Face("STIXGeneral", "sans-bold"),
    Face("STIXGeneral", "sans-italic", ONLY_LETTERS),
    Face("STIXGeneral", "sans-bold-italic", ONLY_LETTERS),
    Face("STIXGeneral", "monospace"),
    Face("STIXGeneral", "double-struck", split="test"),
    Face("cmr10"),
    Face("cmb10", split="test"),
    Face("cmss10"),
    Face("cmti10"),
    Face("cmtt10"),
    Face("cmmi10", "", ONLY_LETTERS),
    Face("cmsy10", "", ONLY_LETTERS),
)


def characters(face: Face, kind: str) -> str:
    """Return the ten characters of a kind in the alphabet of the face."""
    first = STYLES[face.style][0 if kind == "letters" else 1]
    return "".join(chr(ELSEWHERE.get(first + i, first + i)) for i in range(10))


def render(font: ImageFont.FreeTypeFont, character: str) -> NDArray[np.uint8]:
    """Draw one character, cut to its box, centred and scaled so that its longer side is GLYPH pixels."""
    left, top, right, bottom = font.getbbox(character)
    width, height = int(right - left), int(bottom - top)
    drawn = Image.new("L", (width, height))
    ImageDraw.Draw(drawn).text((-left, -top), character, fill=255, font=font)
    box = drawn.getbbox()
    if box is None:
        raise ValueError(f"{font.getname()[0]}: draws nothing for {character!r}")
    drawn = drawn.crop(box)
    scale = GLYPH / max(drawn.size)
    size = (max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale)))
    small = drawn.resize(size, Image.Resampling.BOX)
    mask = Image.new("L", (MASK, MASK))
    mask.paste(small, ((MASK - size[0]) // 2, (MASK - size[1]) // 2))
    step = 255 / (LEVELS - 1)
    return np.round(np.round(np.asarray(mask) / step) * step).astype(np.uint8)


def render_all(folder: Path) -> dict[str, NDArray[np.generic]]:
    """Render every face: arrays KIND_SPLIT (faces, 10, MASK, MASK) uint8 and the names of their faces."""
    masks: dict[str, list[NDArray[np.uint8]]] = {}
    names: dict[str, list[str]] = {}
    for face in FACES:
        font = ImageFont.truetype(str(folder / f"{face.file}.ttf"), GLYPH * OVERSAMPLING)
        for kind in face.kinds:
            key = f"{kind}_{face.split}"
            masks.setdefault(key, []).append(np.stack([render(font, c) for c in characters(face, kind)]))
            names.setdefault(f"{key}_faces", []).append(face.name)
    arrays: dict[str, NDArray[np.generic]] = {key: np.stack(value) for key, value in masks.items()}
    arrays.update({key: np.array(value) for key, value in names.items()})
    return arrays


def main() -> None:
    """Write the masks, and if asked a picture of all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    package_data = Path(__file__).parents[1] / "fastnn" / "data" / "glyph_masks.npz"
    parser.add_argument("--out", type=Path, default=package_data)
    parser.add_argument("--picture", type=Path, help="also write all masks as one PNG, to look at")
    arguments = parser.parse_args()

    arrays = render_all(Path(matplotlib.get_data_path()) / "fonts" / "ttf")
    np.savez_compressed(arguments.out, allow_pickle=False, **arrays)
    if arguments.picture is not None:
        rows = [np.hstack(list(face)) for key, faces in arrays.items() if faces.dtype == np.uint8 for face in faces]
        Image.fromarray(np.vstack(rows)).save(arguments.picture)
    for key, value in arrays.items():
        print(f"{key}: {value.shape} {value.dtype}")
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
