"""Several networks in one estimator, and searches whose fits are trained together."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import model_selection
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnn
from fastnn.estimators import GridSearchCV, MLPClassifier, MLPRegressor, cross_val_score, grouped
from fastnn.estimators.search import fit_search

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5))
LABELS = RNG.integers(3, size=90)
NAMES = np.array(["no", "yes"])[LABELS // 2]
NUMBERS = X @ RNG.normal(size=(5, 2)) + 0.1 * RNG.normal(size=(90, 2))
YES = (RNG.random((90, 4)) < 0.5).astype(int)
OPTIONS = {"hidden_layer_sizes": (6,), "random_state": 3, "max_iter": 12, "n_iter_no_change": 2}
TASKS = {
    "classes": (MLPClassifier, LABELS),
    "two classes": (MLPClassifier, NAMES),
    "labels": (MLPClassifier, YES),
    "numbers": (MLPRegressor, NUMBERS),
}
WAYS = {
    "adam": {},
    "early": {"early_stopping": True, "learning_rate_init": 0.03},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False, "alpha": 0.3},
    "dropout": {"dropout": 0.3, "activation": "mish", "batch_size": 16, "shuffle": False},
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("way", WAYS)
def test_the_networks_of_an_ensemble_are_those_of_single_fits(task, way):
    make, y = TASKS[task]
    net = make(**OPTIONS, **WAYS[way], n_estimators=3).fit(X, y)
    assert len({member.random_state for member in net.estimators_}) == 3
    for member in net.estimators_:
        alone = clone(member).fit(X, y)
        np.testing.assert_allclose(member.model_.params, alone.model_.params, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(member.loss_curve_, alone.loss_curve_, rtol=1e-9)
        assert (member.n_iter_, member.t_) == (alone.n_iter_, alone.t_)
        assert member.best_validation_score_ == alone.best_validation_score_
        np.testing.assert_array_equal(member.predict(X), alone.predict(X))


def test_an_ensemble_predicts_the_mean():
    classes = MLPClassifier(**OPTIONS, n_estimators=4).fit(X, NAMES)
    mean = np.mean([member.predict_proba(X) for member in classes.estimators_], axis=0)
    np.testing.assert_allclose(classes.predict_proba(X), mean)
    np.testing.assert_array_equal(classes.predict(X), np.array(["no", "yes"])[mean.argmax(axis=1)])
    assert 0 <= classes.score(X, NAMES) <= 1
    labels = MLPClassifier(**OPTIONS, n_estimators=3).fit(X, YES)
    np.testing.assert_array_equal(labels.predict(X), (labels.predict_proba(X) > 0.5).astype(int))
    numbers = MLPRegressor(**OPTIONS, n_estimators=4).fit(X, NUMBERS[:, 0])
    each = np.array([member.predict(X) for member in numbers.estimators_])
    np.testing.assert_allclose(numbers.predict(X), each.mean(axis=0))
    np.testing.assert_allclose(numbers.predict_std(X), each.std(axis=0))
    with pytest.raises(ValueError, match="predict_std: expected a fit with n_estimators above 1"):
        MLPRegressor(**OPTIONS).fit(X, NUMBERS).predict_std(X)


def test_samples_are_drawn_with_replacement_where_that_is_asked_for():
    bagged = MLPRegressor(**OPTIONS, n_estimators=3, bootstrap=True).fit(X, NUMBERS)
    plain = MLPRegressor(**OPTIONS, n_estimators=3).fit(X, NUMBERS)
    again = MLPRegressor(**OPTIONS, n_estimators=3, bootstrap=True).fit(X, NUMBERS)
    np.testing.assert_array_equal(bagged.predict(X), again.predict(X))
    assert np.abs(bagged.predict(X) - plain.predict(X)).max() > 1e-6


def test_a_single_fit_after_an_ensemble_is_a_single_fit():
    net = MLPClassifier(**OPTIONS, n_estimators=3).fit(X, LABELS).set_params(n_estimators=1).fit(X, LABELS)
    np.testing.assert_array_equal(net.predict_proba(X), MLPClassifier(**OPTIONS).fit(X, LABELS).predict_proba(X))


@pytest.mark.parametrize(
    ("change", "fit", "error"),
    [
        ({"solver": "lbfgs"}, {}, "n_estimators needs solver 'adam' or 'sgd'"),
        ({"batch_norm": True}, {}, "batch_norm: expected False"),
        ({"warm_start": True}, {}, "warm_start: expected False"),
        ({"class_weight": "balanced"}, {}, "class_weight: expected None"),
        ({}, {"sample_weight": np.arange(90.0)}, "sample_weight: expected None"),
        ({}, {"validation": (X, LABELS)}, "validation: expected None"),
        ({"n_estimators": 0}, {}, "n_estimators: expected a whole number"),
        (
            {"learning_rate_init": 1e200, "solver": "sgd", "activation": "identity"},
            {},
            "network 0 of 2: the loss of step",
        ),
    ],
)
def test_what_an_ensemble_cannot_do_is_said(change, fit, error):
    with pytest.raises(ValueError, match=error):
        MLPClassifier(**OPTIONS | {"n_estimators": 2} | change).fit(X, LABELS, **fit)
    with pytest.raises(ValueError, match="n_estimators: expected 1, got 2; use fit"):
        MLPClassifier(n_estimators=2).partial_fit(X, LABELS, classes=[0, 1, 2])


GRID = {"hidden_layer_sizes": [(4,), (6,)], "alpha": [1e-4, 1.0], "learning_rate_init": [1e-3, 3e-2]}


@pytest.fixture
def together(monkeypatch):
    """A list that grows by the number of fits that are trained together."""
    found, train = [], grouped.train_together

    def counted(trainings):
        found.append(len(trainings))
        return train(trainings)

    monkeypatch.setattr(grouped, "train_together", counted)
    return found


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_search_finds_what_scikit_learns_search_finds(task, early_stopping, together):
    make, y = TASKS[task]
    net = make(**OPTIONS, early_stopping=early_stopping)
    ours = GridSearchCV(net, GRID, cv=3, return_train_score=True).fit(X, y)
    assert together == [24]
    theirs = model_selection.GridSearchCV(net, GRID, cv=3, return_train_score=True).fit(X, y)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    for name in ours.cv_results_:
        if "_score" in name and "time" not in name:
            np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name], rtol=1e-7, err_msg=name)
    assert (ours.cv_results_["mean_fit_time"] > 0).all()
    assert ours.best_params_ == theirs.best_params_
    assert type(ours.best_estimator_) is type(ours.estimator) is make
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert (ours.cv, ours.n_jobs) == (3, None)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_search_has_the_same_bits_where_each_thread_trains_blocks_of_its_own(threads, monkeypatch):
    def scores():
        grid = GRID | {"alpha": [1e-4, 1e-2, 1.0], "learning_rate_init": [1e-3, 1e-2, 3e-2]}
        search = GridSearchCV(MLPClassifier(**OPTIONS), grid, cv=3).fit(X, LABELS)
        return [search.cv_results_[f"split{fold}_test_score"] for fold in range(3)], search.best_estimator_.coefs_

    monkeypatch.setattr("fastnn.estimators.together._BLOCKS_EACH", 10**6)
    found, weights = scores()
    monkeypatch.setattr("fastnn.estimators.together._BLOCKS_EACH", 0)
    before = fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(threads)
        shared, same = scores()
    finally:
        fastnn.set_num_threads(before)
    np.testing.assert_array_equal(shared, found)
    for one, other in zip(same, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_searches_are_trained_together_by_fit_search(together):
    search = model_selection.RandomizedSearchCV(
        MLPClassifier(**OPTIONS), GRID, n_iter=5, cv=2, random_state=0, n_jobs=2
    )
    fit_search(search, X, LABELS)
    plain = clone(search).fit(X, LABELS)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])
    fit_search(GridSearchCV(MLPClassifier(**OPTIONS), GRID, cv=2), X, LABELS)
    assert together == [10, 16]


def test_cross_validation_gives_scikit_learns_scores(together):
    net = MLPRegressor(**OPTIONS)
    scores = cross_val_score(net, X, NUMBERS, cv=4, scoring="neg_mean_absolute_error")
    assert together == [4]
    plain = model_selection.cross_val_score(net, X, NUMBERS, cv=4, scoring="neg_mean_absolute_error")
    np.testing.assert_allclose(scores, plain)


def test_what_cannot_be_trained_together_is_fitted_as_by_scikit_learn(together):
    grid = {"mlpclassifier__alpha": [0.1, 1.0]}
    piped = GridSearchCV(make_pipeline(StandardScaler(), MLPClassifier(**OPTIONS)), grid, cv=2).fit(X, LABELS)
    assert piped.best_params_["mlpclassifier__alpha"] in (0.1, 1.0)
    mixed = {"batch_norm": [False, True], "alpha": [0.1, 1.0]}
    ours = GridSearchCV(MLPClassifier(**OPTIONS), mixed, cv=2).fit(X, LABELS)
    theirs = model_selection.GridSearchCV(MLPClassifier(**OPTIONS), mixed, cv=2).fit(X, LABELS)
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    assert together == [4]  # those without batch normalisation
    np.testing.assert_array_equal(
        cross_val_score(MLPClassifier(**OPTIONS | {"random_state": None}), X.tolist(), LABELS.tolist(), cv=2).shape,
        (2,),
    )


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_candidate_that_diverges_has_the_score_of_an_error():
    grid = {"learning_rate_init": [0.01, 1e200]}
    net = MLPClassifier(**OPTIONS | {"solver": "sgd", "activation": "identity"})
    with pytest.warns(FitFailedWarning, match="2 fits failed"):
        search = GridSearchCV(net, grid, cv=2).fit(X, LABELS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).tolist() == [True, False]
    with pytest.raises(ValueError, match="MLPClassifier: the loss of step"):
        GridSearchCV(net, grid, cv=2, error_score="raise").fit(X, LABELS)


def test_one_warning_says_how_many_trainings_have_not_converged():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 reached and 3 of 3 trainings have not converged"):
        cross_val_score(MLPClassifier(**OPTIONS | {"max_iter": 2}), X, LABELS, cv=3)
