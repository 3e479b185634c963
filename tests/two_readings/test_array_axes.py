"""Which axis counts samples, which channels: found, told, or an error that asks."""

import numpy as np
import pytest
import scipy.io
from array_files import write_idx
from hypothesis import given
from hypothesis import strategies as st
from picture_files import write

from fastnn.data import load
from fastnn.decisions.array_axes import StoredImages, stored_axes, transposition

LABELS = np.arange(12) % 3


def saved(tmp_path, shape, **arrays):
    images = np.random.default_rng(0).integers(0, 200, shape, dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=LABELS, **arrays)
    return tmp_path / "a.npz", images


def test_rows_columns_channels_samples_as_svhn_has_them_are_said(tmp_path):
    path, images = saved(tmp_path, (32, 30, 3, 12))
    data = load(path)
    assert data.train_images.shape[1:] == (3, 32, 30)
    assert str(data.decisions[0]) == (
        "axes: rows x columns x channels x samples (of (32, 30, 3, 12), axis 3 is as long as there are labels "
        "and axis 2 as an image has channels; to change it: axes=, --axes)"
    )
    first = images[..., LABELS == 0].transpose(3, 2, 0, 1)
    assert {image.tobytes() for image in data.train_images[data.train_labels == 0]} <= {i.tobytes() for i in first}


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((12, 3, 28, 3), "two axes may be the channels; say which: give axes=, such as 'NCHW' or 'NHWC'"),
        ((12, 28, 3, 28), "the channels seem to lie between rows and columns; say where: give axes="),
        ((12, 12, 28), "axis 0 and axis 1 are as long as there are labels; say which counts the samples: give axes="),
        ((12, 12), "such as 'ND' or 'DN'"),
        ((12, 28, 28, 12), "such as 'NCHW' or 'CHWN'"),
    ],
)
def test_two_readings_are_an_error_that_asks(tmp_path, shape, words):
    path, images = saved(tmp_path, shape)
    with pytest.raises(ValueError, match=r"axes=") as caught:
        load(path)
    assert words in str(caught.value)
    axes = {2: "DN", 3: "NWH", 4: "NHWC"}[len(shape)]
    data = load(path, axes=axes)
    assert "axes" not in [decision.subject for decision in data.decisions]
    assert data.train_images.shape[1:] == images.transpose(transposition(axes)).shape[1:]


@pytest.mark.parametrize("side", [3, 4, 5])
def test_an_image_of_one_row_or_column_is_no_reading_where_there_is_another(tmp_path, side):
    for shape, axes in (((12, 1, side, side), "NCHW"), ((12, side, side, 1), "NHWC")):
        path, _ = saved(tmp_path, shape)
        assert load(path).train_images.shape[1:] == (1, side, side)
        assert load(path, axes=axes).sha256() == load(path).sha256()


def test_the_test_split_tells_which_axis_counts_the_samples(tmp_path):
    path, _ = saved(tmp_path, (12, 12), x_test=np.ones((12, 5)), y_test=LABELS[:5])
    assert load(path).test_images.shape == (5, 12)
    assert str(load(path).decisions[0]).startswith("axes: values x samples (of (12, 12), axis 1 is as long")


def test_channels_that_are_none_stay_first_and_that_is_said(tmp_path):
    path, images = saved(tmp_path, (12, 7, 9, 8))
    data = load(path)
    assert data.train_images.shape[1:] == images.shape[1:]
    assert "no axis as an image has channels, 1, 3 or 4, so axis 1 by convention" in str(data.decisions[0])


@pytest.mark.parametrize("axes", ["NHW", "NCHWD", "nchw", "", "NN", "CHW", "NHWCC"])
def test_axes_that_do_not_fit_are_an_error(tmp_path, axes):
    path, _ = saved(tmp_path, (12, 3, 9, 8))
    with pytest.raises(ValueError, match="axes: expected"):
        load(path, axes=axes)


def test_axes_of_what_has_no_arrays_are_an_error(tmp_path):
    write(tmp_path / "a.csv", b"a,b,label\n1,2,x\n3,4,y\n")
    with pytest.raises(ValueError, match="holds no arrays whose axes could be in 'NHWC' order"):
        load(tmp_path / "a.csv", axes="NHWC")


