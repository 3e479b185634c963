"""The functions of the ECE421 hand-out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn import functional
from fastnn.compat import ece421


def scene(n: int = 9, k: int = 4, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)), rng.integers(0, k, n)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 999))
def test_the_functions_together_are_the_softmax_loss(n, k, seed):
    logits, labels = scene(n, k, seed)
    (target,) = ece421.convertOneHot(labels, classes=k)
    prediction = ece421.softmax(logits)
    loss, dx = functional.softmax_loss(logits, labels)
    assert ece421.averageCE(target, prediction) == pytest.approx(loss, rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(ece421.gradCE(prediction, target) / n, dx, rtol=1e-10, atol=1e-14)
    assert ece421.CE(target, prediction) == (
        ece421.averageCE(target, prediction),
        100 * np.mean(logits.argmax(1) == labels),
    )


def test_the_gradient_equals_finite_differences():
    logits, labels = scene()
    (target,) = ece421.convertOneHot(labels, classes=4)
    gradient = ece421.gradCE(ece421.softmax(logits), target)
    for place in np.ndindex(logits.shape):
        sides = []
        for h in (1e-6, -1e-6):
            moved = logits.copy()
            moved[place] += h
            sides.append(ece421.averageCE(target, ece421.softmax(moved)) * len(logits))
        assert gradient[place] == pytest.approx((sides[0] - sides[1]) / 2e-6, abs=1e-8)


def test_a_layer_is_its_formula():
    x, w, b = np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4), np.arange(4)
    assert (ece421.computeLayer(x, w) == x @ w).all()
    assert (ece421.computeLayer(x, w, b) == x @ w + b).all()
    assert (ece421.computeLayer(x, w, b[None]) == x @ w + b).all()
    assert ece421.computeLayer(x.astype("f4"), w.astype("f4")).dtype == np.float32


def test_arguments_are_not_written_to():
    x = np.array([[-1.0, 2.0]])
    for function in (ece421.relu, ece421.softmax):
        function(x)
    ece421.shuffle(x, x)
    assert x.tolist() == [[-1.0, 2.0]]


def test_a_probability_of_zero_costs_only_its_target():
    assert ece421.averageCE([[0, 1]], [[0.0, 1.0]]) == 0.0
    assert ece421.averageCE([[1, 0]], [[0.0, 1.0]]) == np.inf


def test_the_order_is_that_of_the_hand_outs_generator_and_leaves_numpys_alone():
    before = np.random.get_state()[1].tolist()
    x, y = ece421.shuffle(np.arange(50), np.arange(50) * 2)
    assert np.random.get_state()[1].tolist() == before
    expected = np.arange(50)
    np.random.RandomState(421).shuffle(expected)
    assert x.tolist() == expected.tolist()
    assert (y == 2 * x).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ece421.relu(["a"]), TypeError, "relu: x must be real numbers"),
        (lambda: ece421.softmax([1, 2]), ValueError, r"softmax: x must have two dimensions .*got shape \(2,\)"),
        (lambda: ece421.computeLayer([[1]], [[1], [2]]), ValueError, "computeLayer: W has 2 rows but X has 1 columns"),
        (lambda: ece421.computeLayer([[1]], [[1]], [1, 2]), ValueError, r"b must have shape \(1,\), got \(2,\)"),
        (lambda: ece421.CE([[1, 0]], [[1]]), ValueError, r"CE: target and prediction must have one shape"),
        (lambda: ece421.averageCE(np.zeros((0, 2)), np.zeros((0, 2))), ValueError, "with samples"),
        (lambda: ece421.convertOneHot([0, 10]), ValueError, "one_hot: label 10 at index 1"),
        (lambda: ece421.convertOneHot([0], [0.5]), ValueError, "one_hot: "),
        (lambda: ece421.shuffle([1, 2], [1]), ValueError, "shuffle: data has shape"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
