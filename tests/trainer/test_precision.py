"""Training with products of bf16: the same bits by every way, nearly the result of float32, and clear refusals."""

import numpy as np
import pytest
from trainings import OPTIMIZERS, digest, mlp, samples, threads

import fastnn
from fastnn.kernels.backend import bf16_is_fast
from fastnn.trainer import preparation

X, Y = samples(300, 70, 5)
needs_fast = pytest.mark.skipif(not bf16_is_fast(), reason="no fast products of bf16 here")


def make(*callbacks, model=None, **options):
    chosen = {"optimizer": "momentum", "batch_size": 100, "seed": 3, "epochs": 4, "precision": "bf16"} | options
    model = mlp(70, 96, 80, 5, seed=1) if model is None else model
    return fastnn.Trainer(model, callbacks=callbacks, progress=False, **chosen)


@needs_fast
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_compiled_and_layer_by_layer_and_on_any_number_of_threads_it_has_the_same_bits(optimizer):
    results = set()
    for compile, count in ((True, 1), (True, 2), (True, 4), (False, 2)):
        with threads(count):
            trainer = make(optimizer=OPTIMIZERS[optimizer](), compile=compile)
            trainer.fit(X, Y)
        results.add(digest(trainer.model.params, trainer.history.steps))
    assert len(results) == 1


@needs_fast
def test_a_dense_layer_behind_images_keeps_its_products_of_bf16():
    x, y = samples(64, 100, 5)
    plans = {}
    for precision in ("float32", "bf16"):
        stack = [fastnn.layers.Conv2D(8, 3, pad=1), fastnn.layers.Flatten(), fastnn.layers.Dense(96)]
        model = fastnn.Sequential([*stack, fastnn.layers.Dense(5)], input_shape=(1, 10, 10))
        trainer = make(model=model, batch_size=64, precision=precision)
        trainer.fit(x.reshape(64, 1, 10, 10), y)
        plans[precision] = trainer.explain()
    assert "affine_backward_update_nchw16n" in plans["float32"]  # which is one of float32
    assert "affine_backward_update_nchw16n" not in plans["bf16"]
    assert "affine_backward_input_nchw16n" not in plans["bf16"]


@needs_fast
def test_it_differs_from_float32_and_learns_as_well():
    losses = {}
    for precision in ("float32", "bf16"):
        trainer = make(precision=precision, epochs=20)
        trainer.fit(X, Y)
        losses[precision] = trainer.history.steps
        assert trainer.model.dtype == np.float32
    assert not np.array_equal(losses["float32"], losses["bf16"])
    np.testing.assert_allclose(losses["bf16"], losses["float32"], rtol=0.1, atol=0.01)


@needs_fast
def test_a_resumed_training_ends_with_the_same_bits(tmp_path):
    pytest.importorskip("safetensors")
    whole = make()
    whole.fit(X, Y)
    make(fastnn.Checkpoint(tmp_path), epochs=2).fit(X, Y)
    resumed = make()
    resumed.resume(tmp_path, X, Y)
    assert digest(resumed.model.params) == digest(whole.model.params)
    with pytest.raises(ValueError, match="precision was 'bf16', is 'float32'"):
        make(precision="float32").resume(tmp_path, X, Y)


def test_where_it_is_not_faster_a_warning_says_that_the_products_are_in_float32(monkeypatch):
    monkeypatch.setattr(preparation, "bf16_is_fast", lambda: False)
    plain = make(precision="float32")
    plain.fit(X, Y)
    trainer = make()
    with pytest.warns(UserWarning, match="fit: precision: the products are in float32, because"):
        trainer.fit(X, Y)
    assert digest(trainer.model.params) == digest(plain.model.params)


def test_models_of_float64_and_other_precisions_are_refused():
    with pytest.raises(ValueError, match="Trainer: precision: expected 'float32' for a model of float64, got 'bf16'"):
        make(model=mlp(70, 96, 5, dtype="float64"))
    for bad in ("fast", "fast3", "float16", None, 16):
        with pytest.raises(ValueError, match="Trainer: precision: expected 'float32' or 'bf16', got"):
            make(precision=bad)
    with pytest.raises(ValueError, match="fit_many: precision: a population has none, got 'bf16'"):
        fastnn.fit_many(mlp(70, 40, 5), X, Y, seeds=range(2), precision="bf16")
    trainer = make()
    trainer.engine = lambda spec, problem: None
    with pytest.raises(
        ValueError, match="fit: precision: expected 'float32' where an engine runs the steps, got 'bf16'"
    ):
        trainer.fit(X, Y)
