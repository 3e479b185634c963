"""Hyper-parameter search is scikit-learn's, with a progress bar, a table, a picture, and threads shared by workers."""

import numpy as np
import pytest
from trainings import needs_native, threads

pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

import fastnn
from fastnn.estimators import ConvNetClassifier, MLPClassifier
from fastnn.estimators.search import fit_search, search_table
from fastnn.estimators.workers import share_of_threads
from fastnn.plots import search_results

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
GRID = {"learning_rate_init": [1e-5, 1e-2], "hidden_layer_sizes": [(8,), (16,)]}


@pytest.fixture(scope="module")
def letters():
    images, y = fastnn.data.glyphs(240, seed=0)
    return images.reshape(len(images), -1).astype(np.float32) / 255, y


def search(**options):
    net = MLPClassifier(max_iter=4, batch_size=40, random_state=0)
    return GridSearchCV(net, GRID, cv=2, **options)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_search_is_scikit_learns(letters, n_jobs):
    plain = search().fit(*letters)
    found = fit_search(search(n_jobs=n_jobs), *letters)
    assert found.best_params_ == plain.best_params_
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("kind", ["grid", "random"])
def test_the_bar_counts_every_fit(letters, kind, n_jobs, capsys):
    which = search(n_jobs=n_jobs)
    fits = 8
    if kind == "random":
        which, fits = RandomizedSearchCV(which.estimator, GRID, n_iter=3, cv=2, random_state=0, n_jobs=n_jobs), 6
    report = joblib.Parallel.print_progress
    fit_search(which, *letters, progress=True)
    assert f"{fits}/{fits}" in capsys.readouterr().err
    assert joblib.Parallel.print_progress is report


def test_errors_are_those_of_the_search(letters):
    x, y = letters
    with pytest.raises(ValueError, match="n_splits=500"):
        fit_search(GridSearchCV(MLPClassifier(), {"alpha": [1.0]}, cv=500), x, y, progress=True)


def test_the_table_lists_the_candidates(letters):
    with pytest.raises(NotFittedError):
        search_table(search())
    found = fit_search(search(), *letters)
    table = search_table(found)
    assert [row["rank"] for row in table] == sorted(found.cv_results_["rank_test_score"])
    assert table[0]["score"] == found.best_score_
    assert {name: table[0][name] for name in GRID} == found.best_params_
    assert table.names == ["rank", "score", "std", "seconds", "hidden_layer_sizes", "learning_rate_init"]
    assert table.to_markdown().splitlines()[0].startswith("| rank | score |")
    assert len(table.to_markdown().splitlines()) == 6
    assert table._repr_html_().count("<tr>") == 5
    assert len(str(table).splitlines()) == 5


def test_the_scores_are_drawn(letters):
    pytest.importorskip("matplotlib")
    found = fit_search(search(), *letters)
    best, mean = search_results(found, "learning_rate_init", log=True).axes[0].lines
    score = found.cv_results_["mean_test_score"]
    rate = np.array([candidate["learning_rate_init"] for candidate in found.cv_results_["params"]])
    np.testing.assert_allclose(best.get_ydata(), [score[rate == r].max() for r in (1e-5, 1e-2)])
    np.testing.assert_allclose(mean.get_ydata(), [score[rate == r].mean() for r in (1e-5, 1e-2)])
    assert len(search_results(found, "hidden_layer_sizes").axes[0].get_xticks()) == 2
    with pytest.raises(ValueError, match="parameter: expected 'hidden_layer_sizes' or 'learning_rate_init'"):
        search_results(found, "alpha")


@needs_native
def test_a_call_may_have_one_thread_while_others_have_more():
    before = fastnn.get_num_threads()
    with threads(3), fastnn.one_thread():
        with fastnn.one_thread():
            pass
        assert fastnn.get_num_threads() == 3
    assert fastnn.get_num_threads() == before


def test_only_workers_give_up_threads():
    def name():
        return type(share_of_threads()).__name__

    assert name() == "nullcontext"
    assert joblib.Parallel(1)([joblib.delayed(name)()]) == ["nullcontext"]
    assert joblib.Parallel(2, "threading")([joblib.delayed(name)()] * 2) == ["_GeneratorContextManager"] * 2


@pytest.fixture
def conv():
    return ConvNetClassifier(
        image_shape=(1, 28, 28), conv_layers=(4,), hidden_layer_sizes=(12,), max_iter=2, batch_size=48, random_state=0,
        dropout=0.3, batch_norm=True,
    )  # fmt: skip


@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "loky"])
def test_the_same_bits_in_a_worker_for_convolutions_with_dropout_and_batch_norm(letters, conv, backend):
    right = conv.fit(*letters).model_.params.tobytes()
    # a method of fastnn, because new processes cannot import what a test defines
    there = joblib.Parallel(2, backend)([joblib.delayed(clone(conv).fit)(*letters) for _ in range(3)])
    assert [net.model_.params.tobytes() for net in there] == [right] * 3


@needs_native
@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_same_bits_for_any_number_of_threads(letters, conv, count):
    right = conv.fit(*letters).model_.params.tobytes()
    with threads(count):
        assert conv.fit(*letters).model_.params.tobytes() == right


@pytest.mark.slow
def test_workers_of_dask_find_the_same(letters):
    distributed = pytest.importorskip("distributed")
    plain = search().fit(*letters)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        found = fit_search(search(n_jobs=-1), *letters, progress=True)
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])
