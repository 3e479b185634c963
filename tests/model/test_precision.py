"""The precision of a model: its predictions, its file, its copies and parts."""

import pickle
import warnings

import numpy as np
import pytest
from trainings import mlp

import fastnn
from fastnn.kernels import precision_choice
from fastnn.kernels.precisions import Precision
from fastnn.kernels.reference.parts import product

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 100)).astype(np.float32)
NAMES = ["fast", "fast3", "bf16"]


def model_of(precision="float32", **options):
    return fastnn.Sequential([fastnn.layers.Dense(64)], input_shape=(100,), precision=precision, **options)


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_products_of_that_precision(amx, name):
    model = model_of(name)
    exact = X.astype(np.float64) @ model.parameters["dense1.w"]
    for rows in (X, X[:100], X[:40]):
        for _ in range(3):  # the second call of a small block compiles it, and the third uses that
            out = model.forward(rows)
            np.testing.assert_array_equal(out, product(rows, model.parameters["dense1.w"], Precision.of(name)))
    np.testing.assert_array_equal(model.features(X, at="dense1"), model.forward(X))
    np.testing.assert_array_equal(model.predict(X), model.forward(X).argmax(1))
    tolerance = {"fast": 2e-6, "fast3": 1e-4, "bf16": 2e-2}[name]
    np.testing.assert_allclose(model.forward(X), exact, rtol=0, atol=tolerance)


def test_it_may_be_set_at_any_time(amx):
    model = model_of()
    few = X[:40]
    plain = [model.forward(few) for _ in range(3)][-1]
    part = model.features(few, at="dense1")
    model.precision = "bf16"
    rounded = [model.forward(few) for _ in range(3)][-1]
    assert not np.array_equal(rounded, plain)
    np.testing.assert_array_equal(model.features(few, at="dense1"), rounded)
    model.precision = "float32"
    np.testing.assert_array_equal([model.forward(few) for _ in range(3)][-1], plain)
    np.testing.assert_array_equal(model.features(few, at="dense1"), part)


def test_gradients_of_a_batch_have_it_too(amx):
    model = mlp(100, 64, 64)
    y = RNG.integers(0, 64, len(X))
    found = {}
    for name in ("float32", "fast", "bf16"):
        model.precision = name
        found[name] = model.loss_and_gradients(X, y)[1]["dense1.w"]
    scale = np.abs(found["float32"]).max()
    assert 0 < np.abs(found["fast"] - found["float32"]).max() < 1e-5 * scale
    assert 1e-4 * scale < np.abs(found["bf16"] - found["float32"]).max() < 0.1 * scale


@pytest.mark.parametrize("name", NAMES)
def test_files_copies_and_cuts_keep_it(amx, name, tmp_path):
    pytest.importorskip("safetensors")
    model = model_of(name)
    model.save(tmp_path / "model.safetensors")
    for other in (
        fastnn.load(tmp_path / "model.safetensors"),
        model.copy(),
        pickle.loads(pickle.dumps(model)),
        model.cut("dense1"),
        fastnn.Sequential.from_config(model.config()),
    ):
        assert other.precision == name
    assert "precision" not in model_of().config()


def test_a_file_with_another_precision_is_refused():
    config = model_of().config() | {"precision": "double"}
    with pytest.raises(ValueError, match="Sequential: precision: expected 'float32', 'fast', 'fast3' or 'bf16'"):
        fastnn.Sequential.from_config(config)


def test_float64_has_none():
    with pytest.raises(
        ValueError, match="Sequential: precision: expected 'float32' for a model of float64, got 'fast'"
    ):
        model_of("fast", dtype="float64")
    model = model_of(dtype="float64")
    with pytest.raises(ValueError, match="expected 'float32' for a model of float64, got 'bf16'"):
        model.precision = "bf16"
    assert model.precision == "float32"


def test_where_it_is_not_faster_one_warning_says_so_and_the_bits_are_those_of_float32(monkeypatch):
    monkeypatch.setattr(precision_choice, "faster_precisions", frozenset)
    with pytest.warns(UserWarning, match="Sequential: precision: the products are in float32, because"):
        model = model_of("fast")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(model.forward(X), model_of().forward(X))
        fastnn.Trainer(model, epochs=1, progress=False).fit(X, np.zeros(len(X), int))
