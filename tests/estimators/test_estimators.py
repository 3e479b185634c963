"""The estimators behave exactly like scikit-learn's, and have additional options."""

import multiprocessing
import pickle

import numpy as np
import pytest
from trainings import output_of

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastnn.estimators import ConvNetClassifier, MLPClassifier, MLPRegressor
from fastnn.estimators.stopping import EpochRules

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ALL = [MLPClassifier, MLPRegressor, ConvNetClassifier]


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ALL)
def test_check_estimator_passes_with_no_expected_failure(estimator):
    results = check_estimator(estimator(), on_fail=None, on_skip=None)
    assert [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")] == []
    assert len(results) > 50


@pytest.mark.parametrize(
    ("ours", "theirs"), [(MLPClassifier, SklearnMLPClassifier), (MLPRegressor, SklearnMLPRegressor)]
)
def test_parameters_are_a_superset_of_scikit_learns_with_its_defaults(ours, theirs):
    wanted = theirs().get_params()
    got = ours().get_params()
    assert {name: got.get(name, "missing") for name in wanted} == wanted


def test_the_convolutional_classifier_has_the_parameters_of_the_others_and_its_own():
    assert set(ConvNetClassifier().get_params()) - set(MLPClassifier().get_params()) == {
        "image_shape",
        "conv_layers",
        "pool",
        "channels_last",
    }
    net = ConvNetClassifier(alpha=0.5, conv_layers=(4, 8))
    assert clone(net).get_params() == net.get_params()


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float64, str])
def test_the_score_is_scikit_learns_accuracy(digits, dtype):
    x, y = digits[0][:300], digits[1][:300].astype(dtype)
    net = MLPClassifier((5,), max_iter=3, random_state=0).fit(x, y)
    assert net.score(x, y) == accuracy_score(y, net.predict(x))
    assert net.score(x, np.roll(y, 1)) == accuracy_score(np.roll(y, 1), net.predict(x))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net.score(x, y[:-1])


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_digits_are_learnt_by_every_solver(digits, solver):
    x, y = digits
    rate = {"sgd": 0.1}.get(solver, 0.003)
    net = MLPClassifier((40,), solver=solver, learning_rate_init=rate, max_iter=40, random_state=0)
    net.fit(x[:1200], y[:1200])
    assert net.score(x[1200:], y[1200:]) > 0.88
    assert net.loss_curve_[-1] < net.loss_curve_[0] / 4
    assert net.predict_proba(x[:5]).dtype == np.float32
    np.testing.assert_allclose(net.predict_proba(x).sum(1), 1, rtol=1e-5)
    assert [c.shape for c in net.coefs_] == [(64, 40), (40, 10)]
    assert [b.shape for b in net.intercepts_] == [(40,), (10,)]


def test_two_classes_have_one_output(digits):
    x, y = digits
    chosen = y < 2
    names = np.array(["zero", "one"])[y[chosen]]
    net = MLPClassifier((8,), max_iter=60, random_state=0, learning_rate_init=0.01).fit(x[chosen], names)
    assert net.n_outputs_ == 1
    assert net.out_activation_ == "logistic"
    assert net.classes_.tolist() == ["one", "zero"]
    assert net.score(x[chosen], names) == 1
    np.testing.assert_array_equal(net.predict(x[chosen]), net.classes_[net.predict_proba(x[chosen]).argmax(1)])


def test_a_sample_may_have_several_labels():
    x, y = make_multilabel_classification(200, 12, n_classes=4, random_state=0)
    net = MLPClassifier((30,), solver="lbfgs", random_state=0, max_iter=300).fit(x, y)
    assert net.predict(x).shape == y.shape
    assert net.score(x, y) > 0.9
    assert net.predict_proba(x).shape == (200, 4)


def test_the_regressor_finds_a_plane_and_keeps_the_shape_of_y():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = x @ [[1.0, 2], [0, -1], [3, 0]] + 1
    net = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, random_state=0, tol=1e-9).fit(x, y)
    np.testing.assert_allclose(net.predict(x), y, atol=1e-4)
    np.testing.assert_allclose(net.coefs_[0], [[1, 2], [0, -1], [3, 0]], atol=1e-4)
    assert MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(x, y[:, 0]).predict(x).shape == (300,)


