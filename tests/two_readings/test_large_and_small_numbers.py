"""Normalisation of numbers near the ends of the range: an intermediate may overflow, the result must not notice."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import fastnn
from fastnn import functional as F
from fastnn import kernels
from fastnn.layers import BatchNorm, Conv2D, Flatten, GroupNorm, LayerNorm, MaxPool2D

RIGHT = [0.6324555, -0.6324555, 1.2649111, -1.2649111]
DTYPES = {"float32": 1e30, "float64": 1e200}
backends = pytest.mark.parametrize("backend", ["native", "reference"])
dtypes = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture
def on(backend):
    with kernels.use_backend(backend):
        yield


def layer_of(layer, shape, dtype):
    return fastnn.Sequential([layer], input_shape=shape, dtype=dtype)


@backends
@dtypes
@pytest.mark.usefixtures("on")
def test_squares_that_overflow(dtype):
    x = (np.array([[1, -1, 2, -2]]) * DTYPES[dtype]).astype(dtype)
    layers = {
        "layer norm": F.layer_norm_forward(x)[0],
        "group norm": F.group_norm_forward(x.reshape(1, 4, 1, 1), groups=1)[0].reshape(1, 4),
        "group norm of pixels": F.group_norm_forward(x.reshape(1, 1, 2, 2), groups=1)[0].reshape(1, 4),
        "batch norm": F.batch_norm_forward(x.T)[0].T,
        "batch norm of pixels": F.batch_norm_forward(x.reshape(1, 1, 2, 2))[0].reshape(1, 4),
    }
    for name, out in layers.items():
        np.testing.assert_allclose(out[0], RIGHT, rtol=1e-6, err_msg=name)


NORMS = {
    "layer norm": (F.layer_norm_forward, F.layer_norm_backward),
    "group norm": (lambda x, **o: F.group_norm_forward(x, groups=3, **o), F.group_norm_backward),
    "batch norm": (F.batch_norm_forward, F.batch_norm_backward),
}
SHAPES = {"rows": (7, 6), "wide rows": (5, 132), "images": (5, 6, 3, 7), "large images": (3, 6, 9, 11)}


@backends
@dtypes
@pytest.mark.usefixtures("on")
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("exponent", [-0.85, -0.4, 0.4, 0.85])
def test_a_power_of_two_on_all_values_changes_nothing_but_the_gradient_by_its_inverse(dtype, norm, shape, exponent):
    forward, backward = NORMS[norm]
    draw = np.random.default_rng(0)
    x, dout = (draw.standard_normal(shape).astype(dtype) for _ in range(2))
    power = int(max(exponent, -0.85 if dtype == "float32" else -0.45) * np.finfo(dtype).maxexp)  # eps is 2**-1074
    wanted, cache = forward(x, eps=5e-324)
    out, large = forward(np.ldexp(x, power), eps=5e-324)
    near = {"rtol": 1e-4 if dtype == "float32" else 1e-10, "atol": 1e-5 if dtype == "float32" else 1e-12}
    np.testing.assert_allclose(out, wanted, **near)
    dx = np.ldexp(backward(dout, large)[0].astype(float), power)
    np.testing.assert_allclose(dx, backward(dout, cache)[0], **near)


@given(st.integers(1, 9), st.integers(1, 40), st.integers(-110, 110), st.integers(0, 2**32 - 1))
@example(1, 4, 100, 0)
def test_native_and_reference_agree_at_any_size(n, d, power, seed):
    x = np.ldexp(np.random.default_rng(seed).standard_normal((n, d)).astype("f4"), power)
    found = []
    for backend in ("native", "reference"):
        with kernels.use_backend(backend):
            found += [(F.layer_norm_forward(x)[0], F.batch_norm_forward(x)[0])]
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("size", [16, 20])
def test_a_compiled_training_of_large_images_equals_that_of_ordinary_ones(size, pool):
    """Images in the blocked layout, statistics taken by the convolution before, and the pooling behind."""
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((size, 2, 6, 6)).astype("f4"), np.arange(size) % 2
    losses = []
    for factor in (1.0, 2.0**90):
        for compile in (True, False):
            stack = [Conv2D(4, 3, bias=False), BatchNorm(track=False), *([MaxPool2D(2)] if pool else []), Flatten()]
            model = fastnn.Sequential([*stack, fastnn.layers.Dense(2)], input_shape=(2, 6, 6), seed=1)
            trainer = fastnn.Trainer(model, epochs=3, batch_size=size, progress=False, compile=compile)
            trainer.fit(x * np.float32(factor), y)
            losses.append([epoch["loss"] for epoch in trainer.history.epochs])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)
    np.testing.assert_allclose(losses[2], losses[3], rtol=1e-6)
    np.testing.assert_allclose(losses[2][0], losses[0][0], rtol=1e-5)


@pytest.mark.parametrize("layer", [LayerNorm, lambda: GroupNorm(2), lambda: BatchNorm(track=False)])
def test_a_model_normalises_large_samples(layer):
    x = np.random.default_rng(0).standard_normal((20, 4, 3, 3)).astype("f4")
    model = layer_of(layer(), (4, 3, 3), "float32")
    np.testing.assert_allclose(model.forward(x * np.float32(2.0**80)), model.forward(x), rtol=1e-3, atol=2e-5)


@backends
@dtypes
@pytest.mark.usefixtures("on")
def test_constants_and_what_is_not_finite_stay_what_they_were(dtype):
    for value in (0.0, 1.0, DTYPES[dtype], -DTYPES[dtype]):
        out = F.layer_norm_forward(np.full((2, 5), value, dtype))[0]
        assert (np.abs(out) < 1e-3 * max(1, np.abs(value) ** 0)).all() or np.abs(value) > 1
    for bad in (np.nan, np.inf):
        x = np.ones((2, 5), dtype)
        x[0, 1] = bad
        out = F.layer_norm_forward(x)[0]
        assert np.isnan(out[0]).any()
        assert (out[1] == 0).all()


@backends
@dtypes
@pytest.mark.usefixtures("on")
@pytest.mark.parametrize("power", [0.75, 0.6])
def test_local_response_norm_of_squares_that_overflow(dtype, power):
    draw = np.random.default_rng(0)
    x, dout = draw.standard_normal((2, 7, 3, 5)), draw.standard_normal((2, 7, 3, 5))
    options = {"size": 5, "alpha": 1e-2, "beta": power, "k": 1e-3, "divide": False}
    large = (x * DTYPES[dtype]).astype(dtype)
    out, cache = F.local_response_norm_forward(large, **options)
    windows = np.stack([(x[:, max(0, c - 2) : c + 3] ** 2).sum(axis=1) for c in range(7)], axis=1)
    right = x * (1e-2 * windows) ** -power * DTYPES[dtype] ** (1 - 2 * power)  # k does not show
    np.testing.assert_allclose(out, right, rtol=1e-4)
    dx = F.local_response_norm_backward(dout.astype(dtype), cache)
    assert np.isfinite(dx).all()
    if dtype == "float64":
        _, small = F.local_response_norm_forward(x, **options | {"k": 1e-200})
        little = F.local_response_norm_backward(dout, small) * DTYPES[dtype] ** (-2 * power)
        np.testing.assert_allclose(dx, little, rtol=1e-9, atol=np.abs(little).max() * 1e-12)


@backends
@dtypes
@pytest.mark.usefixtures("on")
@pytest.mark.parametrize("limit", [1.0, 1e10])
def test_the_norm_of_a_large_gradient_is_clipped_not_lost(dtype, limit):
    for direction in ([0.6, -0.8, 0.0], [-0.6, -0.8, 0.0]):
        g = (np.array(direction) * 5 * DTYPES[dtype]).astype(dtype)
        kernels.get("clip_norm")(g, limit)
        np.testing.assert_allclose(g, np.array(direction) * limit, rtol=1e-6)
    for infinite in (np.inf, -np.inf):
        g = np.array([infinite, 1.0], dtype)
        kernels.get("clip_norm")(g, limit)
        assert np.isnan(g[0])
        assert g[1] == 0


@pytest.mark.parametrize(("dtype", "scale"), [("float32", 1e-50), ("float32", -1e40), ("float64", 5e-325)])
def test_a_scale_that_the_dtype_cannot_hold_is_an_error(dtype, scale):
    with pytest.raises(ValueError, match="input_scale: expected a finite number other than 0, got"):
        fastnn.Sequential([Flatten()], input_shape=(2,), dtype=dtype, input_scale=scale)
    assert fastnn.Sequential([Flatten()], input_shape=(2,), dtype="float64", input_scale=1e-50).input_scale == 1e-50


OPTIMIZERS = {"adagrad": "v", "rmsprop": "v", "adam": "v", "adamw": "v"}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("compile", [True, False])
def test_squares_of_gradients_that_overflow_end_the_training_with_an_error(optimizer, compile):
    """The weights would stay where they are for ever, and the loss would not say why."""
    x, y = np.full((8, 2), 1e15, "f4"), np.full((8, 1), 1e15, "f4")
    for dtype in ("float32", "float64"):
        options = {"optimizer": optimizer, "loss": "mse", "epochs": 2, "progress": False, "compile": compile}
        model = fastnn.Sequential([fastnn.layers.Dense(1)], input_shape=(2,), dtype=dtype, seed=0)
        trainer = fastnn.Trainer(model, **options)
        if dtype == "float64":
            trainer.fit(x, y)
            continue
        with pytest.raises(fastnn.NonFiniteLossError, match=r"fit: v of dense1\.w is not finite .* beyond 1\.8e\+19"):
            trainer.fit(x, y)
        assert len(trainer.history) == 2
        fastnn.Trainer(model, on_nonfinite="ignore", **options).fit(x, y)


def test_running_variances_that_overflow_end_the_training_with_an_error():
    x, y = np.float32(1e25) * np.random.default_rng(0).standard_normal((8, 2)).astype("f4"), np.arange(8) % 2
    stack = [BatchNorm(), fastnn.layers.Dense(2)]
    trainer = fastnn.Trainer(fastnn.Sequential(stack, input_shape=(2,), seed=0), epochs=2, progress=False)
    with pytest.raises(fastnn.NonFiniteLossError, match=r"fit: batch_norm1\.running_var is not finite after the last"):
        trainer.fit(x, y)


@backends
@pytest.mark.usefixtures("on")
def test_the_sum_of_an_average_pool_overflows_as_its_documentation_says():
    largest = np.finfo("f4").max
    for factor, wanted in ((0.249, largest * 0.249), (0.251, np.inf)):
        x = np.full((1, 1, 4, 4), largest * factor, "f4")
        np.testing.assert_allclose(F.avg_pool_forward(x, size=2)[0], wanted, rtol=1e-6)
