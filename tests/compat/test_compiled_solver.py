"""A solver that trains an unmodified network takes compiled steps, with the results of its functions."""

import numpy as np
import pytest
from trainings import needs_native

import fastnn
from fastnn.compat import cs189
from fastnn.compat.cs231n.classifiers.cnn import ThreeLayerConvNet
from fastnn.compat.cs231n.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from fastnn.compat.cs231n.solver import Solver

pytestmark = needs_native
RULES = {
    "sgd": {"learning_rate": 0.05},
    "sgd_momentum": {"learning_rate": 0.01, "momentum": 0.8},
    "rmsprop": {"learning_rate": 1e-3, "decay_rate": 0.95},
    "adam": {"learning_rate": 1e-3, "beta1": 0.8},
}


class PlainSolver(Solver):
    """Is not the hand-out's class, so it calls functions."""


class PlainMeasuringFirst(cs189.Solver):
    """The same for the other hand-out."""


def data(shape=(3, 6, 6), count=90, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(count + 30, *shape)), rng.integers(4, size=count + 30)
    return {"X_train": x[:count], "y_train": y[:count], "X_val": x[count:], "y_val": y[count:]}


def trained(kind, make, sets, times=1, **options):
    np.random.seed(7)
    solver = kind(make(), sets, verbose=False, **options)
    for _ in range(times):
        solver.train()
    return solver


def assert_same(compiled, plain, bound=1e-12):
    assert (compiled.compiled, plain.compiled) == (True, False)
    assert compiled.train_acc_history == plain.train_acc_history
    assert compiled.val_acc_history == plain.val_acc_history
    np.testing.assert_allclose(compiled.loss_history, plain.loss_history, rtol=bound, atol=bound)
    for name, value in plain.model.params.items():
        np.testing.assert_allclose(compiled.model.params[name], value, rtol=1e-9, atol=1e-10, err_msg=name)
    assert compiled.optim_configs.keys() == plain.optim_configs.keys()
    for name, config in plain.optim_configs.items():
        assert compiled.optim_configs[name].keys() == config.keys()
        for key, value in config.items():
            np.testing.assert_allclose(compiled.optim_configs[name][key], value, rtol=1e-9, atol=1e-10, err_msg=key)


@pytest.mark.parametrize("rule", RULES)
def test_histories_parameters_and_state_are_those_of_the_functions(rule):
    options = {"update_rule": rule, "optim_config": RULES[rule], "lr_decay": 0.9, "batch_size": 16, "num_epochs": 4}
    networks = {
        "plain": lambda: FullyConnectedNet([12, 9], 108, 4, reg=0.3, weight_scale=0.1, dtype=np.float64),
        "batchnorm": lambda: FullyConnectedNet(
            [12, 9], 108, 4, normalization="batchnorm", weight_scale=0.1, dtype=np.float64
        ),
        "layernorm": lambda: FullyConnectedNet(
            [12], 108, 4, normalization="layernorm", reg=0.1, weight_scale=0.1, dtype=np.float64
        ),
        "two layers": lambda: TwoLayerNet(108, 10, 4, weight_scale=0.1, reg=0.2),
        "convolution": lambda: ThreeLayerConvNet((3, 6, 6), 4, 3, 8, 4, weight_scale=0.1, reg=0.2, dtype=np.float64),
    }
    for make in networks.values():
        sets = data()
        sets["y_train"] = sets["y_train"].astype(np.int32)
        assert_same(trained(Solver, make, sets, **options), trained(PlainSolver, make, sets, **options))


def test_the_weights_that_the_other_hand_out_adds_to_its_gradients_are_added():
    def make():
        return cs189.FullyConnectedNet(108, [12], 4)

    options = {"optim_config": {"learning_rate": 1e-3}, "lr_decay": 0.95, "batch_size": 4, "num_epochs": 3}
    compiled = trained(cs189.Solver, make, data(), **options)
    assert_same(compiled, trained(PlainMeasuringFirst, make, data(), **options))
    assert len(compiled.val_acc_history) == 4  # before training and after each epoch


