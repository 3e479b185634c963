"""The layout NCHW16n in compiled steps is used where it should be and does not change results."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import digest, fit, images, kernels_of, needs_native, threads

import fastnn
from fastnn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LocalResponseNorm,
    MaxPool2D,
    ReLU,
    Tanh,
)
from fastnn.program import compiled_steps, session
from fastnn.program.layout import suits
from fastnn.program.record import Recorder
from fastnn.program.warm import WarmCache

pytestmark = needs_native
SHAPE = (2, 9, 8)
CLOSE = {"float32": 2e-5, "float64": 1e-12}


def network(**options):
    stack = [
        Conv2D(5, 3, pad="same"),
        ReLU(),
        Conv2D(6, (3, 2), stride=2, groups=1),
        Tanh(),
        Conv2D(6, 2, dilation=2, groups=2, bias=False),
        Flatten(),
        ReLU(),
        Dense(3),
    ]
    return fastnn.Sequential(stack, input_shape=SHAPE, seed=1, **options)


def deep(**options):
    """A model with all layers that have a variant in NCHW16n, and with others between them."""
    stack = [
        Conv2D(5, 3, pad="same"),
        ReLU(),
        BatchNorm(),
        MaxPool2D(2),
        Conv2D(6, 2, pad=1, bias=False),
        BatchNorm(),
        Tanh(),
        Dropout(0.2),
        MaxPool2D(3, stride=2, pad=1),
        AvgPool2D(2, stride=1),
        Flatten(),
        Dense(7, bias=False),
        BatchNorm(),
        ReLU(),
        Dense(3),
    ]
    return fastnn.Sequential(stack, input_shape=SHAPE, seed=1, **options)


def normalised(**options):
    """Local response normalisation between layers that want images innermost."""
    stack = [Conv2D(8, 3), ReLU(), LocalResponseNorm(size=4), MaxPool2D(2), Conv2D(6, 2), LocalResponseNorm(size=3)]
    return fastnn.Sequential([*stack, Flatten(), Dense(3)], input_shape=SHAPE, seed=1, **options)


@pytest.mark.parametrize(
    ("images_in_a_batch", "expected"), [(1, False), (12, False), (13, True), (16, True), (17, True)]
)
def test_the_number_of_images_decides(images_in_a_batch, expected):
    assert suits(images_in_a_batch) == expected
    x, y = images(40)
    trainer = fit(network(), x, y, batch_size=images_in_a_batch, epochs=1)
    assert any(kernel.endswith("_nchw16n") for kernel in kernels_of(trainer)) == expected
    assert ("layout: " in trainer.explain()) == expected


def test_conversions_are_only_between_images_and_dense_layers():
    x, y = images(32)
    kernels = kernels_of(fit(network(), x, y, batch_size=32, epochs=1))
    assert kernels.count("gather_nchw16n") == 1
    assert kernels.count("nchw16n_to_rows") == 1
    assert kernels.count("rows_to_nchw16n") == 1
    assert not [k for k in kernels if k.startswith("conv") and not k.endswith("_nchw16n")]


def test_local_response_normalisation_needs_no_conversion():
    x, y = images(32)
    kernels = kernels_of(fit(normalised(), x, y, batch_size=32, epochs=1))
    assert kernels.count("local_response_norm_forward") == kernels.count("local_response_norm_backward") == 2
    assert kernels.count("nchw16n_to_rows") == 1  # before the dense layer
    assert kernels.count("rows_to_nchw16n") == 0  # the dense layer's gradient is written with images innermost


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("network", [network, deep, normalised])
@pytest.mark.parametrize("batch", [13, 16, 17, 31, 32, None])
def test_a_whole_training_agrees_with_the_eager_one(batch, network, dtype):
    """There are 70 images, so that the last batch is smaller and may stay in rows."""
    x, y = images(70)
    results = []
    for compile in (True, False):
        model = network(dtype=dtype)
        trainer = fit(model, x, y, batch_size=batch, epochs=3, compile=compile, optimizer="adam")
        assert trainer.compiled == compile
        results.append((model.params, trainer.history.steps, model.predict_proba(x)))
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=CLOSE[dtype])


@pytest.mark.parametrize("network", [network, deep, normalised])
def test_the_number_of_threads_changes_no_bit(network):
    x, y = images(130)
    digests = set()
    for count in (1, 2, 3, 4):
        model = network()
        with threads(count):
            trainer = fit(model, x, y, batch_size=50, epochs=2, optimizer="momentum")
            digests.add(digest(model.params, trainer.history.steps, model.predict_proba(x)))
    assert len(digests) == 1


def test_blocks_of_a_large_batch_agree(monkeypatch):
    monkeypatch.setattr(compiled_steps, "MAX_BATCH", 40)
    monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 20)
    monkeypatch.setattr(session, "_WARM", WarmCache())  # programs of other blocks must not be used
    x, y = images(110)
    results = []
    for compile in (True, False):
        model = network(dtype="float64")
        fit(model, x, y, batch_size=None, epochs=3, compile=compile)
        results.append(model.params)
    np.testing.assert_allclose(results[0], results[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("last", ["image", "rows"])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_predictions_of_images_agree_with_the_layers(dtype, last):
    """Outputs that are images are returned as rows, and inputs may have any dtype."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 255, (50, *SHAPE)).astype(dtype)
    stack = [Conv2D(4, 3), ReLU(), *([Flatten(), Dense(3)] if last == "rows" else [])]
    model = fastnn.Sequential(stack, input_shape=SHAPE, input_scale=1 / 255)
    whole = model.forward(x)
    with fastnn.use_backend("reference"):
        np.testing.assert_allclose(whole, model.forward(x), rtol=0, atol=1e-5)
    assert same_bits(whole[:20], model.forward(x[:20]))


def test_an_array_that_changes_its_number_of_images_stays_in_rows():
    from fastnn.program.layout import images_innermost

    recorder = Recorder("float32")
    x, out = recorder.empty((32, 2, 4, 4)), recorder.empty((32, 3, 2, 2))
    w, dx = np.ones((3, 2, 3, 3), np.float32), recorder.empty((64, 1, 4, 4))
    recorder.conv_forward(x, w, None, out, 1, 1, 0, 0, 1, 1, 0)
    recorder.conv_forward(
        x.reshape(64, 1, 4, 4), w[:, :1].copy(), None, recorder.empty((64, 3, 2, 2)), 1, 1, 0, 0, 1, 1, 0
    )
    recorder.activation_forward(dx, dx, 1, 0.0)
    assert images_innermost(recorder.operations) == recorder.operations
