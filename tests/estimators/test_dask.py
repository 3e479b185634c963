"""Populations on a Dask cluster of two workers: the same bits as in this process."""

import joblib
import numpy as np
import pytest
from populations import LABELS, X, assert_same, fit
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

import fastnn
from fastnn.estimators import GridSearchCV, MLPClassifier, cross_val_score
from fastnn.population import joined

distributed = pytest.importorskip("distributed")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

GRID = {"hidden_layer_sizes": [(8,), (12,)], "alpha": [1e-4, 1e-1], "learning_rate_init": [1e-3, 1e-2, 3e-2]}
OPTIONS = {"max_iter": 4, "random_state": 0, "early_stopping": True}


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return (x / 16)[:600], y[:600]


def search(**options):
    return GridSearchCV(MLPClassifier(**OPTIONS | options), GRID, cv=3)


@pytest.fixture
def counted(monkeypatch):
    """The sizes of the parts that are sent to workers."""
    sizes = []
    from fastnn.estimators import together

    delayed = together.joblib.delayed

    def counting(function):
        def call(trainings):
            sizes.append(len(trainings))
            return delayed(function)(trainings)

        return call

    monkeypatch.setattr(together.joblib, "delayed", counting)
    return sizes


def test_a_search_sends_groups_and_finds_the_same(client, digits, counted):
    plain = search().fit(*digits)
    assert not counted
    with joblib.parallel_config("dask"), pytest.warns(ConvergenceWarning, match="trainings have not converged"):
        found = search().fit(*digits)
    assert sum(counted) == 12 * 3
    assert len(counted) <= 4  # two architectures of 18 members, whose blocks have 16
    for name in ("mean_test_score", "split0_test_score", "rank_test_score"):
        np.testing.assert_array_equal(found.cv_results_[name], plain.cv_results_[name])
    assert found.best_params_ == plain.best_params_
    np.testing.assert_array_equal(found.predict_proba(digits[0]), plain.predict_proba(digits[0]))


def test_cross_validation_finds_the_same(client, digits, counted):
    net = MLPClassifier((8,), **OPTIONS)
    plain = cross_val_score(net, *digits, cv=4)
    with joblib.parallel_config("dask"):
        found = cross_val_score(net, *digits, cv=4)
    assert sum(counted) == 4
    np.testing.assert_array_equal(found, plain)


def test_fits_that_cannot_go_in_step_are_left_to_scikit_learn(client, digits, counted):
    with joblib.parallel_config("dask"):
        found = GridSearchCV(MLPClassifier((8,), **OPTIONS), {"batch_norm": [False, True]}, cv=2).fit(*digits)
    assert not counted
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()


def test_a_diverged_fit_is_reported(client, digits, counted):
    grid = {"learning_rate_init": [1e-3, 1e30]}
    net = MLPClassifier((8,), solver="sgd", max_iter=4, random_state=0)
    with joblib.parallel_config("dask"), pytest.warns(RuntimeWarning, match="is not finite"):
        found = GridSearchCV(net, grid, cv=2, refit=False).fit(digits[0] * 1e3, digits[1])
    assert sum(counted) == 4
    assert np.isnan(found.cv_results_["mean_test_score"][1])


def test_parts_of_a_population_are_joined_to_the_bits_of_the_whole(client):
    def part(seeds, x, y):
        import fastnn
        from fastnn.layers import Dense, Dropout, ReLU

        model = fastnn.Sequential([Dense(7), ReLU(), Dropout(0.25), Dense(3)], input_shape=(6,))
        options = {"optimizer": "adam", "epochs": 3, "batch_size": 16, "progress": False}
        return fastnn.fit_many(model, x, y, seeds=seeds, **options)

    parts = client.gather(client.map(part, [range(0, 20), range(20, 37)], x=X, y=LABELS))
    assert_same(joined(parts), fit(range(37)))
    assert isinstance(joined(parts)[36], fastnn.Sequential)
