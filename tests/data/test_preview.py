"""The picture of a data set, and the measure of its balance."""

import numpy as np
import pytest

from fastnn.data import Dataset
from fastnn.plots import data_preview


def test_each_row_has_a_class(monkeypatch):
    from fastnn.plots import data_preview as function

    module = __import__("sys").modules[function.__module__]
    drawn = {}
    monkeypatch.setattr(module, "image_grid", lambda grid, **options: drawn.update(options, grid=grid))
    labels = np.array([2, 0, 2, 2, 0])
    images = (labels * 10 + 5)[:, None, None] * np.ones((1, 3, 3), np.uint8)
    data_preview(images, labels, ["a", "b", "c"], columns=2)
    assert drawn["row_names"] == ["a", "c"]
    assert drawn["grid"][:, 0, 0].tolist() == [5, 5, 25, 25]
    data_preview(images, labels, ["a", "b", "c"], columns=3)
    assert drawn["grid"][:, 0, 0].tolist() == [5, 5, 0, 25, 25, 25]


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0, 0], {}, "must have the same length"),
        ([0, 0, 3], {}, r"labels must be 0 to 1, indices into class_names, got 0 to 3"),
        ([0, 0, 1], {"columns": 0}, "columns: expected a whole number of at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(labels, options, message):
    with pytest.raises(ValueError, match=message):
        data_preview(np.zeros((3, 2, 2)), labels, ["a", "b"], **options)


def test_balance_is_measured():
    images = np.zeros((4, 2, 2))
    for labels, balance in (([0, 0, 1, 1], 1.0), ([0, 0, 0, 1], 1 / 3), ([0, 0, 0, 0], 0.0)):
        data = Dataset(images, np.array(labels), images[:0], np.array([], int), ("a", "b"), 1.0, "toy")
        assert data.balance() == balance
