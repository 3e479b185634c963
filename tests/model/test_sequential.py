"""`Sequential`: its names, views, seeds, copies, gradients and refusals."""

import copy
import pickle

import numpy as np
import pytest
from strategies import same_bits
from trainings import ACTIVATIONS, LOSSES, fit, mlp, output_of, samples

import fastnn
from fastnn.gradcheck import check_model
from fastnn.layers import Dense, Flatten, ReLU, Softmax


def test_parameters_are_views_of_one_vector():
    model = mlp(5, 4, 3)
    assert list(model.parameters) == ["dense1.w", "dense1.b", "dense2.w", "dense2.b"]
    assert [p.shape for p in model.parameters.values()] == [(5, 4), (4,), (4, 3), (3,)]
    assert model.params.size == model.grads.size == 39
    flat = np.concatenate([p.ravel() for p in model.parameters.values()])
    assert same_bits(flat, model.params)
    model.params[...] = np.arange(39)
    np.testing.assert_array_equal(model.parameters["dense2.b"], [36, 37, 38])
    model.parameters["dense1.w"][...] = -1
    assert (model.params[:20] == -1).all()
    assert all(np.shares_memory(g, model.grads) for g in model.gradients.values())


def test_layers_are_named_by_kind_and_number():
    model = fastnn.Sequential([Flatten(), Dense(3), ReLU(), Dense(3), ReLU()], input_shape=(2, 2))
    assert [layer.name for layer in model.layers] == ["flatten1", "dense1", "relu1", "dense2", "relu2"]


@pytest.mark.parametrize(
    ("layers", "shape", "expected"),
    [
        ([], (3,), (3,)),
        ([], (3, 2), (3, 2)),
        ([Dense(4)], (3,), (4,)),
        ([ReLU()], (3, 4, 5), (3, 4, 5)),
        ([Flatten(), Dense(7), ReLU(), Dense(2)], (3, 4, 5), (2,)),
    ],
)
def test_the_output_shape_follows_from_the_layers(layers, shape, expected):
    model = fastnn.Sequential(layers, input_shape=shape)
    assert model.output_shape == expected
    assert model.forward(np.zeros((3, *shape))).shape == (3, *expected)


def test_the_seed_decides_the_parameters():
    a, b, c = mlp(5, 4, 3, seed=1), mlp(5, 4, 3, seed=1), mlp(5, 4, 3, seed=2)
    assert same_bits(a.params, b.params)
    assert not np.array_equal(a.params, c.params)
    c.reset(1)
    assert same_bits(a.params, c.params)
    assert c.seed == 1
    assert not mlp(5, 4, 3, seed=None).params.any()


def test_no_two_parameters_have_the_same_initial_values():
    model = fastnn.Sequential([Dense(6, init="normal"), Dense(6, init="normal")], input_shape=(6,))
    assert not np.array_equal(model.parameters["dense1.w"], model.parameters["dense2.w"])


def test_float32_parameters_are_the_float64_ones_rounded():
    assert same_bits(mlp(5, 4).params, mlp(5, 4, dtype="float64").params.astype("f4"))


def test_the_same_seed_gives_the_same_parameters_in_a_new_process():
    code = "from trainings import digest, mlp; print(digest(mlp(50, 40, 3, seed=9).params))"
    from trainings import digest

    assert output_of(code) == digest(mlp(50, 40, 3, seed=9).params)


