"""From equal weights and with equal batches, a training ends where scikit-learn's ends."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor

from fastnn.estimators import MLPClassifier, MLPRegressor, arrays
from fastnn.estimators.holdout import hold_out

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(1)
X = RNG.standard_normal((103, 5))  # the last of six batches has 3 samples
COUNTS = RNG.poisson(np.exp(X[:, :2]))
TASKS = {
    "one number": ("regressor", {}, np.sin(X[:, 0]) + X[:, 1]),
    "three numbers": ("regressor", {}, np.c_[np.sin(X[:, 0]), X[:, 1], X[:, 2] ** 2]),
    "one count": ("regressor", {"loss": "poisson"}, COUNTS[:, 0]),
    "two counts": ("regressor", {"loss": "poisson"}, COUNTS),
    "two classes": ("classifier", {}, np.where(X[:, 0] > X[:, 1], "yes", "no")),
    "three classes": ("classifier", {}, np.digitize(X[:, 0] + 0.3 * X[:, 1], [-0.5, 0.5])),
    "four labels": ("classifier", {}, (X[:, :4] + 0.3 * X[:, 1:5] > 0).astype(int)),
}
SOLVERS = {
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "adam, large epsilon": {"solver": "adam", "epsilon": 1e-2, "beta_1": 0.8, "beta_2": 0.9},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.02, "momentum": 0.0},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.01, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.01},
    "momentum of 1": {"solver": "sgd", "learning_rate_init": 1e-4, "momentum": 1.0},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.01, "tol": 0.05},
}
KINDS = {
    "regressor": (MLPRegressor, SklearnMLPRegressor),
    "classifier": (MLPClassifier, SklearnMLPClassifier),
}
every_task = pytest.mark.parametrize("task", TASKS)
every_solver = pytest.mark.parametrize("solver", SOLVERS)


def both(task, **options):
    """Our estimator and scikit-learn's with the same parameters, and the targets."""
    kind, own, y = TASKS[task]
    parameters = {
        "hidden_layer_sizes": (7, 4),
        "activation": "tanh",
        "batch_size": 20,
        "shuffle": False,
        "random_state": 3,
        "max_iter": 12,
        "n_iter_no_change": 2,
    }
    ours, theirs = KINDS[kind]
    return ours(**parameters | own | options), theirs(**parameters | own | options), y


def assert_equal(ours, theirs, atol=1e-9):
    for one, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def assert_the_same_course(ours, theirs):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-9)
    if theirs.best_loss_ is None:
        assert ours.best_loss_ is None
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-9)
    else:
        np.testing.assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=1e-9)


@every_task
@every_solver
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_fit_and_the_one_that_goes_on_from_it(task, solver, alpha):
    ours, theirs, y = both(task, alpha=alpha, warm_start=True, **SOLVERS[solver])
    for _ in range(2):
        ours.fit(X, y)
        theirs.fit(X, y)
        assert_equal(ours, theirs)
        assert_the_same_course(ours, theirs)


@pytest.mark.parametrize("task", TASKS)
@every_solver
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_early_stopping_and_the_fit_that_goes_on_from_it(task, solver, alpha, monkeypatch):
    if task == "three classes":  # scikit-learn does not keep the balance of more than two classes
        monkeypatch.setattr(
            arrays, "hold_out", lambda owner, n, share, _, random: hold_out(owner, n, share, None, random)
        )
    ours, theirs, y = both(task, alpha=alpha, warm_start=True, early_stopping=True, **SOLVERS[solver])
    for _ in range(3):
        ours.fit(X, y)
        theirs.fit(X, y)
        assert_equal(ours, theirs)
        assert_the_same_course(ours, theirs)


@every_task
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_the_first_weights_are_scikit_learns(task, activation):
    ours, theirs, y = both(task, activation=activation, max_iter=1, solver="sgd", learning_rate_init=1e-300)
    assert_equal(ours.fit(X, y), theirs.fit(X, y), atol=0)


@every_task
@every_solver
def test_partial_fits_of_any_sizes_after_a_fit(task, solver):
    ours, theirs, y = both(task, **SOLVERS[solver])
    ours.fit(X, y)
    theirs.fit(X, y)
    for size in (103, 40, 77, 77, 77, 77, 77):
        ours.partial_fit(X[:size], y[:size])
        theirs.partial_fit(X[:size], y[:size])
        assert_equal(ours, theirs)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


