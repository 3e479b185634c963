"""Data sets with a folder of images for each class."""

import io
import tarfile

import numpy as np
import pytest
from data_files import shared
from PIL import Image

from fastnn.data import load, read_image_folder


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def random_pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "pgm"])
def test_grey_images_are_read_exactly(tmp_path, suffix):
    made = {f"{name}/{k}.{suffix}": random_pixels(6, 5, seed=k) for name in ("b", "a") for k in range(3)}
    for name, pixels in made.items():
        save(tmp_path / name, pixels)
    images, labels, names = read_image_folder(tmp_path)
    assert names == ("a", "b")
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, [made[f"{names[k // 3]}/{k % 3}.{suffix}"] for k in range(6)])


@pytest.mark.parametrize("suffix", ["png", "ppm"])
def test_channels_come_first(tmp_path, suffix):
    pixels = random_pixels(4, 7, 3)
    save(tmp_path / f"a/1.{suffix}", pixels)
    np.testing.assert_array_equal(read_image_folder(tmp_path).images, pixels.transpose(2, 0, 1)[None])


def test_one_colour_image_makes_all_images_colour(tmp_path):
    grey = random_pixels(4, 7)
    save(tmp_path / "a/1.png", grey)
    save(tmp_path / "a/2.png", random_pixels(4, 7, 3))
    images = read_image_folder(tmp_path).images
    assert images.shape == (2, 3, 4, 7)
    np.testing.assert_array_equal(images[0], [grey] * 3)
    assert read_image_folder(tmp_path, mode="grey").images.shape == (2, 4, 7)
    assert read_image_folder(tmp_path, mode="rgb").images.shape == (2, 3, 4, 7)


def test_classes_and_files_stand_in_natural_order(tmp_path):
    for name in ("s10/1", "s2/10", "s2/9", "s1/1"):
        save(tmp_path / f"{name}.pgm", np.full((2, 2), int(name.split("/")[1]), np.uint8))
    images, labels, names = read_image_folder(tmp_path)
    assert names == ("s1", "s2", "s10")
    assert labels.tolist() == [0, 1, 1, 2]
    assert images[:, 0, 0].tolist() == [1, 9, 10, 1]


def test_images_are_resized(tmp_path):
    save(tmp_path / "a/1.png", random_pixels(6, 8))
    save(tmp_path / "a/2.png", random_pixels(12, 8))
    with pytest.raises(ValueError, match=r"images of 2 sizes, 6 x 8 to 12 x 8; give size= to resize them"):
        read_image_folder(tmp_path)
    assert read_image_folder(tmp_path, size=4).images.shape == (2, 4, 4)
    assert read_image_folder(tmp_path, size=(3, 5)).images.shape == (2, 3, 5)


def test_crop_keeps_the_middle_and_stretch_keeps_all(tmp_path):
    pixels = np.zeros((4, 12), np.uint8)
    pixels[:, 4:8] = 200  # the middle third
    save(tmp_path / "a/1.png", pixels)
    assert (read_image_folder(tmp_path, size=4).images == 200).all()
    stretched = read_image_folder(tmp_path, size=4, fit="stretch").images[0]
    assert stretched[0, 0] < 50 < 100 < stretched[0].max()
    assert stretched.mean() == pytest.approx(200 / 3, abs=2)


def test_a_damaged_file_is_named_or_skipped(tmp_path):
    for k in range(3):
        save(tmp_path / f"a/{k}.png", random_pixels(6, 5))
    bad = tmp_path / "a/1.png"
    bad.write_bytes(bad.read_bytes()[:60])
    with pytest.raises(ValueError, match="damaged image") as caught:
        read_image_folder(tmp_path)
    assert str(bad) in str(caught.value)
    with pytest.warns(UserWarning, match=r"1 damaged files left out: .*1\.png"):
        images, labels, _ = read_image_folder(tmp_path, skip_damaged=True)
    assert len(images) == len(labels) == 2


def test_an_image_with_more_pixels_than_its_bytes_can_hold_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.pgm").write_bytes(b"P5 3000 3000 255\n" + bytes(100))
    with pytest.raises(ValueError, match=r"3000 x 3000 pixels in 117 bytes"):
        read_image_folder(tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 0}, ValueError, "size: expected a whole number of at least 1"),
        ({"size": 2.5}, TypeError, "size: expected a whole number of at least 1"),
        ({"size": (1, 2, 3)}, TypeError, r"size: expected a whole number, \(height, width\) or 'common'"),
        ({"mode": "hsv"}, ValueError, "mode: expected 'grey', 'rgb' or None, got 'hsv'"),
        ({"fit": "pad"}, ValueError, "fit: expected 'crop' or 'stretch', got 'pad'"),
        ({}, ValueError, "no folders with PNG, JPEG, PGM, BMP"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, options, error, message):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/notes.txt").write_text("nothing")
    with pytest.raises(error, match=message):
        read_image_folder(tmp_path, **options)


def test_load_reads_image_folders(tmp_path):
    for split, count in (("train", 6), ("val", 2)):
        for name in ("ants", "bees"):
            for k in range(count):
                save(tmp_path / split / name / f"{k}.jpg", random_pixels(9, 10, 3, seed=k))
    data = load(tmp_path, size=8)
    assert data.class_names == ("ants", "bees")
    assert data.train_images.shape == (12, 3, 8, 8)
    assert data.test_labels.tolist() == [0, 0, 1, 1]
    assert load(tmp_path / "train", mode="grey").test_images.shape == (2, 9, 10)


def test_an_archive_of_folders_is_read(tmp_path):
    pixels = random_pixels(6, 5)
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        for name in ("set/A", "set/B"):
            for k in range(6):
                file = io.BytesIO()
                Image.fromarray(pixels + k).save(file, "PNG")
                info = tarfile.TarInfo(f"{name}/{k}.png")
                info.size = file.tell()
                file.seek(0)
                archive.addfile(info, file)
    data = load(tmp_path / "set.tar.gz")
    assert data.class_names == ("A", "B")
    assert len(data.train_labels) == len(data.test_labels) * 5 == 10
    assert {image.tobytes() for image in data.test_images} <= {(pixels + k).tobytes() for k in range(6)}


def test_real_faces_and_photos_are_read():
    images, labels, names = read_image_folder(shared("faces/orl"))
    assert images.shape == (400, 112, 92)
    assert np.bincount(labels).tolist() == [10] * 40
    assert names[:2] == ("s1", "s2")
    data = load(shared("photos"), size=32)
    assert data.class_names == ("ants", "bees")
    assert np.bincount(data.train_labels).tolist() == [123, 121]
    assert np.bincount(data.test_labels).tolist() == [70, 83]