def test_lbfgs_minimises_scikit_learns_penalised_loss(digits):
    x, y = digits
    x, y = x[:300].astype(np.float64), y[:300]
    options = {"solver": "lbfgs", "alpha": 1.0, "max_iter": 2000, "tol": 1e-8}
    ours = MLPClassifier((), random_state=0, **options).fit(x, y)
    theirs = SklearnMLPClassifier((), random_state=0, **options).fit(x, y)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=2e-3)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-2)


def test_a_weight_of_k_counts_like_k_samples(digits):
    x, y = digits
    x, y = x[:60].astype(np.float64), y[:60]
    weights = np.random.default_rng(0).integers(0, 4, 60)
    options = {"hidden_layer_sizes": (10,), "max_iter": 30, "random_state": 0, "solver": "lbfgs", "alpha": 0.1}
    weighted = MLPClassifier(**options).fit(x, y, sample_weight=weights)
    repeated = MLPClassifier(**options).fit(x.repeat(weights, 0), y.repeat(weights))
    np.testing.assert_allclose(weighted.predict_proba(x), repeated.predict_proba(x), atol=1e-6)


def test_class_weights_shift_the_decision(digits):
    x, y = digits
    rare = (y == 1).astype(int)
    blurred = x[:, ::8]
    options = {"hidden_layer_sizes": (4,), "max_iter": 40, "random_state": 0, "learning_rate_init": 0.01}
    plain = MLPClassifier(**options).fit(blurred, rare).predict(blurred).mean()
    balanced = MLPClassifier(class_weight="balanced", **options).fit(blurred, rare).predict(blurred).mean()
    assert balanced > plain
    with pytest.raises(ValueError, match="class_weight names 7, which y does not have"):
        MLPClassifier(class_weight={7: 2.0}, **options).fit(blurred, rare)


def test_early_stopping_keeps_the_best_weights(digits):
    x, y = digits
    net = MLPClassifier((30,), early_stopping=True, n_iter_no_change=3, learning_rate_init=0.02, random_state=0)
    net.fit(x, y)
    assert net.n_iter_ < net.max_iter
    assert len(net.validation_scores_) == len(net.validation_curve_) == net.n_iter_
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert net.best_loss_ is None


def test_early_stopping_on_a_given_set_ends_with_the_weights_that_were_best_on_it(digits):
    x, y = digits
    held = x[1000:], y[1000:]
    net = MLPClassifier((30,), early_stopping=True, n_iter_no_change=8, learning_rate_init=0.05, random_state=0)
    net.fit(x[:1000], y[:1000], validation=held)
    assert net.validation_scores_[-1] < net.best_validation_score_
    assert net.score(*held) == pytest.approx(net.best_validation_score_)


def test_a_given_validation_set_makes_a_curve_and_is_not_trained_on(digits):
    x, y = digits
    options = {"hidden_layer_sizes": (20,), "max_iter": 6, "random_state": 0}
    with_set = MLPClassifier(**options).fit(x[:1000], y[:1000], validation=(x[1000:], y[1000:]))
    without = MLPClassifier(**options).fit(x[:1000], y[:1000])
    assert len(with_set.validation_curve_) == 6
    np.testing.assert_array_equal(with_set.coefs_[0], without.coefs_[0])


def test_partial_fit_continues_as_one_fit_would(digits):
    x, y = digits
    options = {"hidden_layer_sizes": (20,), "random_state": 0, "shuffle": False, "n_iter_no_change": 100}
    whole = MLPClassifier(max_iter=5, **options).fit(x, y)
    parts = MLPClassifier(**options)
    for _ in range(5):
        parts.partial_fit(x, y, classes=np.arange(10))
    np.testing.assert_array_equal(parts.coefs_[0], whole.coefs_[0])
    assert parts.n_iter_ == 5
    with pytest.raises(ValueError, match="classes: the first call must list all classes"):
        MLPClassifier().partial_fit(x, y)
    with pytest.raises(ValueError, match="y has 12, which is not in classes_"):
        parts.partial_fit(x[:2], [12, 1])
    with pytest.raises(ValueError, match="early_stopping needs all samples at once"):
        MLPClassifier(early_stopping=True).partial_fit(x, y, classes=np.arange(10))