@every_task
def test_partial_fits_from_the_beginning(task):
    ours, theirs, y = both(task, solver="adam", epsilon=1e-3, alpha=0.5)
    options = {} if TASKS[task][0] == "regressor" else {"classes": np.arange(4) if y.ndim == 2 else np.unique(y)}
    for size in (103, 103, 103, 103):
        ours.partial_fit(X[:size], y[:size], **options)
        theirs.partial_fit(X[:size], y[:size], **options)
        assert_equal(ours, theirs)


@pytest.mark.parametrize("task", [task for task in TASKS if task != "three numbers"])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_lbfgs(task, alpha):
    ours, theirs, y = both(task, solver="lbfgs", alpha=alpha, max_iter=15, tol=1e-10)
    assert_equal(ours.fit(X, y), theirs.fit(X, y), atol=1e-3)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-5)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_lbfgs_without_hidden_layers_is_ridge_regression(outputs, alpha):
    x = np.random.default_rng(0).standard_normal((50, 3))
    y = x @ np.array([[3.0, -2.0, 1.0], [1.0, 0.0, 1.0], [0.0, 2.0, -1.0]])[:, :outputs]
    net = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=alpha, tol=1e-10, max_iter=9999, random_state=0)
    net.fit(x, y[:, 0] if outputs == 1 else y)
    wanted = Ridge(alpha).fit(x, y)
    np.testing.assert_allclose(net.coefs_[0], wanted.coef_.reshape(outputs, 3).T, atol=1e-6)
    errors, squares = y - wanted.predict(x).reshape(y.shape), (wanted.coef_**2).sum()
    np.testing.assert_allclose(net.loss_, (errors**2).mean() / 2 + alpha / 2 * squares / 50, rtol=1e-6)


def test_ridge_regression_in_numbers():
    x = np.random.default_rng(0).standard_normal((50, 3))
    net = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=10.0, tol=1e-10, max_iter=9999)
    net.fit(x, x @ [3.0, -2.0, 1.0])
    np.testing.assert_allclose(net.coefs_[0][:, 0], [2.5602, -1.5090, 0.8866], atol=5e-5)


def test_alpha_of_several_labels_is_the_inverse_of_c():
    _, _, y = TASKS["four labels"]
    net = MLPClassifier((), solver="lbfgs", alpha=1.0, tol=1e-10, max_iter=9999, random_state=0).fit(X, y)
    wanted = [LogisticRegression(C=1.0, tol=1e-10, max_iter=9999).fit(X, labels).coef_[0] for labels in y.T]
    np.testing.assert_allclose(net.coefs_[0], np.transpose(wanted), atol=1e-4)


def test_counts_are_predicted_by_their_means():
    ours, theirs, y = both("two counts", solver="adam", learning_rate_init=0.01)
    ours.fit(X, y)
    theirs.fit(X, y)
    assert ours.out_activation_ == theirs.out_activation_ == "exp"
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y))


def test_blocks_of_a_large_batch_are_penalised_once():
    x = np.random.default_rng(2).standard_normal((2600, 4))
    y = x @ [1.0, 2.0, 0.0, -1.0]
    options = {
        "hidden_layer_sizes": (5,),
        "solver": "sgd",
        "batch_size": 1500,
        "alpha": 100.0,
        "shuffle": False,
        "random_state": 0,
        "max_iter": 5,
    }
    ours, theirs = MLPRegressor(**options).fit(x, y), SklearnMLPRegressor(**options).fit(x, y)
    assert_equal(ours, theirs)
    assert_the_same_course(ours, theirs)


def test_lbfgs_in_blocks_and_in_float32():
    x = np.random.default_rng(2).standard_normal((1700, 4))
    y = (x[:, 0] > x[:, 1]).astype(int)
    options = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 10.0, "tol": 1e-6, "random_state": 0}
    for dtype, atol in (("f8", 1e-3), ("f4", 1e-2)):
        ours, theirs = MLPClassifier(**options), SklearnMLPClassifier(**options)
        assert_equal(ours.fit(x.astype(dtype), y), theirs.fit(x.astype(dtype), y), atol)


@pytest.mark.parametrize("change", [{"early_stopping": True}, {"solver": "adam"}, {"solver": "lbfgs"}])
def test_parameters_that_change_between_two_fits_of_one_network(change):
    net, _, y = both("one number", solver="sgd", warm_start=True)
    net.fit(X, y)
    before = net.loss_curve_[-1]
    net.set_params(**change).fit(X, y)
    assert net.loss_curve_[-1] < before * 1.5
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        net.set_params(solver="sgd", early_stopping=False).fit(X, y)
