"""Weights mean the class or the sample that they are given for, or are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import same_bits
from trainings import mlp, samples

import fastnn

pytest.importorskip("sklearn")

from fastnn.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = samples(40, 3, 2)
NAMES = np.array(["ash", "oak"])


def trained(class_weight, y=Y, classes=2, **given):
    model = mlp(3, classes, dtype="float64")
    trainer = fastnn.Trainer(model, class_weight=class_weight, epochs=1, progress=False)
    trainer.fit(X, y, **given)
    return model.params


def fitted(class_weight, y=Y, **given):
    return MLPClassifier((3,), max_iter=3, random_state=0, class_weight=class_weight).fit(X, y, **given).coefs_[0]


@pytest.mark.parametrize("kind", [int, float, np.int8, np.float32, np.float64, bool, np.bool_])
def test_a_class_is_found_by_its_number_in_any_type(kind):
    weights = {kind(0): 1.0, kind(1): 10.0}
    assert same_bits(trained(weights), trained([1, 10]))
    by_sample = np.array([1.0, 10.0])[Y]
    assert same_bits(fitted(weights), fitted(None, sample_weight=by_sample))
    assert same_bits(fitted(weights, Y.astype(bool)), fitted(None, sample_weight=by_sample))
    assert not np.array_equal(fitted(weights), fitted(None))


@settings(max_examples=12, deadline=None)
@given(st.permutations(range(3)), st.lists(st.floats(0.1, 9), min_size=3, max_size=3))
def test_the_order_of_a_dict_changes_nothing(order, values):
    x, y = samples(30, 3, 3)
    names = np.array(["ash", "elm", "oak"])
    found = []
    for keys in (range(3), order):
        net = MLPClassifier((2,), max_iter=1, random_state=0, class_weight={names[k]: values[k] for k in keys})
        found.append(net.fit(x, names[y]).coefs_[0])
        model = mlp(3, 3)
        fastnn.Trainer(model, class_weight={k: values[k] for k in keys}, epochs=1, progress=False).fit(x, y)
        found.append(model.params)
    assert same_bits(found[0], found[2])
    assert same_bits(found[1], found[3])


class Series:
    """A table's column as pandas has it: seen as an array it is its values, in the order of its rows."""

    def __init__(self, values):
        self.values = values

    def items(self):
        return self.values.items()

    def __array__(self, dtype=None, copy=None):
        return np.array(list(self.values.values()), dtype)


def test_a_series_is_read_by_its_names_and_not_by_the_order_of_its_rows():
    series = Series({1: 10.0, 0: 1.0})
    assert same_bits(trained(series), trained([1, 10]))
    assert same_bits(fitted(series), fitted({0: 1, 1: 10}))


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_weight_is_refused_at_every_entry_point(weight):
    message = "expected finite numbers of at least 0"
    each = np.where(np.arange(40) == 3, float(weight), 1.0)
    for refused in (
        lambda: trained({0: weight}),
        lambda: trained([1, weight]),
        lambda: trained(None, sample_weight=each),
        lambda: fitted({0: weight}),
        lambda: fitted(None, sample_weight=each),
        lambda: MLPClassifier((2,), solver="lbfgs").fit(X, Y, sample_weight=each),
        lambda: MLPClassifier((2,)).partial_fit(X, Y, sample_weight=each, classes=[0, 1]),
        lambda: MLPClassifier((2,), class_weight={1: weight}).partial_fit(X, Y, classes=[0, 1]),
        lambda: MLPClassifier((2,), max_iter=1).fit(X, Y).score(X, Y, sample_weight=each),
        lambda: MLPRegressor(hidden_layer_sizes=(2,)).fit(X, Y, sample_weight=each),
        lambda: MLPRegressor(hidden_layer_sizes=(2,)).partial_fit(X, Y, sample_weight=each),
        lambda: MLPRegressor(hidden_layer_sizes=(2,), max_iter=1).fit(X, Y).score(X, Y, sample_weight=each),
    ):
        with pytest.raises(ValueError, match=message):
            refused()


@pytest.mark.parametrize(
    ("class_weight", "error", "message"),
    [
        (
            {True: 2.0},
            ValueError,
            "expected classes in 0 to 2, got True, which is the number of a class only where there are two",
        ),
        ({0.5: 2.0}, ValueError, "expected classes in 0 to 2, got 0.5"),
        ({np.nan: 2.0}, ValueError, "expected classes in 0 to 2, got nan"),
        ({"1": 2.0}, ValueError, "expected classes in 0 to 2, got '1'"),
        ({0: [1, 2]}, ValueError, r"expected one number for class 0, got shape \(2,\)"),
        ({0: None}, TypeError, "expected real numbers, got NoneType"),
        ({0: "3"}, TypeError, "expected real numbers, got dtype <U1"),
        ([1, [2], 3], ValueError, "expected an array of numbers"),
    ],
)
def test_what_names_no_class_or_is_no_number_is_refused_by_the_trainer(class_weight, error, message):
    with pytest.raises(error, match=f"fit: class_weight: {message}"):
        trained(class_weight, classes=3)


