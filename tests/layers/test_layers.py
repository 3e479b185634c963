"""Every layer has right shapes and gradients, keeps its inputs unchanged, and knows its constructor arguments."""

import copy
import math
import pickle

import numpy as np
import pytest
from strategies import same_bits
from trainings import ACTIVATIONS

import fastnn
from fastnn import functional
from fastnn.gradcheck import check_layer
from fastnn.kernels.eager import Eager
from fastnn.layers import (
    ELU,
    REGISTRY,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LeakyReLU,
    PReLU,
    ReLU,
    Rising,
    Softmax,
    Softshrink,
)

SHAPED = {
    "dense": (lambda: Dense(4), (3,), (4,)),
    "dense without bias": (lambda: Dense(4, bias=False), (3,), (4,)),
    "dense of one": (lambda: Dense(1), (1,), (1,)),
    "conv": (lambda: Conv2D(4, 3), (2, 5, 6), (4, 3, 4)),
    "conv without bias": (lambda: Conv2D(3, (1, 2), bias=False, stride=(2, 1)), (2, 3, 4), (3, 2, 3)),
    "conv of the same size": (lambda: Conv2D(2, (4, 3), pad="same"), (1, 5, 6), (2, 5, 6)),
    "conv of halves": (lambda: Conv2D(2, 3, pad="same", stride=2), (1, 5, 6), (2, 3, 3)),
    "conv in groups": (lambda: Conv2D(6, 2, groups=2, dilation=2, pad=((0, 1), (2, 0))), (4, 3, 3), (6, 2, 3)),
    "depthwise conv": (lambda: Conv2D(3, 3, groups=3, pad=1), (3, 4, 4), (3, 4, 4)),
    "embedding": (lambda: Embedding(5, 3), (4,), (4, 3)),
    "embedding of one": (lambda: Embedding(1, 1, init="ones"), (1,), (1, 1)),
    "categories": (lambda: CategoricalEmbedding({3: 2, 0: 4}, dim=5), (4,), (12,)),
    "categories alone": (lambda: CategoricalEmbedding([(0, 3)], dim=17), (1,), (17,)),
    "flatten": (Flatten, (2, 3, 4), (24,)),
    "flatten of a row": (Flatten, (5,), (5,)),
    "rising": (Rising, (5,), (5,)),
    "rising of one": (Rising, (1,), (1,)),
    **{name: (make, (5,), (5,)) for name, make in ACTIVATIONS.items()},
    "prelu": (PReLU, (5,), (5,)),
    "prelu of channels": (lambda: PReLU(0.1, per_channel=True), (3, 2, 2), (3, 2, 2)),
    "prelu of columns": (lambda: PReLU(-0.5, per_channel=True), (37,), (37,)),
    "relu of images": (ReLU, (2, 3, 4), (2, 3, 4)),
    "elu of images": (ELU, (3, 4), (3, 4)),
}
KINKS = {"softshrink": (-0.1, 0.1), "tanhshrink": (0.0,)}


@pytest.mark.parametrize("case", SHAPED)
def test_shapes_are_right(case):
    make, shape, expected = SHAPED[case]
    layer = make()
    assert layer.build(shape) == expected
    assert (layer.input_shape, layer.output_shape) == (shape, expected)
    model = fastnn.Sequential([make()], input_shape=shape)
    for n in (1, 7):
        out = model.forward(np.ones((n, *shape)))
        assert out.shape == (n, *expected)
        assert out.dtype == np.float32


@pytest.mark.parametrize("case", SHAPED)
def test_gradients_are_right(case):
    make, shape, _ = SHAPED[case]
    result = check_layer(make(), shape, kinks=KINKS.get(case, (0.0,)))
    assert result.passed, str(result)


@pytest.mark.parametrize("case", SHAPED)
def test_a_gradient_that_is_not_wanted_is_not_computed(case):
    make, shape, _ = SHAPED[case]
    model = fastnn.Sequential([make()], input_shape=shape)
    ops = Eager("float32")
    out, caches = model.run_forward(ops, np.ones((2, *shape), "f4"), True)
    assert model.layers[0].backward(ops, np.ones_like(out), caches[0], False) is None


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_functional(name):
    layer = ACTIVATIONS[name]()
    x = np.random.default_rng(0).normal(size=(6, 5))
    options = {"leaky_relu": {"alpha": 0.1}, "elu": {"alpha": 0.7}, "softshrink": {"lambd": 0.1}}.get(name, {})
    expected = getattr(functional, f"{name}_forward", None) or getattr(functional, name)
    result = expected(x, **options)
    out = fastnn.Sequential([layer], input_shape=(5,), dtype="float64").forward(x)
    assert same_bits(out, result[0] if isinstance(result, tuple) else result)


