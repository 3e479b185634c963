"""`load` refuses sets whose parts are damaged or do not fit together, and says which file is wrong."""

import gzip

import numpy as np
import pytest
import scipy.io
from data_files import idx_bytes, toy_set, write_idx_set

from fastnn.data import load


def replaced(name, content):
    def change(folder):
        (folder / name).write_bytes(content)

    return change


def removed(*names):
    def change(folder):
        for name in names:
            (folder / name).unlink()

    return change


TOY = toy_set()
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def labels_with(value):
    labels = TOY[1].copy()
    labels[17] = value
    return idx_bytes(labels)


@pytest.mark.parametrize(
    ("change", "named", "message"),
    [
        (removed(TEST_LABELS), "", "no IDX file with the test labels beside"),
        (
            removed(TRAIN_IMAGES, TRAIN_LABELS),
            "",
            "no IDX file with the train images and the train labels beside",
        ),
        (replaced(TRAIN_LABELS, idx_bytes(TOY[1][:-1])), TRAIN_LABELS, "29 labels for 30 images"),
        (replaced(TEST_LABELS, idx_bytes(TOY[3][:-2])), TEST_LABELS, "8 labels for 10 images"),
        (replaced(TRAIN_LABELS, labels_with(10)), TRAIN_LABELS, "label 10 at index 17 is out of range"),
        (replaced(TRAIN_LABELS, labels_with(200)), TRAIN_LABELS, "label 200 at index 17 is out of range"),
        (replaced(TEST_LABELS, idx_bytes(TOY[3] + 3)), TEST_LABELS, "label 10 at index 7 is out of range"),
        (replaced(TRAIN_LABELS, idx_bytes(TOY[1].astype("i1") - 1)), TRAIN_LABELS, "label -1 at index 0"),
        (replaced(TRAIN_IMAGES, idx_bytes(TOY[0][:0])), TRAIN_IMAGES, "at least one pixel"),
        (replaced(TRAIN_IMAGES, idx_bytes(TOY[1])), TRAIN_IMAGES, r"shape \(N, ...\)"),
        (
            replaced(TEST_IMAGES, idx_bytes(TOY[2][:, :5])),
            "",
            r"test images have shape \(5, 28\), train images \(28, 28\)",
        ),
        (replaced(TEST_IMAGES, idx_bytes(TOY[2])[:-5]), TEST_IMAGES, "truncated"),
        (replaced(TEST_IMAGES, gzip.compress(idx_bytes(TOY[2]))[:-5]), TEST_IMAGES, "does not reach its end"),
        (replaced("emnist-" + TEST_LABELS, b""), "", "both .* give a folder with one data set"),
    ],
)
def test_idx_sets_that_do_not_fit_together(tmp_path, change, named, message):
    write_idx_set(tmp_path, *TOY)
    change(tmp_path)
    with pytest.raises(ValueError, match=message) as caught:
        load("mnist", path=tmp_path)
    assert str(tmp_path / named) in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": TOY[0]}, r"no train labels \(arrays called ytrain, .*\); there are x"),
        ({"labels": TOY[1], "pixels": TOY[0]}, r"no train images \(arrays called xtrain, .*\); there are labels"),
        ({"weights": np.eye(3)}, "no train images .* there are weights"),
        ({"x": TOY[0], "images": TOY[0], "y": TOY[1]}, "'x' and 'images' both mean the train images"),
        ({"x_train": TOY[0], "y_train": TOY[1], "y_test": TOY[3]}, "there is 'y_test' but no test images"),
        ({"x": TOY[0], "y": TOY[1][:-3]}, "'y': 27 labels for 30 images"),
        (
            {"x": TOY[0], "y": np.where(TOY[1] == 3, 77, TOY[1])},
            "label 4 at index 4 is out of range: there is no label 3",
        ),
        ({"x": TOY[0], "y": TOY[1] - 0.5}, "'y': label -0.5 at index 0 is not a class number"),
        ({"x": TOY[0], "y": TOY[1] + 0.5}, "label 0.5 at index 0 is not a class number; a number is predicted from a"),
        ({"x": TOY[0], "y": np.where(TOY[1] == 3, np.nan, TOY[1])}, "'y': label nan at index 3"),
        ({"x": TOY[0], "y": np.where(TOY[1] == 3, np.inf, TOY[1])}, "'y': label inf at index 3"),
        ({"x": TOY[0], "y": np.ones((30, 2))}, r"labels of shape \(30, 2\): expected one-hot rows"),
        (
            {"x": TOY[0], "y": np.ones((3, 10))},
            r"expected shape \(N,\) or \(N, 1\) or one-hot rows, got \(3, 10\)",
        ),
        ({"x": TOY[0], "y": np.int64(3)}, "labels: expected shape"),
        (
            {"x": np.where(TOY[0] == 7, np.nan, TOY[0]), "y": TOY[1]},
            "'x': image 0 has NaN or infinite pixels",
        ),
        ({"x": TOY[0][:1], "y": TOY[1][:1]}, "has no test split, and 1 images cannot be split"),
        ({"train0": TOY[0], "train1": TOY[0]}, "expected train0 ... to have one image per row"),
    ],
)
def test_arrays_that_do_not_fit_together(tmp_path, arrays, message):
    np.savez(tmp_path / "broken.npz", **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path / "broken.npz")
    assert str(caught.value).startswith(f"load: {tmp_path / 'broken.npz'}: ")


def test_complex_images(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"images": TOY[0][:, 0] * 1j, "labels": TOY[1]})
    with pytest.raises(ValueError, match="'images': images: expected real numbers, got dtype complex128"):
        load(tmp_path / "a.mat")


def test_text_labels(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"images": TOY[0][:, 0], "labels": "A" * 30})
    with pytest.raises(ValueError, match="'labels': 1 labels for 30 images"):
        load(tmp_path / "a.mat")


def test_files_and_folders_of_no_known_kind(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").write_bytes(b"")
    np.save(tmp_path / "one.npy", TOY[0])
    write_idx_set(tmp_path / "idx", *TOY)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "two").mkdir()
    for name in ("a", "b"):
        np.savez(tmp_path / "two" / f"{name}.npz", x=TOY[0], y=TOY[1])
    for name, message in (
        ("notes.txt", r"unknown format \(it begins with 68 65 6c 6c 6f\); expected the four IDX files"),
        ("empty", "it begins with nothing"),
        ("one.npy", "one file of a data set; give the folder"),
        (f"idx/{TRAIN_LABELS}", "one file of a data set; give the folder"),
        ("nothing", "no data set in this folder; expected the four IDX files"),
        ("two", "several .npz files .a.npz, b.npz.; give the path of one"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            load(tmp_path / name)
        assert str(caught.value).startswith(f"load: {tmp_path / name}: ")
