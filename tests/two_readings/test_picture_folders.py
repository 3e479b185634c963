"""Folders of images: every class is there, and what is left out is named."""

import unicodedata
import warnings

import numpy as np
import pytest
from picture_files import encoded, grey, strokes, write
from PIL import Image

from fastnn.alexnet import image_files
from fastnn.data import load, read_image_folder
from fastnn.data.image_formats import IMAGE_FORMATS, has_image_name, has_unread_name

WRITTEN = {
    **{".bmp": "BMP", ".gif": "GIF", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".jpe": "JPEG"},
    **{".jfif": "JPEG", ".apng": "PNG", ".pbm": "PPM", ".pnm": "PPM", ".pcx": "PCX", ".sgi": "SGI", ".jp2": "JPEG2000"},
}


def a_class(folder, name, suffix=".png", count=6, value=None):
    for k in range(count):
        image = grey(value, seed=k)
        write(folder / name / f"{k}{suffix}", encoded(image, WRITTEN.get(suffix.lower(), "PNG")))


@pytest.mark.parametrize("suffix", [*WRITTEN, ".TIF", ".Bmp", ".JPE", "", ".img"])
def test_a_class_of_any_format_is_a_class(tmp_path, suffix):
    a_class(tmp_path, "a")
    a_class(tmp_path, "b", suffix)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_image_folder(tmp_path, mode="grey")
        assert image_files(tmp_path).class_names == ("a", "b")
    assert found.class_names == ("a", "b")
    assert np.bincount(found.labels).tolist() == [6, 6]
    tolerance = 40 if suffix.lower() in (".jpe", ".jfif", ".webp") else 0
    assert np.abs(found.images[6:].astype(int) - found.images[:6]).max() <= tolerance or suffix == ".pbm"


def test_every_suffix_of_pillow_is_read_or_refused_by_name():
    Image.init()
    no_pictures = {".pdf", ".ps", ".mpg", ".mpeg", ".h5", ".hdf", ".grib", ".bufr", ".fit", ".iim", ".palm"}
    rare = {".blp", ".cur", ".dcx", ".fli", ".flc", ".ftc", ".ftu", ".gbr", ".im", ".msp", ".pcd", ".pxr", ".ras"}
    aliases = {".icb", ".vda", ".vst"}
    unknown = {s for s in Image.registered_extensions() if not has_image_name("a" + s) and not has_unread_name("a" + s)}
    assert unknown <= no_pictures | rare | aliases
    assert {each.name for each in IMAGE_FORMATS} <= set(Image.OPEN)


@pytest.mark.parametrize("read", [read_image_folder, load, image_files])
def test_pictures_that_are_not_read_are_an_error_that_names_one(tmp_path, read):
    a_class(tmp_path, "a")
    write(tmp_path / "b" / "1.HEIC", b"....ftypheic")
    with pytest.raises(ValueError, match=r"b/1\.HEIC: not in a format that is read: convert it to PNG"):
        read(tmp_path)


def test_a_folder_without_images_is_named(tmp_path):
    a_class(tmp_path, "a")
    write(tmp_path / "notes" / "x.txt", b"words")
    (tmp_path / "empty").mkdir()
    with pytest.warns(UserWarning, match=r"files: without empty, notes \(folders with no image in them"):
        assert read_image_folder(tmp_path).class_names == ("a",)
    with pytest.warns(UserWarning, match="without empty, notes"):
        assert image_files(tmp_path).class_names == ("a",)
    assert "notes" in str(load(tmp_path).decisions[0])


def test_a_folder_without_images_beside_images_is_named(tmp_path):
    a_class(tmp_path, "a")
    (tmp_path / "a" / "empty").mkdir()
    with pytest.warns(UserWarning, match=r"files: without empty \(folders with no image in them"):
        assert image_files(tmp_path / "a").labels is None


