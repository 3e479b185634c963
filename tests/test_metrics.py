"""The metrics agree with scikit-learn, and refuse bad arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import seeds

from fastnn import metrics


def case(seed, n, classes):
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, n), rng.normal(size=(n, classes))


@given(seed=seeds, n=st.integers(1, 40), classes=st.integers(2, 6))
def test_they_are_those_of_sklearn(seed, n, classes):
    theirs = pytest.importorskip("sklearn.metrics")
    y, scores = case(seed, n, classes)
    said, every = scores.argmax(axis=1), np.arange(classes)
    assert metrics.accuracy(y, scores) == metrics.accuracy(np.eye(classes)[y], said) == theirs.accuracy_score(y, said)
    np.testing.assert_array_equal(metrics.confusion_matrix(y, scores), theirs.confusion_matrix(y, said, labels=every))
    found = metrics.per_class(y, scores)
    expected = theirs.precision_recall_fscore_support(y, said, labels=every, zero_division=0)
    for ours, their in zip((found.precision, found.recall, found.f1, found.support), expected, strict=True):
        np.testing.assert_allclose(ours, their, rtol=1e-12)
    assert metrics.macro_f1(y, scores) == pytest.approx(expected[2].mean())
    for k in range(1, classes):
        their = np.mean([label in np.argsort(-row)[:k] for label, row in zip(y, scores, strict=True)])
        assert metrics.top_k_accuracy(y, scores, k) == pytest.approx(their)


def test_the_first_of_equal_scores_counts():
    assert metrics.top_k_accuracy([0, 1], np.zeros((2, 3)), 1) == 0.5 == metrics.accuracy([0, 1], np.zeros((2, 3)))
    assert metrics.top_k_accuracy([2, 2], np.zeros((2, 3)), 3) == 1


def test_metrics_have_names():
    name, function = metrics.get("top_2_accuracy")
    assert name == "top_2_accuracy"
    assert function([2], [[0.1, 0.5, 0.4]]) == 1
    assert metrics.get(len) == ("len", len)
    assert list(metrics.get_all({"mine": len, "other": "accuracy"})) == ["mine", "other"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.accuracy([0, 1], [0]), ValueError, "accuracy: targets has 2 samples but outputs has 1"),
        (lambda: metrics.accuracy([], np.zeros((0, 3))), TypeError, "labels in targets must be integers"),
        (lambda: metrics.accuracy(np.zeros(0, int), np.zeros((0, 3))), ValueError, "at least one sample"),
        (lambda: metrics.accuracy([0.5], [1]), TypeError, "labels in targets must be integers, got dtype float64"),
        (lambda: metrics.accuracy([-1], [1]), ValueError, "labels in targets must be at least 0, got -1"),
        (lambda: metrics.accuracy(np.zeros((2, 2, 2)), [1]), ValueError, r"must have shape \(N,\) or \(N, C\)"),
        (lambda: metrics.top_k_accuracy([0], [0], 1), ValueError, r"outputs must be scores \(N, C\), got \(1,\)"),
        (
            lambda: metrics.top_k_accuracy([0], [[1, 2]], 3),
            ValueError,
            "k: expected a whole number of at least 1 and at most 2, got 3",
        ),
        (lambda: metrics.top_k_accuracy([2], [[1, 2]], 1), ValueError, "labels must lie in 0 to 1, got 2"),
        (lambda: metrics.confusion_matrix([3], [0], 3), ValueError, "labels must lie in 0 to 2, got 3"),
        (lambda: metrics.get("top_0_accuracy"), ValueError, "metric: expected one of accuracy, .* top_K_accuracy"),
        (lambda: metrics.get(3), TypeError, "metric: expected a name or a function"),
        (lambda: metrics.get_all("accuracy"), TypeError, "expected a sequence of metrics, got 'accuracy'"),
        (lambda: metrics.get_all(["accuracy", metrics.accuracy]), ValueError, "two are called 'accuracy'"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