@pytest.mark.parametrize("case", SHAPED)
def test_config_makes_the_same_layer_again(case):
    layer = SHAPED[case][0]()
    again = type(layer)(**layer.config())
    assert again.config() == layer.config()
    assert repr(again) == repr(layer)
    assert eval(repr(layer), REGISTRY | {"Dense": Dense}).config() == layer.config()
    assert REGISTRY[type(layer).__name__] is type(layer)


def test_the_registry_holds_layers_that_can_be_made():
    assert "Elementwise" not in REGISTRY
    ours = [cls for cls in REGISTRY.values() if cls.__module__.startswith("fastnn.")]
    assert {cls.__name__ for cls in ours} == set(fastnn.layers.__all__) - {"Layer", "REGISTRY", "Shape"}
    assert all(cls.kind != "layer" for cls in ours)
    assert len({cls.kind for cls in ours}) == len(ours)


def test_a_class_of_the_users_own_cannot_replace_one_of_fastnn():
    ours, theirs = Dense, type("Dense", (Layer,), {})
    assert REGISTRY["Dense"] is ours
    with pytest.raises(ValueError, match="layer1: another layer is called Dense too"):
        fastnn.Sequential([theirs()], input_shape=(3,)).config()


def test_a_class_defined_again_replaces_the_first():
    first, second = (type("MadeTwice", (Layer,), {}) for _ in range(2))
    assert REGISTRY["MadeTwice"] is second is not first


