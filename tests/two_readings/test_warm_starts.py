"""A warm start and a further partial fit train the network that the parameters describe, or refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import same_bits
from trainings import samples

import fastnn

pytest.importorskip("sklearn")

from fastnn.estimators import ConvNetClassifier, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = samples(60, 4, 3)
X = X.astype(np.float64)
KINDS = {"relu": "ReLU", "tanh": "Tanh", "logistic": "Sigmoid"}


def fitted(**options):
    options = {"hidden_layer_sizes": (6, 5), "max_iter": 3, "random_state": 0, "warm_start": True} | options
    return MLPClassifier(**options).fit(X, Y)


def kinds(net):
    return [type(layer).__name__ for layer in net.model_.layers]


def steps(net):
    """A network that is asked for one more epoch of tiny steps, which leave its parameters as they are."""
    return net.set_params(learning_rate_init=1e-300, solver="sgd", momentum=0, max_iter=1, alpha=0)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([*KINDS, "identity"]),
    st.sampled_from([*KINDS, "identity"]),
    st.sampled_from([0, 0.3]),
    st.booleans(),
)
def test_any_activation_and_dropout_are_taken_over_with_the_weights_that_there_are(before, after, dropout, partial):
    net = fitted(activation=before, max_iter=1)
    weights = [w.copy() for w in net.coefs_]
    steps(net.set_params(activation=after, dropout=dropout))
    net = net.partial_fit(X, Y) if partial else net.fit(X, Y)
    assert all(map(same_bits, net.coefs_, weights))
    assert kinds(net).count("Dropout") == (2 if dropout else 0)
    for name, kind in KINDS.items():
        assert kinds(net).count(kind) == (2 if name == after else 0)


def test_the_predictions_after_a_change_of_the_activation_are_those_of_the_new_network():
    net = steps(fitted().set_params(activation="tanh")).fit(X, Y)
    out = X
    for k, (w, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
        out = out @ w + b if k == 2 else np.tanh(out @ w + b)
    np.testing.assert_array_equal(net.predict(X), net.classes_[out.argmax(axis=1)])


@pytest.mark.parametrize("change", [{"hidden_layer_sizes": (6, 4)}, {"hidden_layer_sizes": (6,)}, {"batch_norm": True}])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_other_layers_are_refused_and_the_old_network_is_kept(change, call):
    net = fitted()
    before = net.predict_proba(X)
    net.set_params(**change)
    with pytest.raises(ValueError, match="is not of the layers that the parameters ask for now"):
        getattr(net, call)(X, Y)
    assert same_bits(net.predict_proba(X), before)
    net.set_params(warm_start=False).fit(X, Y)
    assert len(net.coefs_) == len(net.hidden_layer_sizes) + 1


def test_every_solver_goes_on_from_another_ones_weights():
    net = fitted(max_iter=20)
    loss = net.loss_
    for solver in ("lbfgs", "sgd", "adam"):
        assert net.set_params(solver=solver).fit(X, Y).loss_curve_[0] < 1.2 * loss


def test_fewer_more_or_other_classes_are_refused():
    net = fitted()
    for y, message in (
        (Y % 2, "warm_start: expected the classes of the last fit"),
        (Y + 1, "y has 3, which is not in classes_"),
        (np.array(["a", "b", "c"])[Y], "which is not in classes_"),
        (np.eye(3, dtype=int)[Y], "y must be labels"),
    ):
        with pytest.raises(ValueError, match=message):
            net.fit(X, y)
    assert net.classes_.tolist() == [0, 1, 2]
    assert net.set_params(warm_start=False).fit(X, Y % 2).classes_.tolist() == [0, 1]


def test_a_validation_set_may_lack_a_class():
    net = fitted()
    assert len(net.fit(X, Y, validation=(X[Y < 2], Y[Y < 2])).validation_curve_) == 3


def test_other_features_or_outputs_are_refused():
    net = MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features, but MLPRegressor is expecting 4"):
        net.fit(X[:, :3], Y)
    for call in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match=r"y must have 1 columns, got shape \(60, 2\)"):
            call(X, np.stack([Y, Y], axis=1))


def test_images_of_another_shape_or_other_filters_are_refused():
    images = np.random.default_rng(0).random((20, 8, 8))
    net = ConvNetClassifier(conv_layers=(3,), hidden_layer_sizes=(), max_iter=1, warm_start=True)
    net.fit(images, np.arange(20) % 2)
    with pytest.raises(ValueError, match="X has images"):
        net.fit(images.reshape(20, 4, 16), np.arange(20) % 2)
    for change in ({"conv_layers": (4,)}, {"pool": 1}, {"conv_layers": ((3, 5),)}):
        with pytest.raises(ValueError, match="is not of the layers"):
            net.set_params(**change).fit(images, np.arange(20) % 2)
        net.set_params(conv_layers=(3,), pool=2)


def test_double_precision_samples_are_trained_on_in_double_precision():
    net = MLPClassifier((5,), max_iter=2, random_state=0, warm_start=True).fit(X.astype(np.float32), Y)
    assert net.coefs_[0].dtype == np.float32
    first = net.loss_curve_[-1]
    assert net.fit(X, Y).coefs_[0].dtype == np.float64
    assert net.loss_curve_[0] < 1.05 * first


def test_batch_norms_statistics_are_taken_over():
    net = fitted(batch_norm=True, max_iter=30)
    state = {name: array.copy() for name, array in net.model_.state.items()}
    again = steps(net.set_params(activation="tanh")).fit(X, Y)
    for name, array in again.model_.state.items():
        assert np.abs(array - state[name]).max() < 1  # one step of a moving average away, not from 0 and 1


@pytest.mark.parametrize("solvers", [("adam", "sgd"), ("sgd", "adam")])
def test_a_partial_fit_by_another_solver_begins_its_state_afresh(solvers):
    net = fitted(solver=solvers[0]).partial_fit(X, Y).partial_fit(X, Y)
    weights = [w.copy() for w in (*net.coefs_, *net.intercepts_)]
    net.set_params(solver=solvers[1], shuffle=False).partial_fit(X, Y)
    fresh = fitted(solver=solvers[0], max_iter=1).set_params(solver=solvers[1], shuffle=False)
    for value, was in zip((*fresh.coefs_, *fresh.intercepts_), weights, strict=True):
        value[...] = was
    fresh.partial_fit(X, Y)
    assert all(map(same_bits, net.coefs_, fresh.coefs_))


def test_only_solvers_that_train_in_batches_have_a_partial_fit():
    for estimator in (MLPClassifier, MLPRegressor, ConvNetClassifier):
        assert not hasattr(estimator(solver="lbfgs"), "partial_fit")
        assert hasattr(estimator(solver="sgd"), "partial_fit")
        assert hasattr(estimator(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        MLPClassifier(solver="lbfgs").partial_fit(X, Y, classes=[0, 1, 2])


def test_a_partial_fit_goes_on_after_any_fit():
    for options in ({"early_stopping": True}, {"solver": "lbfgs"}, {"solver": "sgd", "learning_rate": "adaptive"}):
        net = fitted(**options).set_params(early_stopping=False, solver="adam").partial_fit(X, Y)
        assert net.best_loss_ <= net.loss_curve_[-1]
        assert net.validation_scores_ is None


def test_the_order_of_partial_fits_arguments_is_scikit_learns():
    import inspect

    from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier

    ours, theirs = (list(inspect.signature(c.partial_fit).parameters) for c in (MLPClassifier, SklearnMLPClassifier))
    assert ours == theirs


@pytest.mark.parametrize(
    "options", [{}, {"early_stopping": True}, {"solver": "sgd"}, {"solver": "lbfgs", "alpha": 1e300}]
)
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_a_training_that_diverges_is_a_value_error_that_says_so(estimator, options):
    net = estimator(hidden_layer_sizes=(3,), learning_rate_init=1e200, random_state=0, **options)
    with pytest.raises(ValueError, match="loss"), np.errstate(all="ignore"):
        net.fit(X * 1e150, Y)
    assert issubclass(fastnn.NonFiniteLossError, ArithmeticError)