def test_running_statistics_are_those_of_the_functions():
    def make():
        return FullyConnectedNet([7], 108, 4, normalization="batchnorm", dtype=np.float64)

    both = [trained(kind, make, data(), batch_size=10, num_epochs=2) for kind in (Solver, PlainSolver)]
    for key in ("running_mean", "running_var"):
        np.testing.assert_allclose(*(solver.model.bn_params[0][key] for solver in both), rtol=1e-10, err_msg=key)


def test_a_second_call_of_train_continues_with_the_state():
    def make():
        return FullyConnectedNet([7], 108, 4, dtype=np.float64)

    options = {"update_rule": "adam", "batch_size": 10, "num_epochs": 2}
    assert_same(*(trained(kind, make, data(), times=2, **options) for kind in (Solver, PlainSolver)))


def test_what_is_printed_is_the_same(capsys):
    printed = []
    for kind in (Solver, PlainSolver):
        np.random.seed(0)
        kind(
            FullyConnectedNet([5], 108, 4, dtype=np.float64), data(), print_every=4, num_epochs=2, batch_size=9
        ).train()
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert printed[0].count("(Iteration") == 5


def test_single_precision_is_trained_in_single_precision():
    solver = trained(Solver, lambda: FullyConnectedNet([5], 108, 4), data(), batch_size=9, num_epochs=2)
    plain = trained(PlainSolver, lambda: FullyConnectedNet([5], 108, 4), data(), batch_size=9, num_epochs=2)
    assert solver.compiled
    assert solver.model.params["W1"].dtype == np.float32
    np.testing.assert_allclose(solver.loss_history, plain.loss_history, rtol=1e-5)


def own_loss(net):
    of_the_class = net.loss
    net.loss = lambda X, y=None: of_the_class(X, y)
    return net


class OwnNetwork(FullyConnectedNet):
    """A subclass."""


def different_rates(solver):
    solver.optim_configs["W1"]["learning_rate"] = 0.5


@pytest.mark.parametrize(
    "make",
    [
        lambda: OwnNetwork([5], 108, 4),
        lambda: own_loss(FullyConnectedNet([5], 108, 4)),
        lambda: FullyConnectedNet([5], 108, 4, dropout_keep_ratio=0.7),
    ],
    ids=["a subclass", "a loss of one's own", "dropout"],
)
def test_other_networks_are_trained_by_their_functions(make):
    solver = trained(Solver, make, data(), batch_size=9, num_epochs=1)
    assert solver.compiled is False
    assert len(solver.loss_history) == 10


def test_an_update_rule_of_ones_own_or_settings_for_one_parameter_are_obeyed():
    def make(change):
        np.random.seed(0)
        solver = Solver(FullyConnectedNet([5], 108, 4), data(), num_epochs=1, verbose=False)
        change(solver)
        solver.train()
        return solver

    seen = []

    def rule(w, dw, config):
        seen.append(w.shape)
        return w, config | {"learning_rate": 0.0}

    assert make(lambda solver: setattr(solver, "update_rule", rule)).compiled is False
    assert len(seen) == 4
    assert make(different_rates).compiled is False
    assert make(lambda solver: solver.model.params.update(b1=np.zeros(5))).compiled is False  # in double precision


def test_another_backend_calls_the_functions():
    with fastnn.use_backend("reference"):
        assert trained(Solver, lambda: FullyConnectedNet([5], 108, 4), data(), batch_size=9).compiled is False


def test_batches_and_samples_are_drawn_as_one_by_one():
    np.random.seed(3)
    one_by_one = [np.random.choice(1000, 7) for _ in range(50)]
    np.random.seed(3)
    np.testing.assert_array_equal(np.random.choice(1000, (50, 7)), one_by_one)


def test_a_loss_that_is_not_finite_stops_nothing():
    def make():
        return FullyConnectedNet([5], 108, 4, dtype=np.float64)

    with np.errstate(all="ignore"):
        solver = trained(Solver, make, data(), optim_config={"learning_rate": 1e200}, batch_size=9, num_epochs=2)
    assert solver.compiled
    assert len(solver.loss_history) == 20
    assert not np.isfinite(solver.loss_history[-1])