def test_files_that_are_no_images_are_named_and_those_of_the_system_are_not(tmp_path):
    a_class(tmp_path, "a")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png"):
        write(tmp_path / "a" / name, b"x")
    write(tmp_path / "__MACOSX" / "a" / "0.png", b"x")
    write(tmp_path / ".ipynb_checkpoints" / "0.png", b"x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_image_folder(tmp_path).images) == 6
    write(tmp_path / "a" / "list.txt", b"words")
    write(tmp_path / "top.png", encoded(grey()))
    with pytest.warns(UserWarning, match="files: without") as caught:
        read_image_folder(tmp_path)
    text = " ".join(str(each.message) for each in caught)
    assert "without a/list.txt (they are no images" in text
    assert "without top.png (they lie beside the folders of the classes" in text


@pytest.mark.parametrize(
    ("names", "how"),
    [
        (("Cats", "cats"), "case"),
        ((unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")), "the Unicode form"),
    ],
)
@pytest.mark.parametrize("read", [read_image_folder, load, image_files])
def test_folders_that_look_the_same_are_an_error(tmp_path, names, how, read):
    for name in names:
        a_class(tmp_path, name)
    with pytest.raises(ValueError, match=f"differ in {how}.* alone: rename or join them"):
        read(tmp_path)


def test_a_class_is_the_same_in_both_splits_whatever_its_unicode_form(tmp_path):
    for split, form in (("train", "NFC"), ("test", "NFD")):
        for value, name in ((10, "é"), (200, "z")):
            a_class(tmp_path, f"{split}/{unicodedata.normalize(form, name)}", value=value)
    data = load(tmp_path)
    assert data.class_names == ("z", "é")
    assert [set(data.test_labels[data.test_images[:, 0, 0] == v].tolist()) for v in (200, 10)] == [{0}, {1}]


def test_images_in_folders_inside_those_of_classes_are_an_error(tmp_path):
    a_class(tmp_path, "a")
    a_class(tmp_path, "b/more")
    for read in (read_image_folder, load, image_files):
        with pytest.raises(ValueError, match=r"b/more/0\.png lies in a folder inside that of a class"):
            read(tmp_path)


def test_folders_around_the_set_do_not_matter(tmp_path):
    for split in ("Train", "Val"):
        for name in "ab":
            a_class(tmp_path / "outer" / "inner" / split, name)
    assert load(tmp_path).test_images.shape == load(tmp_path / "outer" / "inner").test_images.shape == (12, 6, 5)
    assert load(tmp_path / "outer" / "inner" / "Val").class_names == ("a", "b")


def test_a_split_that_is_not_read_is_named(tmp_path):
    for split in ("train", "val", "test"):
        for name in "ab":
            a_class(tmp_path / split, name)
    data = load(tmp_path)
    assert [str(each) for each in data.decisions] == [
        "files: without val (train and test are the splits; to change it: move or rename them)"
    ]


def test_the_order_of_classes_does_not_depend_on_the_disk(tmp_path):
    for name in ("1", "01", "001"):
        a_class(tmp_path, name)
    assert read_image_folder(tmp_path).class_names == ("001", "01", "1")


def test_a_class_of_damaged_images_alone_does_not_vanish(tmp_path):
    a_class(tmp_path, "a")
    write(tmp_path / "b" / "1.png", b"\x89PNG\r\n\x1a\n")
    with pytest.warns(UserWarning, match="left out"), pytest.raises(ValueError, match="every image of class 'b'"):
        read_image_folder(tmp_path, skip_damaged=True)


@pytest.mark.parametrize(("value", "background"), [(0, "white"), (255, "black")])
def test_the_background_is_one_on_which_every_image_shows(tmp_path, value, background):
    for split in ("train", "test"):
        for name in "ab":
            write(tmp_path / split / name / "1.png", encoded(strokes(value)))
    data = load(tmp_path)
    assert str(data.decisions[0]).startswith(f"background: {background} (")
    for images in (data.train_images, data.test_images):
        assert {images.min(), images.max()} == {0, 255}
        assert images[0, 0, 0] == (255 if background == "white" else 0)
    for asked, corner in (("white", 255), ("black", 0)):
        chosen = load(tmp_path, background=asked)
        assert chosen.train_images[0, 0, 0] == corner
        assert "background" not in [decision.subject for decision in chosen.decisions]


def test_strokes_that_no_background_shows_together_are_an_error(tmp_path):
    for name, value in (("a", 0), ("b", 255)):
        write(tmp_path / name / "1.png", encoded(strokes(value)))
    with pytest.raises(ValueError, match="of 2 transparent images, 1 show nothing on white and 1 nothing on black"):
        read_image_folder(tmp_path)
    assert len(read_image_folder(tmp_path, background="black").images) == 2


def test_the_first_frame_is_read_and_that_is_said(tmp_path):
    first, second = grey(10), grey(200)
    for suffix, format in ((".gif", "GIF"), (".tif", "TIFF"), (".png", "PNG")):
        write(tmp_path / "a" / f"1{suffix}", encoded(first, format, save_all=True, append_images=[second]))
    with pytest.warns(UserWarning, match=r"frames: the first of each file \(3 files have several: a/1\.gif"):
        images = read_image_folder(tmp_path, mode="grey").images
    assert (images == 10).all()