def test_dense_is_x_w_plus_b():
    rng = np.random.default_rng(1)
    model = fastnn.Sequential([Dense(4, bias_init="normal")], input_shape=(3,), dtype="float64")
    x = rng.normal(size=(6, 3))
    w, b = model.parameters["dense1.w"], model.parameters["dense1.b"]
    np.testing.assert_allclose(model.forward(x), x @ w + b, rtol=1e-14)
    dout = rng.normal(size=(6, 4))
    dx, gradients = model.backward_from(x, dout)
    np.testing.assert_allclose(dx, dout @ w.T, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(gradients["dense1.w"], x.T @ dout, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(gradients["dense1.b"], dout.sum(0), rtol=1e-13, atol=1e-15)


def test_biases_do_not_decay():
    layer = Dense(4)
    layer.build((3,))
    assert [(p.name, p.shape, p.decays) for p in layer.parameters] == [
        ("w", (3, 4), True),
        ("b", (4,), False),
    ]
    conv = Conv2D(6, 2, groups=3)
    conv.build((3, 5, 5))
    assert [(p.name, p.shape, p.decays) for p in conv.parameters] == [
        ("w", (6, 1, 2, 2), True),
        ("b", (6,), False),
    ]


def test_conv_is_the_function_of_functional():
    rng = np.random.default_rng(1)
    options = {"stride": 2, "pad": ((1, 0), (2, 1)), "dilation": (1, 2), "groups": 2}
    model = fastnn.Sequential(
        [Conv2D(4, (3, 2), bias_init="normal", **options)], input_shape=(2, 7, 6), dtype="float64"
    )
    x = rng.normal(size=(3, 2, 7, 6))
    out, cache = functional.conv_forward(x, *model.parameters.values(), **options)
    assert same_bits(model.forward(x), out)
    dx, gradients = model.backward_from(x, out)
    for ours, theirs in zip((dx, *gradients.values()), functional.conv_backward(out, cache), strict=True):
        assert same_bits(ours, theirs)


def test_the_fans_of_a_filter_are_those_of_one_group():
    conv = Conv2D(8, (3, 2), groups=2)
    conv.build((4, 9, 9))
    assert [p.fans for p in conv.parameters] == [(12, 24), (12, 24)]


def test_flatten_keeps_c_order():
    x = np.arange(24.0).reshape(2, 3, 4)
    model = fastnn.Sequential([Flatten()], input_shape=(3, 4), dtype="float64")
    np.testing.assert_array_equal(model.forward(x), x.reshape(2, 12))


def test_multiply_adds_are_counted():
    layer = Dense(7)
    layer.build((5,))
    assert layer.multiply_adds() == 35
    conv = Conv2D(6, (2, 3), groups=2)
    conv.build((4, 5, 5))
    assert conv.multiply_adds() == 6 * 4 * 3 * (2 * 2 * 3)
    assert ReLU().multiply_adds() == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(0), ValueError, "Dense: units: expected a whole number of at least 1, got 0"),
        (lambda: Dense(-3), ValueError, "Dense: units: expected a whole number of at least 1, got -3"),
        (lambda: Dense(2.0), TypeError, "Dense: units: expected a whole number of at least 1, got 2.0"),
        (lambda: Dense("3"), TypeError, "Dense: units: expected a whole number of at least 1, got '3'"),
        (lambda: Dense(True), TypeError, "Dense: units: expected a whole number of at least 1, got True"),
        (lambda: Dense(3, init="glorot"), ValueError, "init: expected one of zeros, .*, got 'glorot'"),
        (lambda: Dense(3, bias_init=None), ValueError, "init: expected one of .*, got None"),
        (lambda: LeakyReLU(-0.1), ValueError, "LeakyReLU: alpha: expected a finite number of at least 0, got -0.1"),
        (lambda: LeakyReLU(math.nan), ValueError, "LeakyReLU: alpha"),
        (lambda: ELU(0), ValueError, "ELU: alpha: expected a finite number above 0, got 0"),
        (lambda: ELU(math.inf), ValueError, "ELU: alpha"),
        (lambda: Softshrink(-1), ValueError, "Softshrink: lambd: expected a finite number of at least 0, got -1"),
        (lambda: Conv2D(0, 3), ValueError, "Conv2D: filters: expected a whole number of at least 1, got 0"),
        (lambda: Conv2D(4, 0), ValueError, "Conv2D: size: expected a whole number of at least 1, got 0"),
        (
            lambda: Conv2D(4, (3, 3, 3)),
            ValueError,
            r"Conv2D: size: expected a whole number or a pair of them, got .3, 3, 3.",
        ),
        (lambda: Conv2D(4, 3, stride=0), ValueError, "Conv2D: stride: expected a whole number of at least 1, got 0"),
        (lambda: Conv2D(4, 3, stride=1.5), TypeError, "Conv2D: stride: expected a whole number of at least 1, got 1.5"),
        (lambda: Conv2D(4, 3, pad=-1), ValueError, "Conv2D: pad: expected a whole number of at least 0, got -1"),
        (
            lambda: Conv2D(4, 3, pad="full"),
            ValueError,
            "Conv2D: pad: expected a whole number, a pair, two pairs or .same., got 'full'",
        ),
        (lambda: Conv2D(4, 3, groups=3), ValueError, "Conv2D: 4 filters do not divide into 3 groups"),
        (
            lambda: Conv2D(4, 3, conv_algorithm="fft"),
            ValueError,
            "Conv2D: conv_algorithm: expected 'auto', 'direct' or 'winograd'",
        ),
        (lambda: Conv2D(4, 3).build((9,)), ValueError, r"Conv2D: expected images \(C, H, W\), got shape \(9,\)"),
        (lambda: Conv2D(4, 3, groups=2).build((3, 9, 9)), ValueError, "Conv2D: 3 channels do not divide into 2"),
        (
            lambda: Conv2D(4, 3, dilation=2).build((3, 9, 4)),
            ValueError,
            "Conv2D: the window, 3 × 3 dilated to 5 × 5, is larger than the padded image, 9 × 4",
        ),
        (
            lambda: Dense(3).build((2, 2)),
            ValueError,
            r"Dense: .* got shape \(2, 2\); put a Flatten\(\) before it",
        ),
        (
            lambda: Softmax().build((2, 2)),
            ValueError,
            r"Softmax: .* got shape \(2, 2\); put a Flatten\(\) before it",
        ),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_a_copy_of_a_layer_belongs_to_no_model(again):
    model = fastnn.Sequential([Dense(3), ReLU()], input_shape=(4,))
    twin = fastnn.Sequential([again(layer) for layer in model.layers], input_shape=(4,), seed=7)
    before = model.params.copy()
    twin.params[...] = 0
    assert same_bits(before, model.params)
    assert model.layers[0].w.value.any()
    assert not twin.layers[0].w.value.any()


def test_a_layer_cannot_belong_to_two_models():
    layers = [Dense(3), ReLU(), Dense(2)]
    first = fastnn.Sequential(layers, input_shape=(4,))
    with pytest.raises(ValueError, match=r"layer 0 .* belongs to another model"):
        fastnn.Sequential(layers, input_shape=(4,))
    del first
    fastnn.Sequential(layers, input_shape=(5,))


def test_layers_of_a_model_that_could_not_be_built_are_free():
    layers = [Dense(3)]
    with pytest.raises(ValueError, match="put a Flatten"):
        fastnn.Sequential(layers, input_shape=(2, 2))
    assert fastnn.Sequential(layers, input_shape=(4,)).params.size == 15


def test_outputs_of_rising_rise_by_their_formula():
    x = np.random.default_rng(0).normal(size=(50, 6)) * 3
    out = fastnn.Sequential([Rising()], input_shape=(6,), dtype="float64").forward(x)
    assert (np.diff(out, axis=1) > 0).all()
    steps = np.where(x > 0, 1 + x, np.exp(np.minimum(x, 0)))
    steps[:, 0] = x[:, 0]
    np.testing.assert_allclose(out, np.cumsum(steps, axis=1), rtol=1e-12, atol=1e-12)
