"""Labels that are counted from 1, that are text, or that leave gaps."""

import pickle

import numpy as np
import pytest
import scipy.io
from picture_files import write

from fastnn.data import load, read_mat

IMAGES = np.random.default_rng(0).integers(0, 200, (12, 5, 7), dtype=np.uint8)


def loaded(tmp_path, labels, test_labels=None, **options):
    arrays = {"x_train": IMAGES, "y_train": labels}
    if test_labels is not None:
        arrays |= {"x_test": IMAGES[: len(test_labels)], "y_test": test_labels}
    np.savez(tmp_path / "a.npz", **arrays)
    return load(tmp_path / "a.npz", **options)


def names_of(data, split="test"):
    return [data.class_names[k] for k in getattr(data, split)[1]]


def test_classes_from_1_keep_their_numbers_as_names_and_that_is_said(tmp_path):
    data = loaded(tmp_path, np.arange(12) % 3 + 1, np.array([3, 1, 1]))
    assert data.class_names == ("1", "2", "3")
    assert names_of(data) == ["3", "1", "1"]
    assert str(data.decisions[0]) == (
        "labels: classes 1 ... 3, which keep their numbers as names "
        "(no label is 0, and each number from 1 to 3 occurs; to change it: class_names=, --class-names)"
    )


def test_more_than_nine_classes_from_1_stand_in_the_order_of_numbers(tmp_path):
    data = loaded(tmp_path, np.arange(12) + 1, np.array([12, 2, 10]))
    assert data.class_names == tuple(str(k) for k in range(1, 13))
    assert data.test_labels.tolist() == [11, 1, 9]


def test_classes_from_1_take_the_names_that_are_given(tmp_path):
    data = loaded(tmp_path, np.arange(12) % 3 + 1, np.array([3, 1, 1]), class_names=["a", "b", "c"])
    assert names_of(data) == ["c", "a", "a"]


@pytest.mark.parametrize(
    ("labels", "test_labels"),
    [
        (np.arange(12) % 3 + 2, None),
        (np.arange(12) % 3 * 2 + 1, None),
        (np.arange(12) % 3 + 1, np.array([0, 1])),
        (np.arange(12) % 3 + 1, np.array([1, 4])),
        (np.arange(12) % 3, np.array([1, 3])),
        (np.array(list("abcabcabcabc")), np.array(["a", "d"])),
        (np.array(list("abcabcabcabc")), np.array([1, 2])),
        (np.arange(12) % 3, np.array(["1", "2"])),
        (np.array(["a", "b", ""] * 4), None),
        (np.array(["a", "b", " "] * 4), None),
        (np.array([["a", "b"]] * 6), None),
    ],
)
def test_labels_that_do_not_agree_are_an_error(tmp_path, labels, test_labels):
    with pytest.raises(ValueError, match=r"a\.npz: .*(label|class)"):
        loaded(tmp_path, labels, test_labels)


@pytest.mark.parametrize("encoding", [None, "utf-8", "latin-1"])
def test_text_labels_name_the_classes(tmp_path, encoding):
    names = np.array(["s10", "s2", "é"])
    names = names if encoding is None else np.char.encode(names, encoding)
    data = loaded(tmp_path, names[np.arange(12) % 3], names[[2, 0]])
    assert data.class_names == ("s2", "s10", "é")
    assert names_of(data) == ["é", "s10"]


def test_text_labels_of_matlab_have_no_padding(tmp_path):
    names = np.array(["a", "long name", "b c"])[np.arange(12) % 3]
    as_cells = names.astype(object)
    for labels in (names, as_cells, as_cells[:, None]):
        scipy.io.savemat(tmp_path / "a.mat", {"images": IMAGES, "labels": labels})
        assert load(tmp_path / "a.mat").class_names == ("a", "b c", "long name")


def test_cells_of_anything_but_text_are_named(tmp_path):
    labels = np.array([np.ones(2), "a", "b"], object)
    scipy.io.savemat(tmp_path / "a.mat", {"images": IMAGES, "labels": np.arange(12) % 3, "more": labels})
    assert "without more" in str(load(tmp_path / "a.mat").decisions[0])
    with pytest.raises(ValueError, match="'more' is a cell array; only arrays of numbers and text are read"):
        read_mat(tmp_path / "a.mat", ["more"])


def test_lists_of_text_in_a_pickle_are_labels(tmp_path):
    for names in (["x", "y"] * 6, [b"x", b"y"] * 6):
        path = write(tmp_path / "a.pkl", pickle.dumps({"images": IMAGES, "labels": names}))
        assert load(path).class_names == ("x", "y")


def test_arrays_for_each_class_may_be_counted_from_1(tmp_path):
    rows = IMAGES.reshape(12, -1)
    arrays = {f"{split}{k + 1}": rows[k::3] for split in ("train", "test") for k in range(3)}
    scipy.io.savemat(tmp_path / "a.mat", arrays)
    data = load(tmp_path / "a.mat")
    assert data.class_names == ("1", "2", "3")
    np.testing.assert_array_equal(data.train_images[data.train_labels == 2], rows[2::3])


def test_arrays_of_other_names_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.arange(12) % 3, x_val=IMAGES, y_val=np.arange(12) % 3)
    assert str(load(tmp_path / "a.npz").decisions[0]) == (
        "arrays: without x_val, y_val (these are not names of images or labels; to change it: rename or join them)"
    )
