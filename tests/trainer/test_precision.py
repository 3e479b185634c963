"""The precision of products in training: the same bits by every way, nearly the result of float32, clear refusals."""

import json

import numpy as np
import pytest
from trainings import OPTIMIZERS, digest, mlp, output_of, samples, threads

import fastnn
from fastnn.kernels import precision_choice
from fastnn.kernels.backend import faster_precisions
from fastnn.kernels.precisions import PRECISIONS, Precision

X, Y = samples(300, 70, 5)
OTHERS = [name for name in PRECISIONS if name != "float32"]


@pytest.fixture(params=["as this processor is: bf16", *(f"in tiles: {name}" for name in OTHERS)])
def precision(request):
    """A precision that is computed here, by instructions or by what stands for them."""
    how, name = request.param.split(": ")
    if how == "in tiles":
        request.getfixturevalue("amx")
    if Precision.of(name) not in faster_precisions():
        pytest.skip("no fast products of bf16 here")
    return name


def make(*callbacks, model=None, **options):
    chosen = {"optimizer": "momentum", "batch_size": 100, "seed": 3, "epochs": 4, "precision": "bf16"} | options
    model = mlp(70, 96, 80, 5, seed=1) if model is None else model
    return fastnn.Trainer(model, callbacks=callbacks, progress=False, **chosen)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_compiled_and_layer_by_layer_and_on_any_number_of_threads_it_has_the_same_bits(precision, optimizer):
    results = set()
    for compile, count in ((True, 1), (True, 2), (True, 4), (False, 2)):
        with threads(count):
            trainer = make(optimizer=OPTIMIZERS[optimizer](), compile=compile, precision=precision)
            trainer.fit(X, Y)
        results.add(digest(trainer.model.params, trainer.history.steps))
    assert len(results) == 1


def test_a_dense_layer_behind_images_keeps_its_products_of_that_precision(precision):
    x, y = samples(64, 100, 5)
    plans = {}
    for name in ("float32", precision):
        stack = [fastnn.layers.Conv2D(8, 3, pad=1), fastnn.layers.Flatten(), fastnn.layers.Dense(96)]
        model = fastnn.Sequential([*stack, fastnn.layers.Dense(5)], input_shape=(1, 10, 10))
        trainer = make(model=model, batch_size=64, precision=name)
        trainer.fit(x.reshape(64, 1, 10, 10), y)
        plans[name] = trainer.explain()
    assert "affine_backward_update_nchw16n" in plans["float32"]  # which is one of float32
    assert "affine_backward_update_nchw16n" not in plans[precision]
    assert "affine_backward_input_nchw16n" not in plans[precision]


@pytest.mark.parametrize("precision", OTHERS)
def test_wide_convolutions_have_products_of_that_precision_on_any_number_of_threads(amx, precision):
    x, y = samples(64, 3 * 9 * 8, 5)
    results, losses = set(), {}
    for name, count in (("float32", 2), (precision, 1), (precision, 2), (precision, 3)):
        stack = [fastnn.layers.Conv2D(64, 3, pad=1), fastnn.layers.ReLU(), fastnn.layers.Conv2D(64, 3, pad=1)]
        model = fastnn.Sequential(
            [*stack, fastnn.layers.Flatten(), fastnn.layers.Dense(5)], input_shape=(3, 9, 8), seed=1
        )
        trainer = make(model=model, batch_size=32, precision=name, epochs=2)
        with threads(count):
            trainer.fit(x.reshape(64, 3, 9, 8), y)
        assert "winograd" in trainer.explain()
        losses[name] = trainer.history.steps
        results |= {digest(model.params)} if name == precision else set()
    assert len(results) == 1
    assert losses["float32"][0] != losses[precision][0]
    tolerance = {"bf16": 0.05, "fast3": 1e-3, "fast": 1e-4}[precision]
    np.testing.assert_allclose(losses[precision], losses["float32"], rtol=tolerance, atol=tolerance / 10)


