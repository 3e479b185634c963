"""One image file of every kind, wherever it is read: upright, on a background, in the range of its numbers."""

import hashlib
import struct

import numpy as np
import pytest
from picture_files import TURNS, encoded, grey, strokes, write
from PIL import Image

from fastnn.alexnet import Preprocessing
from fastnn.alexnet.images import decode_part
from fastnn.data import read_image_folder, read_photo_list
from fastnn.data.images import MAX_PIXELS, ImageOptions, decode


def by_folder(tmp_path, content):
    write(tmp_path / "set" / "a" / "1.png", content)
    return read_image_folder(tmp_path / "set", mode="grey").images[0]


def by_list(tmp_path, content):
    write(tmp_path / "photos" / "1.png", content)
    line = f"A B - - http://x.org/1.png 0,0,99,99 {hashlib.sha256(content).hexdigest()}"
    (tmp_path / "list.txt").write_text(line)
    # a box as large as the image leaves its pixels as they are
    found = decode(content, "size", ImageOptions()).pixels.shape[-2:]
    return read_photo_list(tmp_path / "list.txt", tmp_path / "photos", size=found, mode="grey").images[0]


def by_network(tmp_path, content):
    side = decode(content, "size", ImageOptions()).pixels.shape[-1]
    return decode_part(content, "image", Preprocessing(resize=side, fit="stretch"), side)[0]


READERS = [by_folder, by_list, by_network]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_a_turned_image_is_upright_wherever_it_is_read(tmp_path, read, turn, format):
    upright = grey(shape=(6, 6))
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"lossless": True} if format == "WEBP" else {}
    stored = upright.transpose(TURNS[turn])
    pixels = read(tmp_path, encoded(stored, format, exif=exif, **options))
    np.testing.assert_array_equal(pixels, np.asarray(upright))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_exif_data_that_cannot_be_read_turns_nothing(tmp_path):
    image = grey()
    data = encoded(image, exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x01\x02")
    np.testing.assert_array_equal(decode(data, "t", ImageOptions()).pixels, np.asarray(image))


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_black_strokes_on_transparency_are_black_on_white(tmp_path, read, mode):
    with pytest.warns(UserWarning, match="background: white") if read is by_folder else _nothing():
        pixels = read(tmp_path, encoded(strokes(0, mode)))
    expected = 255 - np.asarray(strokes(0, mode))[..., -1]
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("read", [by_list, by_network])
def test_white_strokes_on_transparency_are_not_lost_on_white(tmp_path, read):
    with pytest.raises(ValueError, match="shows nothing on a white background"):
        read(tmp_path, encoded(strokes(255)))


def _nothing():
    import contextlib

    return contextlib.nullcontext()


def kinds():
    """Files with a transparent left half and 100 in the right one, stored in each way that a format has."""
    pixels = np.full((4, 6), 100, np.uint8)
    pixels[:, :3] = 7
    plain = Image.fromarray(pixels)
    yield "a key of grey", encoded(plain, transparency=7)
    yield "a key of colours", encoded(plain.convert("RGB"), transparency=(7, 7, 7))
    palette = plain.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE)
    clear = palette.getpixel((0, 0))
    yield "a key of a palette", encoded(palette, transparency=clear)
    yield "opacities of a palette", encoded(palette, transparency=bytes(0 if k == clear else 255 for k in range(3)))
    yield "GIF", encoded(palette, "GIF", transparency=clear)
    yield "a key of 16 bits", encoded(Image.fromarray(pixels.astype(np.uint16) * 257), transparency=7 * 257)
    opacity = Image.fromarray(np.where(pixels == 7, 0, 255).astype(np.uint8))
    both = Image.merge("RGBA", [plain, plain, plain, opacity])
    for format in ("PNG", "TIFF", "WEBP"):
        yield f"{format} with opacities", encoded(both, format, **({"lossless": True} if format == "WEBP" else {}))


@pytest.mark.parametrize(("kind", "content"), list(kinds()), ids=[kind for kind, _ in kinds()])
@pytest.mark.parametrize("background", ["white", "black"])
def test_transparency_shows_the_background_however_it_is_stored(kind, content, background):
    found = decode(content, kind, ImageOptions(mode="grey", background=background))
    assert found.transparent
    np.testing.assert_array_equal(found.pixels[:, :3], 255 if background == "white" else 0)
    np.testing.assert_array_equal(found.pixels[:, 3:], 100)


