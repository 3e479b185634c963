"""What NumPy does about its floating-point errors is the caller's choice, and changes no result."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import LOSSES, mlp, samples

import fastnn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = samples(40, 4, 3)
TINY = 5e-324


INPUTS = [X * factor for factor in (1.0, 1e-310)]
WEIGHTS = np.r_[TINY, 1e-200, np.ones(38)]


def results(**state):
    found = []
    with np.errstate(**state):
        for loss, targets in LOSSES.values():
            for dtype in ("float32", "float64"):
                y = targets(Y, 3)
                y = np.where(y == 0, TINY, y) if y.dtype.kind == "f" else y
                for x in INPUTS:
                    model = mlp(4, 5, 3, dtype=dtype)
                    options = {"epochs": 2, "clip_norm": 0.1, "metrics": {"mean": lambda targets, out: out.mean()}}
                    trainer = fastnn.Trainer(model, loss=loss, optimizer="adam", progress=False, **options)
                    history = trainer.fit(x, y, validation=0.2, sample_weight=WEIGHTS)
                    found += [model.params, model.predict(x), model.forward(x), history.steps]
                    found += [np.array([model.evaluate(x, y, loss)["loss"]])]
    return found


def test_a_training_on_tiny_numbers_is_the_same_in_every_error_state():
    assert all(map(same_bits, results(all="raise"), results(all="ignore")))


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_estimators_train_in_every_error_state(solver):
    pytest.importorskip("sklearn")
    from fastnn.estimators import MLPClassifier, MLPRegressor

    for estimator, y in ((MLPClassifier, Y), (MLPClassifier, Y % 2), (MLPRegressor, np.where(Y, TINY, 1.0))):
        for x in INPUTS:
            nets = []
            for state in ("raise", "ignore"):
                net = estimator(hidden_layer_sizes=(3,), solver=solver, max_iter=4, random_state=0)
                with np.errstate(all=state):
                    nets.append(net.fit(x, y, sample_weight=WEIGHTS))
                    net.predict(x)
            assert all(map(same_bits, nets[0].coefs_, nets[1].coefs_))
