"""A call that is written for scikit-learn's networks says the same to ours, by position and by name."""

import inspect

import pytest

pytest.importorskip("sklearn")

from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor

from fastnn.estimators import MLPClassifier, MLPRegressor

PAIRS = [(MLPClassifier, SklearnMLPClassifier), (MLPRegressor, SklearnMLPRegressor)]
METHODS = ["fit", "partial_fit", "predict", "score", "predict_proba", "predict_log_proba"]
BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def parameters_of(function):
    return {name: p for name, p in inspect.signature(function).parameters.items() if name != "self"}


def by_position(parameters):
    return [name for name, p in parameters.items() if p.kind in BY_POSITION]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_constructor_takes_what_scikit_learns_takes(ours, theirs):
    own, wanted = parameters_of(ours), parameters_of(theirs)
    assert {name: own[name].default for name in wanted} == {name: p.default for name, p in wanted.items()}
    assert by_position(own) == by_position(wanted)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("method", METHODS)
def test_the_methods_take_what_scikit_learns_take(ours, theirs, method):
    if not hasattr(theirs(), method):
        assert not hasattr(ours(), method)
        return
    own, wanted = parameters_of(getattr(ours(), method)), parameters_of(getattr(theirs(), method))
    assert {name: own[name].default for name in wanted} == {name: p.default for name, p in wanted.items()}
    # what we take beyond that comes behind
    assert by_position(own)[: len(by_position(wanted))] == by_position(wanted)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_fitted_network_has_scikit_learns_attributes(ours, theirs):
    x, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]
    for options in ({}, {"solver": "lbfgs"}, {"early_stopping": True, "validation_fraction": 0.5}):
        fitted = [cls(max_iter=1, **options) for cls in (ours, theirs)]
        learnt = [{name for name in vars(net.fit(x, y)) if name.endswith("_")} for net in fitted]
        assert learnt[1] - learnt[0] == set()


def test_hidden_layers_in_the_place_of_the_loss_are_refused():
    with pytest.raises(ValueError, match=r"MLPRegressor: loss: expected 'squared_error' or 'poisson', got \(20,\)"):
        MLPRegressor((20,)).fit([[0.0], [1.0]], [0.0, 1.0])