def test_it_differs_from_float32_and_learns_as_well(precision):
    losses = {}
    for name in ("float32", precision):
        trainer = make(precision=name, epochs=20)
        trainer.fit(X, Y)
        losses[name] = trainer.history.steps
        assert trainer.model.dtype == np.float32
        assert trainer.history.precision == name
    assert not np.array_equal(losses["float32"], losses[precision])
    tolerance = {"bf16": 0.1, "fast3": 1e-3, "fast": 1e-4}[precision]
    np.testing.assert_allclose(losses[precision], losses["float32"], rtol=tolerance, atol=tolerance / 10)


def test_a_resumed_training_ends_with_the_same_bits(precision, tmp_path):
    pytest.importorskip("safetensors")
    whole = make(precision=precision)
    whole.fit(X, Y)
    make(fastnn.Checkpoint(tmp_path), epochs=2, precision=precision).fit(X, Y)
    resumed = make(precision=precision)
    resumed.resume(tmp_path, X, Y)
    assert digest(resumed.model.params) == digest(whole.model.params)
    assert resumed.history.precision == precision
    with pytest.raises(ValueError, match=f"precision was '{precision}', is 'float32'"):
        make(precision="float32").resume(tmp_path, X, Y)
    again = fastnn.Trainer.from_checkpoint(tmp_path)
    assert again.precision == precision


def test_a_trainer_has_the_precision_of_its_model_unless_it_is_given_another(precision):
    results = {}
    for own, given in (("float32", None), (precision, None), ("float32", precision), (precision, "float32")):
        model = mlp(70, 96, 80, 5, seed=1)
        model.precision = own
        trainer = make(model=model, precision=given)
        trainer.fit(X, Y)
        assert trainer.precision == (given or own)
        results[own, given] = digest(model.params)
    assert results[precision, None] == results["float32", precision] != results["float32", None]
    assert results[precision, "float32"] == results["float32", None]


def test_the_history_in_json_has_it(precision, tmp_path):
    trainer = make(precision=precision, epochs=1)
    trainer.fit(X, Y).to_json(tmp_path / "history.json")
    assert json.loads((tmp_path / "history.json").read_text())["precision"] == precision


@pytest.mark.parametrize("name", OTHERS)
def test_where_it_is_not_faster_a_warning_says_that_the_products_are_in_float32(monkeypatch, name):
    monkeypatch.setattr(precision_choice, "faster_precisions", frozenset)
    plain = make(precision="float32")
    plain.fit(X, Y)
    trainer = make(precision=name)
    with pytest.warns(UserWarning, match="fit: precision: the products are in float32, because") as caught:
        trainer.fit(X, Y)
    assert len(caught) == 1
    assert digest(trainer.model.params) == digest(plain.model.params)
    assert trainer.history.precision == "float32"


def test_it_depends_on_the_instruction_set_in_use():
    code = "from fastnn.kernels.backend import faster_precisions; print(*sorted(map(int, faster_precisions())))"
    assert output_of(code, FASTNN_BACKEND="reference") == ""
    pytest.importorskip("fastnn.kernels._native")
    assert output_of(code, FASTNN_BACKEND="native", FASTNN_ISA="amx") == "1 2 3"
    assert "amx" in output_of("import fastnn; fastnn.show_config()", FASTNN_BACKEND="native", FASTNN_ISA="amx")


def test_models_of_float64_and_other_precisions_are_refused():
    with pytest.raises(ValueError, match="Trainer: precision: expected 'float32' for a model of float64, got 'bf16'"):
        make(model=mlp(70, 96, 5, dtype="float64"))
    for bad in ("bfloat16", "fast2", "float16", 16):
        with pytest.raises(ValueError, match="Trainer: precision: expected 'float32', 'fast', 'fast3' or 'bf16', got"):
            make(precision=bad)
    with pytest.raises(ValueError, match="fit_many: precision: a population has none, got 'bf16'"):
        fastnn.fit_many(mlp(70, 40, 5), X, Y, seeds=range(2), precision="bf16")
    trainer = make()
    trainer.engine = lambda spec, problem: None
    with pytest.raises(
        ValueError, match="fit: precision: expected 'float32' where an engine runs the steps, got 'bf16'"
    ):
        trainer.fit(X, Y)