@pytest.mark.parametrize(
    "again",
    [
        lambda m: m.copy(),
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
    ],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_an_independent_model(again):
    x, y = samples(40, 5, 3)
    model = mlp(5, 4, 3, input_scale=0.5, class_names=["a", "b", "c"], seed=4)
    fit(model, x, y, epochs=1)
    model.predict(x)
    twin = again(model)
    assert same_bits(twin.params, model.params)
    assert twin.config() == model.config()
    assert same_bits(twin.forward(x), model.forward(x))
    before = model.params.copy()
    fit(twin, x, y, epochs=1)
    assert same_bits(before, model.params)
    assert not same_bits(before, twin.params)
    flat = np.concatenate([p.ravel() for p in twin.parameters.values()])
    assert same_bits(flat, twin.params)


def test_a_model_with_an_initialiser_of_the_users_own_can_be_copied():
    model = fastnn.Sequential([Dense(3, init=lambda shape, fans, seed, step: np.full(shape, seed))], input_shape=(4,))
    twin = model.copy()
    twin.reset(5)
    assert (twin.parameters["dense1.w"] == 5).all()
    assert (model.parameters["dense1.w"] == 0).all()


def test_from_config_makes_the_same_model():
    model = fastnn.Sequential(
        [Flatten(), Dense(4, bias=False, init="he_normal"), fastnn.layers.ELU(0.5), Dense(2)],
        input_shape=(2, 3),
        dtype="float64",
        seed=3,
        input_scale=0.25,
        class_names=["no", "yes"],
    )
    model.task = "regression"
    again = fastnn.Sequential.from_config(model.config())
    assert again.config() == model.config()
    assert repr(again) == repr(model)
    assert same_bits(again.params, model.params)
    assert (again.task, again.class_names) == ("regression", ("no", "yes"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": [{"type": "Dance", "units": 3}]}, "expected a layer of .*Dense.*, got 'Dance'"),
        ({"layers": [{"units": 3}]}, "got None"),
        ({"task": "fortune telling"}, "task: expected 'classification', 'multilabel' or 'regression'"),
        ({"input_shape": []}, "input_shape: expected at least one size and at most 2..48 values"),
    ],
)
def test_a_config_that_describes_no_model_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fastnn.Sequential.from_config(mlp(4, 3).config() | change)


# --- gradients ---


@pytest.mark.parametrize("target", LOSSES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "log_softmax"])
def test_loss_and_gradients_are_right(activation, target):
    loss, targets = LOSSES[target]
    x, y = samples(8, 5, 3)
    model = mlp(5, 6, 3, activation=ACTIVATIONS[activation], input_scale=0.5)
    assert check_model(model, x, targets(y, 3), loss=loss).passed


def test_loss_and_gradients_are_the_mean_over_samples():
    x, y = samples(12, 5, 3)
    model = mlp(5, 6, 3, dtype="float64")
    value, gradients = model.loss_and_gradients(x, y)
    assert value == pytest.approx(model.evaluate(x, y)["loss"], rel=1e-12)
    parts = [model.loss_and_gradients(x[i : i + 1], y[i : i + 1]) for i in range(12)]
    assert value == pytest.approx(np.mean([p[0] for p in parts]), rel=1e-12)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, np.mean([p[1][name] for p in parts], axis=0), rtol=1e-10, atol=1e-14)
        assert not np.shares_memory(gradient, model.grads)


def test_backward_from_is_the_gradient_of_the_inner_product():
    rng = np.random.default_rng(2)
    model = mlp(5, 6, 3, activation=fastnn.layers.Tanh, dtype="float64", input_scale=0.3)
    x, dout = rng.normal(size=(4, 5)), rng.normal(size=(4, 3))
    dx, gradients = model.backward_from(x, dout)
    direction, h = rng.normal(size=x.shape), 1e-6
    change = ((model.forward(x + h * direction) - model.forward(x - h * direction)) * dout).sum() / (2 * h)
    assert (dx * direction).sum() == pytest.approx(change, rel=1e-7)
    w = model.parameters["dense1.w"]
    direction = rng.normal(size=w.shape)
    w += h * direction
    up = (model.forward(x) * dout).sum()
    w -= 2 * h * direction
    down = (model.forward(x) * dout).sum()
    assert (gradients["dense1.w"] * direction).sum() == pytest.approx((up - down) / (2 * h), rel=1e-7)


def test_a_model_without_parameters_gives_the_gradient_of_its_input():
    model = fastnn.Sequential([ReLU()], input_shape=(3,), dtype="float64")
    dx, gradients = model.backward_from([[1.0, -1.0, 2.0]], np.ones((1, 3)))
    np.testing.assert_array_equal(dx, [[1, 0, 1]])
    assert gradients == {}


