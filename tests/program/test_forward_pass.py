"""Models run on many samples block by block, compiled, and from several threads."""

import gc
import threading
import weakref

import numpy as np
import pytest
from strategies import LAYOUTS, same_bits
from trainings import ACTIVATIONS, fit, mlp, needs_native, samples, threads

import fastnn
from fastnn.layers import Dense, Tanh
from fastnn.program import forward
from fastnn.program.forward import BLOCK_ROWS, CACHED_PROGRAMS
from fastnn.program.warm import MAX_PROGRAMS

SIZES = [1, 2, 11, 12, 13, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, 3 * BLOCK_ROWS + 5]


def outputs(model, x):
    return model.forward(x), model.predict_proba(x), model.predict(x)


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(9, 30, 4), (70, 128, 60, 10), (5, 3), (300, 400, 2)])
def test_a_row_has_the_same_bits_whatever_the_other_rows_are(sizes, dtype):
    """The result for a row does not depend on the number of rows, on their blocks, or on threads."""
    model = mlp(*sizes, dtype=dtype, seed=3)
    x = np.random.default_rng(0).normal(size=(max(SIZES), sizes[0])).astype("float32")
    whole = outputs(model, x)
    for n in SIZES:
        for count in (1, 4):
            with threads(count):
                assert all(same_bits(part, full[:n]) for part, full in zip(outputs(model, x[:n]), whole, strict=True))
    shifted = outputs(model, x[7:])
    assert all(same_bits(part, full[7:]) for part, full in zip(shifted, whole, strict=True))


@needs_native
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_compiled_pass_has_the_bits_of_the_eager_one(activation, dtype, monkeypatch):
    x, _ = samples(BLOCK_ROWS + 30, 8, 4)
    model = mlp(8, 21, 4, activation=ACTIVATIONS[activation], dtype=dtype, input_scale=0.5)
    compiled = outputs(model, x)
    monkeypatch.setattr(forward, "current_backend", lambda: "eager")
    assert all(same_bits(a, b) for a, b in zip(compiled, outputs(model, x), strict=True))


@pytest.mark.parametrize("n", SIZES)
def test_the_reference_backend_agrees(n):
    x, _ = samples(n, 8, 4)
    model = mlp(8, 21, 4, dtype="float64")
    native = outputs(model, x)
    with fastnn.use_backend("reference"):
        reference = outputs(model, x)
    np.testing.assert_allclose(native[0], reference[0], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(native[1], reference[1], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_of_inputs_is_taken(layout):
    x, _ = samples(BLOCK_ROWS + 9, 8, 4)
    given = LAYOUTS[layout](x.astype("float32"))
    before = given.tobytes()
    assert same_bits(mlp(8, 6, 4).forward(given), mlp(8, 6, 4).forward(x.astype("float32")))
    assert given.tobytes() == before


def test_changed_parameters_and_scale_are_used():
    x, _ = samples(50, 8, 4)
    model = mlp(8, 6, 4, dtype="float64")
    first = model.forward(x)
    model.input_scale = 0.5
    half = model.forward(x)
    assert not np.allclose(half, first)
    model.input_scale = 1.0
    model.params *= 2
    doubled = model.forward(x)
    assert not np.allclose(doubled, first)
    model.params /= 2
    assert same_bits(model.forward(x), first)


@needs_native
def test_two_threads_may_run_one_model_at_once():
    """Each uses a compiled pass of its own, so that none sees the rows of the other."""
    model = mlp(60, 80, 10)
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=(600 + 37 * i, 60)).astype("float32") for i in range(4)]
    expected = [model.predict_proba(part) for part in parts]
    wrong = []

    def work(part, right):
        for _ in range(60):
            if not same_bits(model.predict_proba(part), right):
                wrong.append(len(part))

    workers = [threading.Thread(target=work, args=pair) for pair in zip(parts, expected, strict=True)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


@needs_native
def test_few_programs_are_cached_and_none_keeps_a_model_or_its_arrays():
    model = mlp(8, 6, 4)
    x = np.zeros((300, 8))
    for n in range(1, 100):
        model.predict(x[:n])
        assert len(model.quick) <= CACHED_PROGRAMS
        assert len(forward._WARM) <= MAX_PROGRAMS
    for _ in range(2):
        model.predict(x)
    seen = [weakref.ref(model), weakref.ref(model.params), weakref.ref(model.parameters["dense1.w"])]
    del model
    gc.collect()
    assert [of() for of in seen] == [None] * 3


@needs_native
@pytest.mark.parametrize("n", [7, 256, 600])
def test_models_of_one_kind_share_a_compiled_pass_and_nothing_else(n, monkeypatch):
    x = np.random.default_rng(0).normal(size=(n, 60)).astype("float32")
    first, second = mlp(60, 80, 10), mlp(60, 80, 10)
    second.reset(5)
    with fastnn.use_backend("reference"):
        expected = [model.forward(x) for model in (first, second)]
    first.forward(x)
    monkeypatch.setattr(forward, "record", lambda *_: pytest.fail("compiled anew"))
    for _ in range(2):
        np.testing.assert_allclose(second.copy().forward(x), expected[1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(first.copy().forward(x), expected[0], rtol=1e-4, atol=1e-5)
    second.params *= 0
    assert not second.copy().forward(x).any()
    monkeypatch.undo()
    other = fastnn.Sequential([Dense(80), Tanh(), Dense(10)], input_shape=(60,))
    other.params[...] = first.params
    assert not np.allclose(other.forward(x), expected[0], atol=1e-2)


@needs_native
@pytest.mark.parametrize("n", [1, 3, 300, 600])
def test_classes_are_where_the_largest_output_stands(n):
    model = mlp(8, 40, 4)
    x = np.random.default_rng(n).normal(size=(n, 8)).astype(np.float32)
    for _ in range(2):  # first by blocks, then by the quick pass
        np.testing.assert_array_equal(model.predict(x), model.forward(x).argmax(1))


@needs_native
def test_a_long_pass_sees_weights_that_were_changed_since():
    model = mlp(8, 40, 4)
    x = np.ones((600, 8), np.float32)
    model.forward(x)
    model.params[:] = 0
    assert not model.forward(x).any()


@needs_native
def test_a_pass_that_is_used_again_is_not_compiled_again(monkeypatch):
    model = mlp(8, 6, 4)
    first = model.predict(np.ones((5, 8)))
    monkeypatch.setattr(forward, "record", None)
    assert same_bits(model.predict(np.ones((5, 8))), first)


def test_training_and_predicting_may_alternate():
    x, y = samples(90, 8, 3)
    model = mlp(8, 12, 3)
    before = model.predict_proba(x)
    fit(model, x, y, epochs=3, optimizer="adam")
    after = model.predict_proba(x)
    assert not np.allclose(before, after)
    assert same_bits(after, model.copy().predict_proba(x))