def test_warm_start_continues_from_the_weights(digits):
    x, y = digits
    net = MLPClassifier((20,), max_iter=5, warm_start=True, random_state=0).fit(x, y)
    first = net.loss_curve_[-1]
    assert net.fit(x, y).loss_curve_[5] < first
    assert len(net.loss_curve_) == 10


def test_images_or_flat_rows_train_the_same_convolutions(digits):
    x, y = digits
    options = {"conv_layers": (8,), "hidden_layer_sizes": (16,), "max_iter": 15, "random_state": 1}
    images = ConvNetClassifier(learning_rate_init=0.01, **options).fit(x.reshape(-1, 8, 8)[:1200], y[:1200])
    rows = ConvNetClassifier(learning_rate_init=0.01, image_shape=(1, 8, 8), **options).fit(x[:1200], y[:1200])
    np.testing.assert_array_equal(images.predict_proba(x.reshape(-1, 1, 8, 8)), rows.predict_proba(x))
    assert rows.score(x[1200:], y[1200:]) > 0.9
    with pytest.raises(ValueError, match=r"image_shape must be \(C, H, W\) with 64 values, got \(3, 8, 8\)"):
        ConvNetClassifier(image_shape=(3, 8, 8)).fit(x, y)
    with pytest.raises(ValueError, match=r"X has images \(1, 4, 16\) but was fitted on images \(1, 8, 8\)"):
        images.predict(x.reshape(-1, 4, 16))
    with pytest.raises(TypeError, match="conv_layers: expected a whole number of at least 1, got 'a'"):
        ConvNetClassifier(conv_layers=(4, "a")).fit(x, y)


def test_dropout_and_batch_norm_train_and_are_off_in_predict(digits):
    x, y = digits
    net = MLPClassifier((64,), dropout=0.3, batch_norm=True, max_iter=25, random_state=0).fit(x[:1200], y[:1200])
    assert net.score(x[1200:], y[1200:]) > 0.9
    np.testing.assert_array_equal(net.predict_proba(x), net.predict_proba(x))


@pytest.mark.slow
def test_pipelines_grids_folds_pickles_and_workers(digits):
    x, y = digits
    net = MLPClassifier((20,), max_iter=60, random_state=0)
    assert cross_val_score(make_pipeline(StandardScaler(), net), x[:400], y[:400], cv=3).mean() > 0.6
    grid = GridSearchCV(net, {"hidden_layer_sizes": [(1,), (20,)]}, cv=2, n_jobs=2).fit(x[:400], y[:400])
    assert grid.best_params_ == {"hidden_layer_sizes": (20,)}
    again = pickle.loads(pickle.dumps(grid.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(x), grid.best_estimator_.predict_proba(x))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_in_a_worker(digits):
    joblib = pytest.importorskip("joblib")
    x, y = digits
    net = MLPClassifier((10,), max_iter=3, random_state=0)
    here = clone(net).fit(x, y).coefs_[0]
    there = joblib.Parallel(n_jobs=2)(joblib.delayed(clone(net).fit)(x, y) for _ in range(2))
    assert all(np.array_equal(other.coefs_[0], here) for other in there)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "newton"}, "MLPClassifier: solver: expected 'adam', 'sgd' or 'lbfgs', got 'newton'"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes: expected a whole number of at least 1, got 0"),
        ({"alpha": -1}, "alpha: expected a finite number of at least 0, got -1"),
        ({"dropout": 1.0}, "dropout: expected a number of at least 0 and below 1, got 1.0"),
        ({"batch_size": 0}, r'batch_size \(unless "auto"\): expected a whole number of at least 1, got 0'),
        ({"max_iter": 0}, "max_iter: expected a whole number of at least 1, got 0"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout needs solver 'adam' or 'sgd', got 'lbfgs'"),
    ],
)
def test_parameters_out_of_range_are_refused_in_fit(digits, options, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**options).fit(*digits)


def test_an_unfitted_estimator_says_so_and_one_that_did_not_converge_warns(digits):
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(digits[0])
    with pytest.warns(ConvergenceWarning, match="max_iter=2 reached"):
        MLPClassifier((4,), max_iter=2).fit(*digits)