# --- refusals ---


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: mlp(4, 3, dtype="float16"), TypeError, "dtype: expected float32 or float64, got float16"),
        (lambda: mlp(4, 3, dtype="int32"), TypeError, "dtype: expected float32 or float64"),
        (lambda: mlp(4, 3, input_scale=0), ValueError, "input_scale: expected a finite number other than 0, got 0"),
        (lambda: mlp(4, 3, input_scale=np.nan), ValueError, "input_scale: expected a finite number"),
        (lambda: mlp(4, 3, input_scale="x"), TypeError, "input_scale: expected a finite number, got 'x'"),
        (lambda: mlp(4, 3, seed=-1), ValueError, "seed: expected a whole number of at least 0 and below 2..64, got -1"),
        (lambda: mlp(4, 3, seed=2**64), ValueError, "seed: expected a whole number of at least 0 and below 2..64"),
        (
            lambda: mlp(4, 3, seed=1.5),
            TypeError,
            "seed: expected a whole number of at least 0 and below 2..64, got 1.5",
        ),
        (
            lambda: mlp(4, 3, class_names=["a", "b"]),
            ValueError,
            "class_names: expected 3, one for each output, got 2",
        ),
        (
            lambda: fastnn.Sequential([Dense(3)], input_shape=784),
            TypeError,
            "input_shape: expected a tuple such as .784,., got 784",
        ),
        (
            lambda: fastnn.Sequential([Dense(3)], input_shape=(3.5,)),
            TypeError,
            "input_shape: expected a whole number of at least 1, got 3.5",
        ),
        (lambda: fastnn.Sequential([Dense(3)], input_shape=()), ValueError, "input_shape: expected at least one size"),
        (
            lambda: fastnn.Sequential([Dense(3)], input_shape=(3, 0)),
            ValueError,
            "input_shape: expected a whole number of at least 1, got 0",
        ),
        (
            lambda: fastnn.Sequential([Dense(3)], input_shape=(2**40, 2**40)),
            ValueError,
            "input_shape: expected at least one size and at most 2..48 values",
        ),
        (
            lambda: fastnn.Sequential(Dense(3), input_shape=(3,)),
            TypeError,
            "layers: expected a sequence of layers, got Dense",
        ),
        (
            lambda: fastnn.Sequential(None, input_shape=(3,)),
            TypeError,
            "layers: expected a sequence of layers, got NoneType",
        ),
        (
            lambda: fastnn.Sequential([Dense], input_shape=(3,)),
            TypeError,
            "layer 0: expected a .*Layer, got the class",
        ),
        (
            lambda: fastnn.Sequential(["relu"], input_shape=(3,)),
            TypeError,
            "layer 0: expected a .*Layer, got .relu.; did you mean ReLU",
        ),
        (
            lambda: fastnn.Sequential([ReLU(), Dense(2)], input_shape=(3, 3)),
            ValueError,
            "dense1: Dense: .*Flatten",
        ),
        (
            lambda: fastnn.Sequential([layer := ReLU(), layer], input_shape=(3,)),
            ValueError,
            "layer 1 .* occurs twice",
        ),
        (
            lambda: fastnn.Sequential([Dense(2, init=lambda *a, **k: np.zeros(3))], input_shape=(4,)),
            ValueError,
            r"made shape \(3,\), expected \(4, 2\)",
        ),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


