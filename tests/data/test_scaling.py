"""Standardising by the training set, and one-hot rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastnn.data import Standardizer, from_one_hot, one_hot, scaling


@pytest.mark.parametrize(("by", "axes"), [("pixel", (0,)), ("channel", (0, 2, 3)), ("all", (0, 1, 2, 3))])
@pytest.mark.parametrize("chunk", [1, 100, 1 << 22])
def test_the_training_set_gets_mean_0_and_deviation_1(monkeypatch, by, axes, chunk):
    monkeypatch.setattr(scaling, "_CHUNK_PIXELS", chunk)
    train = np.random.default_rng(0).integers(0, 256, (40, 3, 5, 4), dtype=np.uint8)
    fitted = Standardizer.fit(train, by=by)
    np.testing.assert_allclose(fitted.mean, train.mean(axis=axes, keepdims=True)[0], rtol=1e-13)
    out = fitted.transform(train, np.float64)
    np.testing.assert_allclose(out.mean(axis=axes), 0, atol=1e-13)
    np.testing.assert_allclose(out.std(axis=axes), 1, atol=1e-13)
    np.testing.assert_allclose(fitted.inverse(out), train, atol=1e-11)


def test_other_sets_use_the_statistics_of_the_training_set():
    train, test = np.array([[0.0], [2.0]]), np.array([[5.0]])
    assert Standardizer.fit(train).transform(test).tolist() == [[4.0]]


def test_a_pixel_that_never_changes_becomes_0():
    train = np.full((5, 3), 7, np.uint8)
    out = Standardizer.fit(train).transform(train)
    assert out.dtype == np.float32
    assert (out == 0).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Standardizer.fit(np.ones((0, 3))), ValueError, r"images: expected shape \(N, ...\)"),
        (lambda: Standardizer.fit(np.ones((2, 3)), by="row"), ValueError, "by: expected 'pixel', 'channel' or 'all'"),
        (lambda: Standardizer.fit(np.ones((2, 3)), by="channel"), ValueError, r"needs images \(N, C, H, W\)"),
        (lambda: Standardizer.fit(np.array([["a"]])), TypeError, "images must be real numbers"),
        (lambda: Standardizer.fit(np.ones((2, 3))).transform(np.ones((2, 4))), ValueError, r"images \(2, 4\) do not"),
        (lambda: one_hot([0, 3], 3), ValueError, "label 3 at index 1, but there are 3 classes"),
        (lambda: one_hot([0.5]), ValueError, "label 0.5 at index 0 is not a class number"),
        (lambda: one_hot([[1]]), ValueError, r"labels: expected shape \(N,\)"),
        (lambda: from_one_hot([1, 0]), ValueError, r"rows: expected shape \(N, C\)"),
        (lambda: from_one_hot([[1, 1]]), ValueError, "expected one-hot rows"),
        (lambda: from_one_hot([[0, 0]]), ValueError, "expected one-hot rows"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@given(arrays.arrays(np.int64, st.integers(0, 20), elements=st.integers(0, 9)))
def test_one_hot_rows_convert_both_ways(labels):
    rows = one_hot(labels, 10)
    assert rows.shape == (len(labels), 10)
    assert (rows.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(from_one_hot(rows), labels)