def test_an_opaque_channel_of_opacities_leaves_nothing_open():
    image = grey()
    image.putalpha(255)
    found = decode(encoded(image), "t", ImageOptions())
    assert not found.transparent
    np.testing.assert_array_equal(found.pixels, np.asarray(image)[..., 0])


DEEP = np.array([[0, 1, 300], [40000, 65407, 65535]], np.uint16)
EIGHT = np.rint(DEEP / 257)


@pytest.mark.parametrize(
    "content",
    [
        encoded(Image.fromarray(DEEP)),
        encoded(Image.fromarray(DEEP), "TIFF"),
        b"P5 3 2 65535\n" + DEEP.astype(">u2").tobytes(),
        encoded(Image.fromarray(65535 - DEEP), "TIFF", tiffinfo={262: 0}),
    ],
    ids=["png", "tiff", "pgm", "tiff whose zero is white"],
)
def test_grey_of_16_bits_keeps_its_range(content):
    np.testing.assert_array_equal(decode(content, "t", ImageOptions()).pixels, EIGHT)


def test_a_pgm_of_12_bits_keeps_its_range():
    values = np.array([[0, 2048, 4095]], ">u2")
    pixels = decode(b"P5 3 1 4095\n" + values.tobytes(), "t", ImageOptions()).pixels
    assert pixels.tolist() == [[0, 128, 255]]


def test_a_tiff_of_12_bits_keeps_its_range():
    tags = {256: 2, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 3}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    packed = bytes([0xFF, 0xF8, 0x00])  # 4095, 2048
    content = b"II*\0" + struct.pack("<I", 12) + packed + b"\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    assert decode(content, "t", ImageOptions()).pixels.tolist() == [[255, 128]]


def test_floats_from_0_to_1_are_grey_and_others_are_refused():
    values = np.array([[0, 0.25, 1]], np.float32)
    assert decode(encoded(Image.fromarray(values), "TIFF"), "t", ImageOptions()).pixels.tolist() == [[0, 64, 255]]
    for wrong in (values * 255, -values, values * np.nan):
        with pytest.raises(ValueError, match=r"^t: floats from .* expected 0 to 1"):
            decode(encoded(Image.fromarray(wrong), "TIFF"), "t", ImageOptions())


def test_whole_numbers_of_32_bits_are_refused():
    with pytest.raises(ValueError, match=r"^t: signed or 32-bit whole numbers.*save it with 8 bits"):
        decode(encoded(Image.fromarray(DEEP.astype(np.int32)), "TIFF"), "t", ImageOptions())


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
@pytest.mark.parametrize("wanted", ["grey", "rgb", None])
def test_every_mode_shows_black_and_white(mode, wanted):
    image = Image.new("L", (4, 2), 255)
    image.paste(0, (0, 0, 2, 2))
    format = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    source = image.convert("RGB") if mode in ("CMYK", "YCbCr") else image
    pixels = decode(encoded(source.convert(mode), format), "t", ImageOptions(mode=wanted)).pixels
    assert pixels.ndim == (2 if wanted == "grey" or (wanted is None and mode in ("1", "L")) else 3)
    pixels = pixels if pixels.ndim == 2 else pixels[1]
    assert np.abs(pixels - np.array([[0, 0, 255, 255]] * 2, float)).max() < 40


def test_a_photo_that_is_too_large_is_called_so():
    side = 2**13
    data = encoded(Image.new("1", (side, side + 8)), compress_level=1)
    with pytest.raises(ValueError, match=rf"^t: {side} x {side + 8} pixels; images of up to {MAX_PIXELS} pixels"):
        decode(data, "t", ImageOptions())
    huge = b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match=f"^t: .*images of up to {MAX_PIXELS} pixels are read: make it smaller"):
        decode(huge, "t", ImageOptions())


def test_one_colour_over_a_large_area_is_not_damaged():
    for format in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if format == "WEBP" else {}
        data = encoded(Image.new("L", (3000, 3000), 9).convert("RGB"), format, **options)
        assert decode(data, format, ImageOptions((2, 2), "grey")).pixels.tolist() == [[9, 9], [9, 9]]