def test_what_was_learnt_before_ctrl_c_is_kept(digits, monkeypatch):
    told = EpochRules.on_epoch_end

    def interrupted(self, trainer, epoch):
        told(self, trainer, epoch)
        if epoch["epoch"] == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(EpochRules, "on_epoch_end", interrupted)
    net = MLPClassifier((20,), max_iter=50, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        net.fit(*digits)
    assert len(net.loss_curve_) == net.n_iter_ == 3
    assert [c.shape for c in net.coefs_] == [(64, 20), (20, 10)]
    assert net.score(*digits) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_the_same_bits_in_workers_started_in_any_way(method):
    pytest.importorskip("joblib")
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    code = """
import joblib, warnings
from sklearn.base import clone
from sklearn.datasets import load_digits
from fastnn.estimators import MLPClassifier
warnings.simplefilter("ignore")
x, y = load_digits(return_X_y=True)
net = MLPClassifier((10,), max_iter=3, random_state=0)
here = clone(net).fit(x, y).coefs_[0]
there = joblib.Parallel(2, "multiprocessing")(joblib.delayed(clone(net).fit)(x, y) for _ in range(2))
print(all((other.coefs_[0] == here).all() for other in there))
"""
    assert output_of(code, timeout=300, JOBLIB_START_METHOD=method) == "True"


def test_the_regressor_has_two_losses():
    with pytest.raises(ValueError, match="MLPRegressor: loss: expected 'squared_error' or 'poisson', got 'gamma'"):
        MLPRegressor(loss="gamma").fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match="MLPRegressor: y: expected numbers of at least 0 for poisson, got -1"):
        MLPRegressor(loss="poisson").fit([[0.0], [1.0]], [0.0, -1.0])


@pytest.mark.parametrize("hidden", [(12, 7), ()])
def test_hidden_features_are_those_of_the_model(digits, hidden):
    x, y = digits
    net = MLPClassifier(hidden, max_iter=5, dropout=0.2, random_state=0).fit(x[:300], y[:300])
    found = net.transform(x[:40])
    if hidden:
        again = np.maximum(
            np.maximum(x[:40] @ net.coefs_[0] + net.intercepts_[0], 0) @ net.coefs_[1] + net.intercepts_[1], 0
        )
        np.testing.assert_allclose(found, again, rtol=1e-4, atol=1e-5)
    else:
        np.testing.assert_array_equal(found, x[:40])
    scores = make_pipeline(net, StandardScaler(), MLPClassifier((), max_iter=5, random_state=0)).fit(x[:300], y[:300])
    assert scores.predict(x[:5]).shape == (5,)


def test_hidden_features_of_images_are_rows(digits):
    x, y = digits
    net = ConvNetClassifier(
        hidden_layer_sizes=(9,), image_shape=(1, 8, 8), conv_layers=(4,), max_iter=2, random_state=0
    ).fit(x[:99], y[:99])
    assert net.transform(x[:6]).shape == (6, 9)


@pytest.mark.parametrize(("bad", "kind"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_what_is_not_finite_is_named_by_its_place(bad, kind):
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[7, 1] = x[9, 0] = bad
    with pytest.raises(ValueError, match=rf"^Input X contains {kind}.*\. The first is {kind} in sample 7, column 1\."):
        MLPClassifier(max_iter=1).fit(x, np.arange(40) % 2)
    frame = pytest.importorskip("pandas").DataFrame(x, columns=["a", "size", "b"])
    with pytest.raises(ValueError, match=rf"The first is {kind} in sample 7, column 'size'\."):
        MLPClassifier(max_iter=1).fit(frame, np.arange(40) % 2)


def test_text_is_answered_with_the_estimator_that_takes_it():
    x = np.arange(12.0).reshape(6, 2)
    with pytest.raises(ValueError, match="MLPRegressor: y: expected numbers, got 'a'; MLPClassifier predicts classes"):
        MLPRegressor().fit(x, np.array(list("ababab")))
    with pytest.raises(ValueError, match=r"MLPClassifier: X: expected numbers, got 'red'; .* fastnn.tabular take"):
        MLPClassifier().fit(np.array([[1, "red"], [2, "blue"]], object), [0, 1])


def test_layers_in_the_place_of_the_loss_are_answered_with_their_name():
    with pytest.raises(ValueError, match=r"MLPRegressor: loss: .*, got \(4,\); the layers go by name, hidden_layer_si"):
        MLPRegressor((4,)).fit([[1.0], [2.0]], [1.0, 2.0])
