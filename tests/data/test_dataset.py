"""The container: its checks and its table."""

import dataclasses
import hashlib

import numpy as np
import pytest
from data_files import toy_set

from fastnn.data import Dataset
from fastnn.data import dataset as dataset_module

NAMES = tuple("0123456789")


def dataset(**changes):
    parts = dict(zip(("train_images", "train_labels", "test_images", "test_labels"), toy_set(), strict=True))
    parts["train_labels"] = parts["train_labels"].astype(np.int64)
    parts["test_labels"] = parts["test_labels"].astype(np.int64)
    return Dataset(**(parts | {"class_names": NAMES, "scale": 1 / 255, "name": "toy"} | changes))


def test_pairs_are_properties_and_fields_are_fixed():
    data = dataset()
    assert data.train[0] is data.train_images
    assert data.train[1] is data.train_labels
    assert data.test[0] is data.test_images
    assert data.test[1] is data.test_labels
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"


def test_summary_counts_every_class():
    data = dataset(class_names=("a rather long name", *NAMES[1:], "absent"))
    lines = data.summary().splitlines()
    assert lines[0] == "toy: 30 train and 10 test images of 28 x 28, uint8, 11 classes"
    assert lines[1].split() == ["class", "train", "test"]
    assert lines[2].endswith("        3        1")
    assert lines[-1].split() == ["absent", "0", "0"]
    assert len({len(line) for line in lines[1:]}) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train_labels": np.zeros(29, np.int64)},
            r"train images \(30, 28, 28\) and labels \(29,\) differ in number",
        ),
        ({"test_labels": np.zeros((10, 1), np.int64)}, "test images .* differ in number"),
        ({"test_labels": np.full(10, 10)}, r"test labels: expected 0 ... 9, .* got 10 ... 10"),
        ({"train_labels": np.full(30, -1)}, r"train labels: expected 0 ... 9"),
        ({"test_images": np.zeros((10, 27, 28), np.uint8)}, r"test images have shape \(27, 28\)"),
        ({"unlabelled_images": np.zeros((5, 784), np.uint8)}, r"unlabelled images have shape \(784,\)"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(changes, message):
    with pytest.raises(ValueError, match=f"Dataset: .*{message}"):
        dataset(**changes)


def test_the_hash_is_over_shapes_types_and_elements(monkeypatch):
    data = dataset()
    digest = hashlib.sha256()
    for array in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        digest.update(f"{array.shape}{array.dtype.str}".encode() + array.tobytes())
    assert data.sha256() == digest.hexdigest()
    monkeypatch.setattr(dataset_module, "_CHUNK_PIXELS", 1000)
    assert data.sha256() == digest.hexdigest()
    assert dataset(train_labels=data.train_labels[::-1]).sha256() != digest.hexdigest()
