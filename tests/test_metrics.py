"""The metrics agree with scikit-learn, and refuse bad arguments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import seeds

import fastnn
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


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(2, 60), classes=st.integers(2, 5), ties=st.booleans())
def test_those_of_probabilities_are_those_of_sklearn(seed, n, classes, ties):
    theirs = pytest.importorskip("sklearn.metrics")
    y, scores = case(seed, n, classes)
    y[:classes] = np.arange(classes)[:n]
    scores = scores.round(0) if ties else scores
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    every = np.arange(classes)
    assert metrics.log_loss(y, p) == pytest.approx(theirs.log_loss(y, p, labels=every), rel=1e-10)
    found = metrics.brier_score(y, p)
    assert found == pytest.approx(np.square(p - np.eye(classes)[y]).sum() / n / (1 + (classes == 2)), rel=1e-10)
    said = p.argmax(axis=1)
    assert metrics.balanced_accuracy(y, p) == pytest.approx(
        theirs.recall_score(y, said, labels=np.unique(y), average="macro", zero_division=0)
    )
    areas = [
        (theirs.roc_auc_score(y == k, p[:, k]), theirs.average_precision_score(y == k, p[:, k]))
        for k in every[:n]
        if (y != k).any()
    ]
    roc, pr = np.mean(areas, axis=0) if classes > 2 else areas[1]
    assert metrics.roc_auc(y, p) == pytest.approx(roc)
    assert metrics.average_precision(y, p) == pytest.approx(pr)
    if ties:  # which rounding may break
        return
    names = ("log_loss", "brier_score", "calibration_error", "roc_auc", "average_precision")
    for function in (getattr(metrics, name) for name in names):
        assert function(y, scores + 5, from_scores=True) == pytest.approx(function(y, p))
        if classes == 2:
            assert function(y, p[:, 1]) == pytest.approx(function(y, p))
            assert function(y, scores[:, 1] - scores[:, 0], from_scores=True) == pytest.approx(function(y, p))


def test_the_calibration_error_is_that_of_sklearns_curve():
    calibration = pytest.importorskip("sklearn.calibration")
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 400)
    y = (rng.random(400) < p**2).astype(int)
    right, certain = calibration.calibration_curve(y, p, n_bins=10)
    counts = np.histogram(p, np.linspace(0, 1, 11))[0]
    expected = (np.abs(right - certain) * counts[counts > 0]).sum() / 400
    assert metrics.calibration_error(y, p, bins=10) == pytest.approx(expected, rel=1e-12)


def test_the_reliability_curve_is_drawn_and_sums_to_the_error():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 300)
    y = rng.integers(0, 3, 300)
    curve = metrics.reliability_curve(y, p, 10)
    assert curve.number.sum() == 300
    assert (np.diff(curve.certainty) > 0).all()
    error = (np.abs(curve.certainty - curve.right) * curve.number).sum() / 300
    assert metrics.calibration_error(y, p, 10) == pytest.approx(error)
    points = fastnn.plots.reliability(*curve).axes[0].lines[1].get_xydata()
    np.testing.assert_allclose(points, np.stack(curve[:2], axis=1))
    with pytest.raises(ValueError, match=r"reliability: expected three rows \(B,\) of one length"):
        fastnn.plots.reliability([1], [1, 2], [1])


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(2, 40), outputs=st.integers(0, 3))
def test_those_of_numbers_are_those_of_sklearn(seed, n, outputs):
    theirs = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    shape = (n, outputs) if outputs else n
    t, out = rng.normal(size=shape), rng.normal(size=shape)
    pairs = [
        (metrics.mean_absolute_error, theirs.mean_absolute_error),
        (metrics.mean_squared_error, theirs.mean_squared_error),
        (metrics.root_mean_squared_error, theirs.root_mean_squared_error),
        (metrics.mean_absolute_percentage_error, theirs.mean_absolute_percentage_error),
        (metrics.r2, theirs.r2_score),
        (lambda t, out: metrics.pinball_loss(t, out, 0.3), lambda t, out: theirs.mean_pinball_loss(t, out, alpha=0.3)),
    ]
    for ours, their in pairs:
        assert ours(t, out) == pytest.approx(their(t, out), rel=1e-10)
    assert metrics.r2(np.ones(3), np.ones(3)) == 1
    assert metrics.r2(np.ones(3), np.zeros(3)) == 0


def test_one_class_alone_has_no_area():
    assert np.isnan(metrics.roc_auc([1, 1], [0.2, 0.4]))
    assert metrics.roc_auc([0, 1, 1], np.eye(3)[[0, 1, 1]]) == 1  # class 2 is left out


def test_a_trainer_measures_by_names_of_the_field():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), np.arange(60) % 3
    names = ["log_loss", "roc_auc", "pr_auc", "brier", "ece", "balanced_accuracy"]
    model = fastnn.Sequential([fastnn.layers.Dense(3)], input_shape=(3,))
    last = fastnn.Trainer(model, epochs=1, metrics=names, progress=False).fit(x, y, validation=(x, y)).epochs[-1]
    assert last["val_log_loss"] == pytest.approx(last["val_loss"], rel=1e-5)
    assert all(0 <= last[f"val_{name}"] <= 2 for name in names)
    one = fastnn.Sequential([fastnn.layers.Dense(1)], input_shape=(3,))
    found = one.evaluate(x, y % 2, loss="bce", metrics=["log_loss", "auc"])
    assert found["log_loss"] == pytest.approx(found["loss"], rel=1e-5)
    found = one.evaluate(x, x[:, 0], loss="mse", metrics=["mse", "mae", "rmse", "mape", "r2"])
    assert found["mse"] == pytest.approx(found["loss"], rel=1e-5) == pytest.approx(found["rmse"] ** 2)


def test_the_first_of_equal_scores_counts():
    assert metrics.top_k_accuracy([0, 1], np.zeros((2, 3)), 1) == 0.5 == metrics.accuracy([0, 1], np.zeros((2, 3)))
    assert metrics.top_k_accuracy([2, 2], np.zeros((2, 3)), 3) == 1


def test_metrics_have_names():
    name, function = metrics.get("top_2_accuracy")
    assert name == "top_2_accuracy"
    assert function([2], [[0.1, 0.5, 0.4]]) == 1
    assert metrics.get(len) == ("len", len)
    assert list(metrics.get_all({"mine": len, "other": "accuracy"})) == ["mine", "other"]
    assert metrics.get_all(len) == {"len": len}
    assert list(metrics.get_all("accuracy")) == ["accuracy"]


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
            lambda: metrics.log_loss([0], [[1, 2]]),
            ValueError,
            "log_loss: outputs: expected probabilities, in 0 to 1 and",
        ),
        (
            lambda: metrics.brier_score([0], [[0.5, 0.5]], from_scores=True),
            ValueError,
            "brier_score: outputs: expected scores, got probabilities; leave out from_scores=True",
        ),
        (lambda: metrics.roc_auc([0, 2], [0.1, 0.2]), ValueError, "roc_auc: labels must lie in 0 to 1, got 2"),
        (lambda: metrics.roc_auc([0, 1], [0.1, np.nan]), ValueError, "outputs must be numbers, got NaN in sample 1"),
        (lambda: metrics.roc_auc([0], [0.1, 1]), ValueError, "targets has 1 samples but outputs has 2"),
        (lambda: metrics.r2([1, 2], [[1, 2]]), ValueError, r"r2: targets has shape \(2, 1\) but outputs has \(1, 2\)"),
        (lambda: metrics.r2([1, np.inf], [1, 2]), ValueError, "r2: targets must be finite numbers, got others in samp"),
        (lambda: metrics.r2([], []), ValueError, "r2: expected at least one sample"),
        (lambda: metrics.pinball_loss([1], [1], 1), ValueError, "pinball_loss: level: expected a number above 0 and b"),
        (lambda: metrics.get("acuracy"), ValueError, "got 'acuracy'; did you mean 'accuracy'"),
        (
            lambda: metrics.top_k_accuracy([0], [[1, 2]], 3),
            ValueError,
            "k: expected a whole number of at least 1 and at most 2, got 3",
        ),
        (lambda: metrics.top_k_accuracy([2], [[1, 2]], 1), ValueError, "labels must lie in 0 to 1, got 2"),
        (lambda: metrics.confusion_matrix([3], [0], 3), ValueError, "labels must lie in 0 to 2, got 3"),
        (lambda: metrics.get("top_0_accuracy"), ValueError, "metric: expected one of accuracy, .* top_K_accuracy"),
        (lambda: metrics.get(3), TypeError, "metric: expected a name or a function"),
        (lambda: metrics.get_all(3), TypeError, "metric: expected a name or a function"),
        (lambda: metrics.get_all(["accuracy", metrics.accuracy]), ValueError, "two are called 'accuracy'"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
