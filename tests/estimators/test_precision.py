"""The precision of estimators' products."""

import numpy as np
import pytest
from sklearn.base import clone
from trainings import samples

from fastnn.estimators import MLPClassifier, MLPRegressor

X, Y = samples(200, 70, 5)
X = X.astype(np.float32)
OPTIONS = {"hidden_layer_sizes": (64, 40), "max_iter": 3, "random_state": 0, "n_iter_no_change": np.inf}


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_network_is_trained_and_predicts_in_it(amx, solver):
    fitted = {name: MLPClassifier(**OPTIONS, solver=solver, precision=name).fit(X, Y) for name in ("float32", "bf16")}
    assert fitted["bf16"].model_.precision == "bf16"
    assert not np.array_equal(fitted["bf16"].coefs_[0], fitted["float32"].coefs_[0])
    np.testing.assert_allclose(fitted["bf16"].loss_curve_[0], fitted["float32"].loss_curve_[0], rtol=0.05)
    fast = MLPClassifier(**OPTIONS, solver=solver, precision="fast").fit(X, Y)
    np.testing.assert_allclose(fast.loss_curve_, fitted["float32"].loss_curve_, rtol=1e-3)


def test_it_is_checked_in_fit():
    assert clone(MLPRegressor(precision="fast3")).precision == "fast3"
    with pytest.raises(ValueError, match="MLPClassifier: precision: expected 'float32', 'fast', 'fast3' or 'bf16'"):
        MLPClassifier(precision="half").fit(X, Y)
    with pytest.raises(
        ValueError, match="MLPClassifier: precision: expected 'float32' for a model of float64, got 'fast'"
    ):
        MLPClassifier(precision="fast").fit(X.astype(np.float64), Y)
    with pytest.raises(ValueError, match="MLPClassifier: precision: expected 'float32' with n_estimators above 1"):
        MLPClassifier(precision="fast", n_estimators=2).fit(X, Y)
