"""Augmentation is exact if pixels move by whole steps, and depends on seed, epoch and sample alone."""

import numpy as np
import pytest

import fastnn
from fastnn import kernels
from fastnn.data import Augmentation

ALL = {"shift": 2, "rotate": 15, "scale": 0.2, "elastic": 2, "flip": "both", "crop": 0.8, "noise": 9, "cutout": 6}


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 3, 17, 22), dtype=np.uint8)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "f4", "f8"])
def test_without_any_option_images_do_not_change(images, dtype):
    given = images.astype(dtype)
    out = Augmentation()(given)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, given)


@pytest.mark.parametrize(("flip", "axes"), [("horizontal", [3]), ("vertical", [2]), ("both", [2, 3])])
def test_flips_are_exact(images, flip, axes):
    out = Augmentation(flip=flip)(images)
    kinds = set()
    for before, after in zip(images, out, strict=True):
        subsets = [(), *((a - 1,) for a in axes), *([tuple(a - 1 for a in axes)] if len(axes) > 1 else [])]
        same = [subset for subset in subsets if np.array_equal(np.flip(before, subset), after)]
        assert len(same) == 1
        kinds.add(same[0])
    assert len(kinds) == 2 ** len(axes)


def test_shifts_are_by_whole_pixels_with_zeros_behind(images):
    out = Augmentation(shift=2)(images)
    seen = set()
    for before, after in zip(images, out, strict=True):
        padded = np.pad(before, ((0, 0), (2, 2), (2, 2)))
        pieces = {(i, j): padded[:, i : i + 17, j : j + 22] for i in range(5) for j in range(5)}
        same = [place for place, piece in pieces.items() if np.array_equal(piece, after)]
        assert len(same) == 1
        seen.add(same[0])
    assert len(seen) > 10


@pytest.mark.parametrize("degrees", [1, 30, 90, 180])
def test_a_rotation_and_its_inverse_restore_a_smooth_image(degrees):
    y, x = np.mgrid[:41, :41] - 20.0
    image = np.exp(-((x - 4) ** 2 + (y + 3) ** 2) / 60)[None, None]  # small at the border; second derivative <= 1/30
    turned, back = np.empty_like(image), np.empty_like(image)
    for angle, source, out in ((degrees, image, turned), (-degrees, turned, back)):
        c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        place = np.array([[c, -s, 20 - 20 * c + 20 * s, s, c, 20 - 20 * s - 20 * c]])
        kernels.get("warp_images")(source, None, place, None, None, None, out)
    inside = x**2 + y**2 < 18**2
    # the error of linear interpolation is at most h²/8 of the second derivative, for each axis and pass
    assert abs(back - image)[0, 0][inside].max() <= 4 / 8 / 30


def test_a_sample_is_augmented_alike_in_any_batch(images):
    augment = Augmentation(**ALL, seed=5)
    whole = augment(images, epoch=3)
    rows = np.array([7, 31, 0])
    np.testing.assert_array_equal(augment(images[rows], rows, epoch=3), whole[rows])
    for other in (augment(images, epoch=4), Augmentation(**ALL, seed=6)(images, epoch=3)):
        assert all((a != b).any() for a, b in zip(other, whole, strict=True))


def test_threads_change_no_bit(images):
    before = fastnn.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            fastnn.set_num_threads(threads)
            found.append(Augmentation(**ALL)(images.astype(np.float32)))
    finally:
        fastnn.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_backends_agree(images):
    with fastnn.use_backend("reference"):
        expected = Augmentation(**ALL)(images.astype(np.float64))
    np.testing.assert_allclose(Augmentation(**ALL)(images.astype(np.float64)), expected, atol=1e-9)


def test_layouts_of_images_are_equivalent():
    grey = np.random.default_rng(1).integers(0, 256, (9, 12, 10), dtype=np.uint8)
    out = Augmentation(**ALL)(grey)
    np.testing.assert_array_equal(Augmentation(**ALL)(grey[:, None])[:, 0], out)
    np.testing.assert_array_equal(Augmentation(**ALL, shape=(12, 10))(grey.reshape(9, -1)), out.reshape(9, -1))


def test_noise_has_its_deviation_and_cutout_its_size():
    x = np.full((50, 40, 40), 100, np.float32)
    noisy = Augmentation(noise=8)(x) - x
    assert abs(noisy.mean()) < 0.1
    assert abs(noisy.std() - 8) < 0.1
    out = Augmentation(cutout=10)(x)
    assert set(np.unique(out)) == {0, 100}
    assert (out == 0).sum(axis=(1, 2)).max() == 100
    assert (out == 0).any(axis=(1, 2)).all()


def test_bytes_stay_in_their_range():
    out = Augmentation(noise=60)(np.full((4, 8, 8), 250, np.uint8))
    assert out.max() == 255
    assert out.min() > 30


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"shift": 1.5}, TypeError, "shift: expected a whole number of at least 0 and at most 32768"),
        ({"shift": -1}, ValueError, "shift: expected a whole number of at least 0 and at most 32768"),
        ({"rotate": "9"}, TypeError, "rotate: expected a finite number of at least 0"),
        ({"noise": float("nan")}, ValueError, "noise: expected a finite number of at least 0"),
        ({"scale": 1.0}, ValueError, "scale: expected a number of at least 0 and below 1"),
        ({"crop": 0}, ValueError, "crop: expected a number above 0 and at most 1"),
        ({"flip": "up"}, ValueError, "flip: expected 'none', 'horizontal', 'vertical' or 'both'"),
        ({"shape": (4,)}, ValueError, r"shape: expected \(H, W\) or"),
    ],
)
def test_bad_numbers_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        Augmentation(**options)


def test_arrays_that_are_no_images_are_refused():
    with pytest.raises(ValueError, match=r"images: expected \(N, H, W\)"):
        Augmentation()(np.zeros((3, 16)))
    with pytest.raises(ValueError, match=r"shape is \(4, 5\), but the samples have shape \(16,\)"):
        Augmentation(shape=(4, 5))(np.zeros((3, 16)))
    with pytest.raises(TypeError, match="got bool"):
        Augmentation()(np.zeros((3, 4, 4), bool))
    with pytest.raises(ValueError, match=r"samples: expected shape \(3,\)"):
        Augmentation()(np.zeros((3, 4, 4)), [1])