@pytest.mark.parametrize(
    ("class_weight", "error", "message"),
    [
        ({"asch": 2.0, "oak": 1.0}, ValueError, "class_weight names 'asch', which y does not have"),
        ({0: 2.0}, ValueError, "class_weight names 0, which y does not have; its classes are 'ash', 'oak'"),
        ([1, 2], TypeError, "class_weight: expected a dict of weights by class, 'balanced' or None"),
        ("Balanced", ValueError, "class_weight: expected a dict of weights by class, 'balanced' or None"),
        ({"ash": "2"}, TypeError, "class_weight: expected real numbers"),
        ({"ash": 0, "oak": 0}, ValueError, "at least one non-zero number"),
    ],
)
def test_what_names_no_class_or_is_no_number_is_refused_by_estimators(class_weight, error, message):
    with pytest.raises(error, match=message):
        fitted(class_weight, NAMES[Y])


def test_a_dict_that_weights_every_class_may_name_one_that_a_fold_lacks():
    assert same_bits(fitted({0: 1, 1: 3, 2: 5}), fitted({0: 1, 1: 3}))


def test_a_batch_may_lack_a_class_that_has_a_weight():
    net = MLPClassifier((3,), random_state=0, class_weight={"oak": 10.0})
    net.partial_fit(X[Y == 0], NAMES[Y[Y == 0]], classes=NAMES)
    net.partial_fit(X, NAMES[Y])
    weighted = MLPClassifier((3,), random_state=0)
    weighted.partial_fit(X[Y == 0], NAMES[Y[Y == 0]], classes=NAMES)
    weighted.partial_fit(X, NAMES[Y], sample_weight=np.array([1.0, 10.0])[Y])
    assert same_bits(net.coefs_[0], weighted.coefs_[0])


def test_balance_needs_all_samples_at_once():
    with pytest.raises(ValueError, match="partial_fit: class_weight 'balanced' needs all samples"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1])


def test_the_balance_of_a_training_is_that_of_the_samples_it_trains_on():
    y = (np.arange(40) % 13 > 0).astype(int)  # 4 of the first class, of which a quarter is held out
    trainer = fastnn.Trainer(mlp(3, 2, dtype="float64"), class_weight="balanced", epochs=1, progress=False)
    trainer.fit(X, y, validation=0.3, sample_weight=1.0 + y)
    problem = trainer.run.spec.problem
    counts = np.bincount(problem.targets)
    expected = (1.0 + problem.targets) * (28 / (2 * counts))[problem.targets]
    np.testing.assert_allclose(problem.weights[:, 0], expected, rtol=1e-12)


def test_several_labels_a_sample_have_no_class_to_weight():
    for weights in ("balanced", {0: 2.0}):
        with pytest.raises(ValueError, match="class_weight: expected None for several labels a sample"):
            MLPClassifier(class_weight=weights).fit(X, np.stack([Y, 1 - Y], axis=1))


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.ones(39), ValueError, r"expected shape \(40,\), got \(39,\)"),
        (np.ones((40, 1)), ValueError, "1D array or scalar, got 2D"),
        (["1"] * 40, TypeError, "expected real numbers, got dtype <U1"),
        ([None] * 40, TypeError, "expected real numbers, got NoneType"),
        (
            np.ma.masked_less(np.arange(40.0), 5),
            ValueError,
            "sample_weight: expected values without a mask, got 5 of 40",
        ),
        (np.zeros(40), ValueError, "non-zero"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_fit_and_score(weights, error, message):
    net = MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, random_state=0).fit(X, Y)
    for refused in (
        lambda: MLPClassifier((2,)).fit(X, Y, sample_weight=weights),
        lambda: MLPRegressor(hidden_layer_sizes=(2,)).partial_fit(X, Y, sample_weight=weights),
        lambda: net.score(X, Y, sample_weight=weights),
    ):
        with pytest.raises(error, match=message):
            refused()


def test_a_weight_beyond_the_models_dtype_is_refused():
    with pytest.raises(ValueError, match="expected products that float32 can hold"):
        fastnn.Trainer(mlp(3, 2), progress=False).fit(X, Y, sample_weight=np.full(40, 1e300))


def test_a_fit_that_is_refused_leaves_the_estimator_as_it_was():
    net = MLPClassifier((3,), max_iter=3, random_state=0).fit(X, NAMES[Y])
    before = net.predict(X)
    with pytest.raises(ValueError, match="sample_weight"):
        net.fit(X[:, :2], np.arange(40) % 5, sample_weight=-np.ones(40))
    assert net.classes_.tolist() == ["ash", "oak"]
    np.testing.assert_array_equal(net.predict(X), before)
    fresh = MLPClassifier((3,))
    with pytest.raises(ValueError, match="sample_weight"):
        fresh.fit(X, Y, sample_weight=-np.ones(40))
    assert not hasattr(fresh, "classes_")
