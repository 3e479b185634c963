"""The CS231n hand-out passes the checks of its notebooks, with their bounds."""

import numpy as np
import pytest

from fastnn.compat.cs231n import fast_layers, gradient_check, im2col, layer_utils, layers, optim
from fastnn.compat.cs231n.classifiers.cnn import ThreeLayerConvNet
from fastnn.compat.cs231n.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from fastnn.compat.cs231n.classifiers.linear_classifier import LinearSVM, Softmax
from fastnn.compat.cs231n.gradient_check import (
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    grad_check_sparse,
    rel_error,
)
from fastnn.compat.cs231n.solver import Solver


@pytest.fixture
def rng():
    return np.random.default_rng(231)


def check(forward, backward, arguments, dout, bound):
    """Compare analytic and numerical gradients of all arguments."""
    _, cache = forward(*arguments)
    gradients = backward(dout, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for place, gradient in enumerate(gradients):

        def f(x, place=place):
            return forward(*arguments[:place], x, *arguments[place + 1 :])[0]

        numerical = eval_numerical_gradient_array(f, arguments[place], dout)
        assert rel_error(gradient, numerical) < bound


def test_affine_forward_gives_the_notebooks_numbers():
    x = np.linspace(-0.1, 0.5, num=2 * 4 * 5 * 6).reshape(2, 4, 5, 6)
    w = np.linspace(-0.2, 0.3, num=4 * 5 * 6 * 3).reshape(120, 3)
    out, _ = layers.affine_forward(x, w, np.linspace(-0.3, 0.1, num=3))
    correct = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
    assert rel_error(out, np.array(correct)) < 1e-8


def test_affine_relu_and_both_have_right_gradients(rng):
    x, w, b = rng.normal(size=(10, 2, 3)), rng.normal(size=(6, 5)), rng.normal(size=5)
    check(layers.affine_forward, layers.affine_backward, [x, w, b], rng.normal(size=(10, 5)), 1e-7)
    check(layers.relu_forward, layers.relu_backward, [x], rng.normal(size=x.shape), 1e-8)
    check(layer_utils.affine_relu_forward, layer_utils.affine_relu_backward, [x, w, b], rng.normal(size=(10, 5)), 1e-6)


@pytest.mark.parametrize(("name", "expected"), [("svm_loss", 9.0), ("softmax_loss", 2.3)])
def test_losses_and_their_gradients_are_right(rng, name, expected):
    x, y = 0.001 * rng.normal(size=(50, 10)), rng.integers(10, size=50)
    function = getattr(layers, name)
    loss, dx = function(x, y)
    assert loss == pytest.approx(expected, abs=0.01)
    assert rel_error(dx, eval_numerical_gradient(lambda x: function(x, y)[0], x, verbose=False)) < 1e-7


def test_convolution_forward_gives_the_notebooks_numbers():
    x = np.linspace(-0.1, 0.5, num=2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    w = np.linspace(-0.2, 0.3, num=3 * 3 * 4 * 4).reshape(3, 3, 4, 4)
    out, _ = layers.conv_forward_naive(x, w, np.linspace(-0.1, 0.2, num=3), {"stride": 2, "pad": 1})
    correct = [
        [
            [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
            [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
            [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
        ],
        [
            [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
            [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
            [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
        ],
    ]
    assert rel_error(out, np.array(correct)) < 2.3e-8


def test_convolution_has_right_gradients(rng):
    x, w, b = rng.normal(size=(4, 3, 5, 5)), rng.normal(size=(2, 3, 3, 3)), rng.normal(size=2)
    param = {"stride": 1, "pad": 1}
    forward = fast_layers.conv_forward_fast
    check(lambda *a: forward(*a, param), fast_layers.conv_backward_fast, [x, w, b], rng.normal(size=(4, 2, 5, 5)), 1e-6)


def test_max_pool_forward_gives_the_notebooks_numbers():
    x = np.linspace(-0.3, 0.4, num=2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    out, _ = layers.max_pool_forward_naive(x, {"pool_width": 2, "pool_height": 2, "stride": 2})
    corner = [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]]
    assert rel_error(out[0, 0], np.array(corner)) < 4.2e-8


def test_max_pool_has_the_right_gradient(rng):
    x, param = rng.normal(size=(3, 2, 8, 8)), {"pool_height": 2, "pool_width": 2, "stride": 2}
    forward = layers.max_pool_forward_naive
    check(lambda x: forward(x, param), layers.max_pool_backward_naive, [x], rng.normal(size=(3, 2, 4, 4)), 1e-10)


def test_sequences_of_layers_have_right_gradients(rng):
    x, w, b = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(3, 3, 3, 3)), rng.normal(size=3)
    conv, pool = {"stride": 1, "pad": 1}, {"pool_height": 2, "pool_width": 2, "stride": 2}
    forward, backward = layer_utils.conv_relu_pool_forward, layer_utils.conv_relu_pool_backward
    check(lambda *a: forward(*a, conv, pool), backward, [x, w, b], rng.normal(size=(2, 3, 4, 4)), 1e-5)
    gamma, beta = rng.normal(size=3), rng.normal(size=3)
    forward, backward = layer_utils.conv_bn_relu_forward, layer_utils.conv_bn_relu_backward
    arguments = [x, w, b, gamma, beta]
    out, cache = forward(*arguments, conv, {"mode": "train"})
    dx, dw, db, dgamma, dbeta = backward(np.ones_like(out), cache)
    assert [g.shape for g in (dx, dw, db, dgamma, dbeta)] == [a.shape for a in arguments]


def test_batch_norm_centres_scales_and_uses_its_averages(rng):
    a = rng.normal(size=(200, 3)) * [1, 2, 3] + [4, 5, 6]
    param = {"mode": "train"}
    out, _ = layers.batchnorm_forward(a, np.array([1.0, 2, 3]), np.array([11.0, 12, 13]), param)
    np.testing.assert_allclose(out.mean(0), [11, 12, 13], atol=1e-9)
    np.testing.assert_allclose(out.std(0), [1, 2, 3], rtol=1e-4)
    np.testing.assert_allclose(param["running_mean"], 0.1 * a.mean(0), rtol=1e-12)
    np.testing.assert_allclose(param["running_var"], 0.1 * a.var(0), rtol=1e-12)
    for _ in range(300):
        layers.batchnorm_forward(a, np.ones(3), np.zeros(3), param)
    before = {key: np.copy(value) for key, value in param.items()}
    param["mode"] = "test"
    out, _ = layers.batchnorm_forward(a, np.ones(3), np.zeros(3), param)
    np.testing.assert_allclose([out.mean(0), out.std(0)], [[0] * 3, [1] * 3], atol=1e-4)
    assert all(np.array_equal(before[key], param[key]) for key in ("running_mean", "running_var"))


@pytest.mark.parametrize("mode", ["train", "test"])
@pytest.mark.parametrize("backward", ["batchnorm_backward", "batchnorm_backward_alt"])
def test_batch_norm_has_right_gradients(rng, backward, mode):
    x, gamma, beta = 5 * rng.normal(size=(4, 5)) + 12, rng.normal(size=5), rng.normal(size=5)
    averages = {"running_mean": rng.normal(size=5), "running_var": rng.random(5) + 0.5}

    def forward(x, gamma, beta):
        return layers.batchnorm_forward(x, gamma, beta, {"mode": mode} | {k: v.copy() for k, v in averages.items()})

    check(forward, getattr(layers, backward), [x, gamma, beta], rng.normal(size=(4, 5)), 1e-7)


def test_layer_norm_normalises_and_has_right_gradients(rng):
    x, gamma, beta = 5 * rng.normal(size=(4, 5)) + 12, rng.normal(size=5), rng.normal(size=5)
    out, _ = layers.layernorm_forward(x, np.ones(5), np.zeros(5), {})
    np.testing.assert_allclose([out.mean(1), out.std(1)], [[0] * 4, [1] * 4], atol=1e-5)
    forward, backward = layers.layernorm_forward, layers.layernorm_backward
    check(lambda *a: forward(*a, {}), backward, [x, gamma, beta], rng.normal(size=(4, 5)), 1e-7)


def test_spatial_norms_normalise_and_have_right_gradients(rng):
    x, dout = 5 * rng.normal(size=(2, 6, 4, 5)) + 12, rng.normal(size=(2, 6, 4, 5))
    gamma, beta = rng.normal(size=6), rng.normal(size=6)
    out, _ = layers.spatial_batchnorm_forward(x, np.ones(6), np.zeros(6), {"mode": "train"})
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=1e-9)
    forward, backward = layers.spatial_batchnorm_forward, layers.spatial_batchnorm_backward
    check(lambda *a: forward(*a, {"mode": "train"}), backward, [x, gamma, beta], dout, 1e-6)
    forward, backward = layers.spatial_groupnorm_forward, layers.spatial_groupnorm_backward
    gamma, beta = gamma.reshape(1, 6, 1, 1), beta.reshape(1, 6, 1, 1)
    check(lambda *a: forward(*a, 2, {}), backward, [x, gamma, beta], dout, 1e-6)


@pytest.mark.parametrize("p", [0.25, 0.4, 0.7])
def test_p_of_dropout_is_the_fraction_that_is_kept(rng, p):
    x = rng.normal(size=(500, 500)) + 10
    np.random.seed(1)
    out, cache = layers.dropout_forward(x, {"mode": "train", "p": p})
    assert (out == 0).mean() == pytest.approx(1 - p, abs=0.01)
    assert out.mean() == pytest.approx(10, rel=0.02)
    np.testing.assert_array_equal(layers.dropout_backward(np.ones_like(x), cache) == 0, out == 0)
    out, _ = layers.dropout_forward(x, {"mode": "test", "p": p})
    assert out is x or np.array_equal(out, x)


def test_a_seed_repeats_the_mask(rng):
    x, param = np.ones((5, 5)), {"mode": "train", "p": 0.5, "seed": 123}
    first, _ = layers.dropout_forward(x, param)
    np.testing.assert_array_equal(first, layers.dropout_forward(x, param)[0])


def test_columns_of_windows_are_in_the_hand_outs_order(rng):
    x = rng.normal(size=(3, 2, 5, 6))
    k, i, j = im2col.get_im2col_indices(x.shape, 3, 2, padding=1, stride=2)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = padded[:, k, i, j].transpose(1, 2, 0).reshape(k.shape[0], -1)
    columns = im2col.im2col_indices(x, 3, 2, padding=1, stride=2)
    np.testing.assert_array_equal(columns, expected)
    y = rng.normal(size=columns.shape)
    back = im2col.col2im_indices(y, x.shape, 3, 2, padding=1, stride=2)
    assert np.sum(columns * y) == pytest.approx(np.sum(x * back))


def test_update_rules_give_the_notebooks_numbers():
    n, d = 4, 5
    w = np.linspace(-0.4, 0.6, num=n * d).reshape(n, d)
    dw = np.linspace(-0.6, 0.4, num=n * d).reshape(n, d)
    state = np.linspace(0.6, 0.9, num=n * d).reshape(n, d)
    next_w, config = optim.sgd_momentum(w, dw, {"learning_rate": 1e-3, "velocity": state})
    assert next_w[0, 0] == pytest.approx(0.1406, abs=1e-8)
    assert config["velocity"][-1, -1] == pytest.approx(0.8096, abs=1e-8)
    next_w, config = optim.rmsprop(w, dw, {"learning_rate": 1e-2, "cache": state})
    assert next_w[0, 0] == pytest.approx(-0.39223849, abs=1e-8)
    assert config["cache"][-1, -1] == pytest.approx(0.8926, abs=1e-8)
    v = np.linspace(0.7, 0.5, num=n * d).reshape(n, d)
    next_w, config = optim.adam(w, dw, {"learning_rate": 1e-2, "m": state, "v": v, "t": 5})
    assert next_w[0, 0] == pytest.approx(-0.40094747, abs=1e-8)
    assert config["t"] == 6
    assert config["m"][0, 0] == pytest.approx(0.48, abs=1e-8)
    assert config["v"][0, 0] == pytest.approx(0.69966, abs=1e-8)


def test_sgd_changes_the_weights_in_place_as_the_hand_out_does(rng):
    """Arrays that kernels do not take are changed as well: other strides, another dtype than the gradient's."""
    dw = rng.normal(size=(3, 2))
    for w in (rng.normal(size=(3, 2)), rng.normal(size=(2, 3)).T, rng.normal(size=(3, 2)).astype("f2")):
        want = w - 0.5 * dw
        new, _ = optim.sgd(w, dw, {"learning_rate": 0.5})
        assert new is w
        np.testing.assert_allclose(w, want, rtol=1e-3 if w.dtype == "f2" else 1e-15)
    with pytest.raises(ValueError, match="sgd: dw must have the shape of w"):
        optim.sgd(w, dw[:2])


def test_other_update_rules_do_not_change_their_arguments(rng):
    w, dw = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    kept = w.copy(), dw.copy()
    for name in set(optim.__all__) - {"sgd"}:
        config = None
        for _ in range(3):
            _, config = getattr(optim, name)(w, dw, config)
    np.testing.assert_array_equal((w, dw), kept)


@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
@pytest.mark.parametrize("keep", [1, 0.75])
def test_the_fully_connected_net_has_right_gradients(rng, normalization, keep):
    np.random.seed(231)
    x, y = rng.normal(size=(6, 15)), rng.integers(10, size=6)
    model = FullyConnectedNet(
        [20, 30],
        input_dim=15,
        dropout_keep_ratio=keep,
        normalization=normalization,
        reg=3.14,
        weight_scale=5e-2,
        dtype=np.float64,
        seed=123,
    )
    _, grads = model.loss(x, y)
    assert set(grads) == set(model.params)
    for name in model.params:

        def f(_):
            return model.loss(x, y)[0]

        numerical = eval_numerical_gradient(f, model.params[name], verbose=False, h=1e-5)
        scale = np.abs(numerical).max() + 1e-6
        assert np.abs(grads[name] - numerical).max() / scale < 1e-5, name


def test_the_initial_loss_is_that_of_guessing(rng):
    x, y = rng.normal(size=(50, 12)), rng.integers(10, size=50)
    assert TwoLayerNet(12).loss(x, y)[0] == pytest.approx(np.log(10), abs=1e-3)
    images = rng.normal(size=(50, 3, 16, 16))
    assert ThreeLayerConvNet((3, 16, 16)).loss(images, y)[0] == pytest.approx(np.log(10), abs=1e-2)


def test_the_convolutional_net_has_right_gradients(rng):
    np.random.seed(231)
    x, y = rng.normal(size=(2, 3, 8, 8)), rng.integers(10, size=2)
    options = {"num_filters": 3, "filter_size": 3, "hidden_dim": 7, "weight_scale": 0.3, "reg": 0.5}
    model = ThreeLayerConvNet((3, 8, 8), **options, dtype=np.float64)
    _, grads = model.loss(x, y)
    for name in model.params:
        numerical = eval_numerical_gradient(lambda _: model.loss(x, y)[0], model.params[name], verbose=False, h=1e-6)
        assert np.abs(grads[name] - numerical).max() < 1e-6, name


def small_data(rng):
    x = rng.normal(size=(60, 8)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + 2 * (x[:, 1] > 0)
    return {"X_train": x[:50], "y_train": y[:50], "X_val": x[50:], "y_val": y[50:]}


@pytest.mark.parametrize("rule", optim.__all__)
def test_the_solver_memorises_a_small_set(rng, rule, capsys, tmp_path):
    np.random.seed(0)
    model = FullyConnectedNet([40], input_dim=8, num_classes=4, weight_scale=0.3)
    rate = {"sgd": 0.3, "sgd_momentum": 0.1}.get(rule, 1e-2)
    solver = Solver(
        model,
        small_data(rng),
        update_rule=rule,
        optim_config={"learning_rate": rate},
        lr_decay=0.95,
        batch_size=25,
        num_epochs=40,
        checkpoint_name=str(tmp_path / "run"),
        print_every=20,
    )
    solver.train()
    assert solver.train_acc_history[-1] == 1
    assert len(solver.loss_history) == 80
    assert len(solver.val_acc_history) == 41  # after the first step and after each epoch
    assert model.params["W1"].dtype == np.float32
    assert solver.best_val_acc == max(solver.val_acc_history)
    assert solver.check_accuracy(solver.X_val, solver.y_val) == solver.best_val_acc
    with np.load(tmp_path / "run_epoch_40.npz") as saved:
        assert saved["loss_history"].tolist() == solver.loss_history
    assert "(Iteration 1 / 80) loss:" in capsys.readouterr().out


def test_the_solver_names_the_update_rules_it_knows(rng):
    with pytest.raises(ValueError, match=r"Solver: update_rule: expected 'adam', 'rmsprop', 'sgd' or 'sgd_momentum'"):
        Solver(FullyConnectedNet([4], input_dim=8), small_data(rng), update_rule="newton")


@pytest.mark.parametrize("kind", [LinearSVM, Softmax])
def test_the_loss_of_linear_classifiers_falls(rng, kind, capsys):
    np.random.seed(0)
    data = small_data(rng)
    model = kind()
    history = model.train(data["X_train"], data["y_train"], learning_rate=0.1, num_iters=200, batch_size=50)
    assert history[-1] < history[0] / 2
    assert (model.predict(data["X_train"]) == data["y_train"]).mean() > 0.8
    w = rng.normal(size=(8, 4))
    model.W = w
    x = data["X_train"].astype(float)
    _, gradient = model.loss(x, data["y_train"], 0.3)

    def f(w):
        model.W = w
        return model.loss(x, data["y_train"], 0.3)[0]

    assert rel_error(gradient, eval_numerical_gradient(f, w, verbose=False)) < 1e-5
    grad_check_sparse(f, w, gradient, 3)
    assert capsys.readouterr().out.count("relative error") == 3


def test_numerical_gradients_leave_x_as_it_was(rng):
    x = rng.normal(size=(3, 2))
    kept = x.copy()
    gradient_check.eval_numerical_gradient(lambda x: (x**2).sum(), x, verbose=False)
    with pytest.raises(ZeroDivisionError):
        gradient_check.eval_numerical_gradient(lambda x: 1 / 0, x)
    np.testing.assert_array_equal(x, kept)


def test_float32_and_float64_promote_and_whole_numbers_count_as_float64():
    out, _ = layers.affine_forward(np.ones((2, 3), np.float32), np.ones((3, 2)), np.zeros(2, int))
    assert out.dtype == np.float64
    out, cache = layers.relu_forward(np.ones((2, 3), np.float32))
    assert out.dtype == layers.relu_backward(np.ones((2, 3)), cache).dtype == np.float32
