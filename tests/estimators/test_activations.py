"""The estimators take every activation that architecture strings know."""

import numpy as np
import pytest

from fastnn.architecture import ACTIVATIONS
from fastnn.estimators import MLPClassifier, MLPRegressor


@pytest.mark.filterwarnings("ignore:.*max_iter")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_classifier_learns_with_every_activation(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 6))
    y = np.where(x[:, 0] + x[:, 1] > 0, "yes", "no")
    model = MLPClassifier((12,), activation=name, max_iter=60, learning_rate_init=0.02, random_state=1).fit(x, y)
    assert model.score(x, y) > 0.9
    assert type(model.model_.layers[1]) is ACTIVATIONS[name]


@pytest.mark.filterwarnings("ignore:.*max_iter")
def test_the_slope_of_prelu_is_learned():
    x = np.linspace(-1, 1, 200)[:, None]
    net = MLPRegressor(hidden_layer_sizes=(8,), activation="prelu", max_iter=50, random_state=0).fit(x, np.abs(x[:, 0]))
    assert net.model_.parameters["prelu1.slope"][0] != np.float32(0.25)


@pytest.mark.filterwarnings("ignore:.*max_iter")
def test_logistic_and_sigmoid_are_the_same():
    x, y = np.random.default_rng(1).normal(size=(40, 3)), np.arange(40) % 2
    one, other = (
        MLPClassifier((4,), activation=name, max_iter=3, random_state=0).fit(x, y) for name in ("logistic", "sigmoid")
    )
    np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))


def test_an_unknown_activation_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match=r"MLPClassifier: activation: expected .*'mish'.*, got 'swishy'"):
        MLPClassifier(activation="swishy").fit([[0.0], [1.0]], [0, 1])