BAD_X = {
    "one sample without its axis": (np.zeros(4), ValueError, r"x must have shape \(N, 4\), got \(4,\)"),
    "another size": (np.zeros((3, 5)), ValueError, r"x must have shape \(N, 4\), got \(3, 5\)"),
    "no samples": (np.zeros((0, 4)), ValueError, r"at least one sample, got shape \(0, 4\)"),
    "a number": (3.0, ValueError, r"got \(\)"),
    "complex": (np.zeros((3, 4), complex), TypeError, "must be real numbers, got dtype complex128"),
    "objects": (np.full((3, 4), None), TypeError, "must be real numbers, got dtype object"),
    "text": ([["a"] * 4], TypeError, "must be real numbers, got dtype <U1"),
    "dates": (np.zeros((3, 4), "M8[s]"), TypeError, "must be real numbers"),
    "rows of unequal length": ([[1, 2, 3, 4], [1, 2]], ValueError, "must be an array of numbers"),
}


@pytest.mark.parametrize("case", BAD_X)
@pytest.mark.parametrize("method", ["forward", "predict", "predict_proba", "evaluate", "loss_and_gradients"])
def test_bad_inputs_are_refused(method, case):
    x, error, message = BAD_X[case]
    arguments = (x, np.zeros(3, int)) if method in ("evaluate", "loss_and_gradients") else (x,)
    with pytest.raises(error, match=message):
        getattr(mlp(4, 3), method)(*arguments)


@pytest.mark.parametrize("method", ["evaluate", "loss_and_gradients"])
def test_different_numbers_of_inputs_and_targets_are_refused(method):
    with pytest.raises(ValueError, match=f"{method}: x has 3 samples but y has 4"):
        getattr(mlp(4, 3), method)(np.zeros((3, 4)), np.zeros(4, int))


def test_backward_from_needs_the_shape_of_the_outputs():
    with pytest.raises(ValueError, match=r"dout must have shape \(2, 3\), got \(2, 2\)"):
        mlp(4, 3).backward_from(np.zeros((2, 4)), np.zeros((2, 2)))


def test_a_softmax_layer_already_gives_probabilities():
    model = fastnn.Sequential([Dense(3), Softmax()], input_shape=(4,))
    x = np.random.default_rng(0).normal(size=(5, 4))
    assert same_bits(model.predict_proba(x), model.forward(x))


def test_what_is_assigned_to_a_parameter_is_written_into_the_model():
    model = mlp(3, 2)
    x = np.ones((1, 3))
    model.parameters["dense1.w"] = np.ones((3, 2))
    model.parameters["dense1.b"] = [1, 2]
    np.testing.assert_array_equal(model.forward(x), [[4, 5]])
    model.params = np.zeros(8)
    np.testing.assert_array_equal(model.forward(x), [[0, 0]])
    np.testing.assert_array_equal(model.parameters["dense1.w"], np.zeros((3, 2)))


def test_several_parameters_are_written_together_or_not_at_all():
    model = mlp(3, 2)
    x = np.ones((1, 3))
    model.parameters.update({"dense1.w": np.ones((3, 2)), "dense1.b": [1, 2]})
    np.testing.assert_array_equal(model.forward(x), [[4, 5]])
    parameters = model.parameters
    parameters |= {"dense1.b": [0, 0]}
    np.testing.assert_array_equal(model.forward(x), [[3, 3]])
    for bad, error in (({"dense1.w": [1]}, ValueError), ({"w": 1}, KeyError)):
        with pytest.raises(error, match="Sequential: "):
            model.parameters.update({"dense1.b": [7, 7], **bad})
    np.testing.assert_array_equal(model.forward(x), [[3, 3]])


def test_values_of_another_shape_and_names_that_no_parameter_has_are_refused():
    model = mlp(3, 2)
    with pytest.raises(ValueError, match=r"^Sequential: dense1.w: values must have shape \(3, 2\), got \(2, 3\)$"):
        model.parameters["dense1.w"] = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"^Sequential: params: values must have shape \(8,\), got \(3,\)$"):
        model.params = np.ones(3)
    with pytest.raises(KeyError, match=r"expected one of dense1.w, dense1.b, got 'dense1.W'; did you mean 'dense1.w'"):
        model.parameters["dense1.W"]
    with pytest.raises(KeyError, match=r"expected one of dense1.w, dense1.b, got 'w'"):
        model.parameters["w"] = np.ones((3, 2))
