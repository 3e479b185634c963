"""`partial_fit` checks and compiles once for arrays of one kind, and does the same as if it did so in every call."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fastnn.estimators import MLPClassifier, MLPRegressor, arrays

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
LABELS = RNG.integers(3, size=60)
TASKS = {
    "classes": (MLPClassifier, LABELS, {"classes": [0, 1, 2]}),
    "names of two classes": (MLPClassifier, np.array(["no", "yes"])[LABELS // 2], {"classes": ["no", "yes"]}),
    "labels": (MLPClassifier, (RNG.random((60, 4)) < 0.5).astype(int), {"classes": [0, 1, 2, 3]}),
    "numbers": (MLPRegressor, RNG.normal(size=(60, 2)), {}),
    "counts": (lambda **options: MLPRegressor(loss="poisson", **options), LABELS, {}),
}
SOLVERS = {
    "adam": {},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 2},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
    "dropout": {"dropout": 0.5, "batch_norm": True, "alpha": 0.0},
}


@pytest.fixture
def checks(monkeypatch):
    """A list that grows by one with every full check of the arrays."""
    found, validate = [], arrays.validate_data

    def counted(*arguments, **options):
        found.append(arguments)
        return validate(*arguments, **options)

    monkeypatch.setattr(arrays, "validate_data", counted)
    return found


def state_of(net):
    continued = net._continued
    slots = {(name, slot): a.tobytes() for name, of in continued.slots.items() for slot, a in of.items()}
    numbers = (net.n_iter_, net.t_, net.best_loss_, net.loss_, net.loss_curve_, vars(net.progress_))
    return net.model_.params.tobytes(), slots, numbers, continued.epochs, continued.steps, continued.learning_rate


def assert_same(first, second):
    for one, other in zip(state_of(first), state_of(second), strict=True):
        assert one == other


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_pass_that_is_not_checked_again_has_the_bits_of_one_that_is(task, solver, checks):
    make, y, first = TASKS[task]
    kept, checked = (make(hidden_layer_sizes=(4,), batch_size=16, random_state=0, **SOLVERS[solver]) for _ in range(2))
    for net in (kept, checked):
        net.partial_fit(X, y, **first)
    for rows in (slice(0, 40), slice(0, 40), slice(20, 60), slice(0, 60), slice(5, 45), slice(0, 30), slice(30, 60)):
        kept.partial_fit(X[rows], y[rows])
        before = len(checks)
        checked.partial_fit(X[rows].tolist(), y[rows].tolist())
        assert len(checks) == before + 1
        assert_same(kept, checked)
    assert len(checks) == 2 + 7 + 2  # both nets once, all lists, and the first arrays of 40 and of 30 rows


def test_classes_may_be_announced_in_every_call(checks):
    net = MLPClassifier((4,), random_state=0)
    for _ in range(4):
        net.partial_fit(X, LABELS, classes=[0, 1, 2])
    assert len(checks) == 1
    with pytest.raises(ValueError, match=r"classes is \[0, 1\], but the first call had"):
        net.partial_fit(X, LABELS, classes=[0, 1])


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (lambda x, y: (np.where(x > 2, np.nan, x), y), "contains NaN"),
        (lambda x, y: (x, np.where(y == 1, 7, y)), "y has 7, which is not in classes_"),
        (lambda x, y: (x[:, 1:], y), "4 features"),
        (lambda x, y: (x, y[1:]), "inconsistent numbers of samples"),
    ],
)
def test_what_is_wrong_with_the_values_is_said_and_nothing_is_changed(bad, error):
    net = MLPClassifier((4,), random_state=0).partial_fit(X, LABELS, classes=[0, 1, 2]).partial_fit(X, LABELS)
    before = copy.deepcopy(net)
    with pytest.raises(ValueError, match=error):
        net.partial_fit(*bad(X, LABELS))
    assert_same(net, before)
    assert_same(net.partial_fit(X, LABELS), before.partial_fit(X, LABELS))


@pytest.mark.parametrize(
    "change", [{"alpha": 1.0}, {"learning_rate_init": 0.1}, {"solver": "sgd"}, {"beta_1": 0.5}, {"activation": "tanh"}]
)
def test_changed_parameters_count_in_the_next_call(change):
    first, second = (MLPClassifier((4,), random_state=0) for _ in range(2))
    for net, as_given in ((first, lambda a: a), (second, lambda a: a.tolist())):
        net.partial_fit(as_given(X), as_given(LABELS), classes=[0, 1, 2])
        for _ in range(2):
            net.partial_fit(as_given(X), as_given(LABELS))
        net.set_params(**change)
        for _ in range(3):
            net.partial_fit(as_given(X), as_given(LABELS))
    assert_same(first, second)


def test_calls_go_on_after_a_fit_a_copy_a_pickle_and_with_weights():
    def course(as_given):
        net = MLPClassifier((4,), random_state=0, max_iter=2, n_iter_no_change=99)
        x, y = as_given(X), as_given(LABELS)
        net.partial_fit(x, y, classes=[0, 1, 2]).partial_fit(x, y)
        net = copy.deepcopy(net).partial_fit(x, y).partial_fit(x, y, sample_weight=as_given(np.arange(60.0)))
        net = pickle.loads(pickle.dumps(net.partial_fit(x, y))).partial_fit(x, y)
        return net.set_params(warm_start=True).fit(x, y).partial_fit(x, y).partial_fit(x, y)

    assert_same(course(lambda a: a), course(lambda a: a.tolist()))


def test_a_pass_that_diverges_is_named_as_in_a_fit():
    net = MLPRegressor(hidden_layer_sizes=(4,), solver="sgd", random_state=0)
    y = TASKS["numbers"][1]
    net.partial_fit(X, y).partial_fit(X, y)
    with pytest.raises(ValueError, match=r"MLPRegressor: .*the loss of step 3 is inf"):
        net.partial_fit(X, y * 1e200)
    net.model_.params[...] = 1e-300  # from which a step goes on, although the last one was refused
    assert net.partial_fit(X, y).n_iter_ == 3