def test_what_is_mapped_is_not_turned(tmp_path):
    np.save(tmp_path / "x_train.npy", np.zeros((12, 9, 8, 3), np.uint8))
    np.save(tmp_path / "x_test.npy", np.zeros((6, 9, 8, 3), np.uint8))
    for split, count in (("train", 12), ("test", 6)):
        np.save(tmp_path / f"y_{split}.npy", LABELS[:count])
    with pytest.raises(ValueError, match="stored as samples x rows x columns x channels, so it cannot be mapped"):
        load(tmp_path, mapped=True)
    assert load(tmp_path).train_images.shape == (12, 3, 9, 8)


@given(st.permutations("NCHW"), st.integers(2, 9), st.integers(5, 9), st.integers(5, 9), st.sampled_from([1, 3, 4]))
def test_an_order_of_axes_that_is_found_is_the_true_one_or_channels_lie_between(order, n, h, w, c):
    sizes = {"N": n + 10, "C": c, "H": h, "W": w}
    shape = tuple(sizes[letter] for letter in order)
    image = "".join(letter for letter in order if letter != "N")
    try:
        axes, _ = stored_axes([StoredImages(shape, n + 10)], "t")
    except ValueError:
        assert image[1] == "C"
    else:
        # rows and columns are in the order in which they stand: nothing tells them apart
        assert axes.replace("H", "W") == "".join(order).replace("H", "W")


def emnist(side=6):
    rng = np.random.default_rng(0)
    return rng.integers(0, 200, (18, side, side), dtype=np.uint8), np.arange(18) % 3 + 1


@pytest.mark.parametrize("mapped", [False, True])
def test_letters_of_emnist_stand_upright(tmp_path, mapped):
    images, labels = emnist()
    lying = images.transpose(0, 2, 1)
    write_idx(tmp_path, lying[:12], labels[:12].astype("u1"), lying[12:], labels[12:].astype("u1"))
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / f"emnist-letters-{file.name.replace('t10k', 'test')}")
    if mapped:
        with pytest.raises(ValueError, match="stored as samples x columns x rows, so it cannot be mapped"):
            load(tmp_path, mapped=True)
        assert load(tmp_path, mapped=True, axes="NHW").train_images.shape == (12, 6, 6)
        return
    data = load(tmp_path)
    np.testing.assert_array_equal(data.train_images, images[:12])
    assert data.class_names == ("1", "2", "3")
    assert [decision.subject for decision in data.decisions][:2] == ["axes", "labels"]
    np.testing.assert_array_equal(load(tmp_path, axes="NHW").train_images, lying[:12])


def test_the_struct_of_emnist_in_a_mat_file_is_read(tmp_path):
    images, labels = emnist()
    rows = images.transpose(0, 2, 1).reshape(18, -1)
    train = {"images": rows[:12], "labels": labels[:12, None], "writers": labels[:12, None]}
    test = {"images": rows[12:], "labels": labels[12:, None], "writers": labels[12:, None]}
    struct = {"dataset": {"train": train, "test": test, "mapping": np.array([[1, 65], [2, 66], [3, 67]])}}
    for compressed in (False, True):
        scipy.io.savemat(tmp_path / "emnist-letters.mat", struct, do_compression=compressed)
        data = load(tmp_path)
        np.testing.assert_array_equal(data.train_images, images[:12])
        np.testing.assert_array_equal(data.test_images, images[12:])
        assert data.class_names == ("1", "2", "3")
        assert "without mapping, test.writers, train.writers" in str(data.decisions[0])
        assert load(tmp_path / "emnist-letters.mat", axes="ND").train_images.shape == (12, 36)


def svhn_file(path, count, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 200, (32, 32, 3, count), dtype=np.uint8)
    labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
    scipy.io.savemat(path, {"X": images, "y": labels})
    return images.transpose(3, 2, 0, 1), labels.reshape(-1) % 10


def test_the_two_files_of_svhn_are_one_set_of_digits(tmp_path):
    images, labels = svhn_file(tmp_path / "train_32x32.mat", 41, 0)
    test_images, test_labels = svhn_file(tmp_path / "test_32x32.mat", 23, 1)
    svhn_file(tmp_path / "extra_32x32.mat", 15, 2)
    data = load(tmp_path)
    for found, expected in zip((*data.train, *data.test), (images, labels, test_images, test_labels), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert data.class_names == tuple("0123456789")
    assert [decision.subject for decision in data.decisions][:3] == ["files", "axes", "labels"]
    assert load(tmp_path / "train_32x32.mat").class_names == tuple("0123456789")
