"""A batch that is too large for the cache is processed in blocks, with the same results within the bound."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import OPTIMIZERS, digest, fit, mlp, needs_native, samples, threads

import fastnn
from fastnn.layers import Dense, Layer
from fastnn.program import compiled_steps, session
from fastnn.program.compiled_steps import blocks_of
from fastnn.program.warm import WarmCache

N = 130


@pytest.fixture
def small_blocks(monkeypatch):
    """Use blocks of 16 rows for every batch above 40, so that tests stay small."""
    monkeypatch.setattr(compiled_steps, "MAX_BATCH", 40)
    monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 16)
    monkeypatch.setattr(session, "_WARM", WarmCache())  # programs of other blocks must not be used


def trained(batch, optimizer="momentum", **options):
    x, y = samples(N, 9, 3)
    model = mlp(9, 14, 3, dtype=options.pop("dtype", "float64"))
    trainer = fit(model, x, y, batch_size=batch, epochs=3, optimizer=OPTIMIZERS[optimizer](), **options)
    return model.params, trainer


@pytest.mark.parametrize("batch", [1, 40, 41, 48, 57, 1000])
def test_blocks_cover_the_batch(batch, small_blocks):
    sizes = blocks_of(batch)
    assert sum(sizes) == batch
    assert len(sizes) == 1 if batch <= 40 else set(sizes[:-1]) == {16} and 0 < sizes[-1] <= 16


def test_blocks_have_their_real_sizes():
    assert blocks_of(compiled_steps.MAX_BATCH) == [compiled_steps.MAX_BATCH]
    assert max(blocks_of(compiled_steps.MAX_BATCH + 1)) == compiled_steps.BLOCK_ROWS


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("batch", [None, 100])
def test_blocks_agree_with_one_whole_batch(batch, compile, optimizer, monkeypatch):
    whole, one = trained(batch, optimizer, compile=compile)
    monkeypatch.setattr(compiled_steps, "MAX_BATCH", 40)
    monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 16)
    monkeypatch.setattr(session, "_WARM", WarmCache())  # programs of other blocks must not be used
    blocked, many = trained(batch, optimizer, compile=compile)
    np.testing.assert_allclose(blocked, whole, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(many.history.steps, one.history.steps, rtol=1e-12)
    assert [e["accuracy"] for e in many.history.epochs] == [e["accuracy"] for e in one.history.epochs]


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch", [None, 100, 48])
def test_compiled_and_eager_give_the_same_bits(batch, optimizer, dtype, small_blocks):
    compiled, one = trained(batch, optimizer, dtype=dtype)
    eager, two = trained(batch, optimizer, dtype=dtype, compile=False)
    assert one.compiled
    assert same_bits(compiled, eager)
    assert same_bits(one.history.steps, two.history.steps)


@needs_native
@pytest.mark.parametrize("compile", [True, False])
def test_the_number_of_threads_changes_no_bit(compile):
    """The blocks have their real sizes, and threads share their work."""
    x, y = samples(2100, 60, 10)
    digests = set()
    for count in (1, 2, 3, 4):
        model = mlp(60, 90, 10)
        with threads(count):
            trainer = fit(model, x, y, batch_size=None, epochs=2, compile=compile)
        digests.add(digest(model.params, trainer.history.steps))
    assert len(digests) == 1


@needs_native
def test_explain_counts_all_blocks(small_blocks):
    _, trainer = trained(None)
    text = trainer.explain()
    work = 2 * N * (9 * 14 + 14 * 3) + 2 * N * (9 * 14 + 2 * 14 * 3)  # forward, backward without first dx
    assert f"{work / 1e6:.2f} MFLOP" in text
    assert "7 ×" in text


class NumPyDense(Layer):
    """A layer that ignores blocks: it sets its gradient, whatever was there."""

    kind = "numpy_dense"

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.input_shape, self.output_shape = input_shape, (self.units,)
        fans = (input_shape[0], self.units)
        self.w = fastnn.layers.base.Parameter("w", fans, fastnn.init.get("glorot_uniform"), fans)
        return self.output_shape

    @property
    def parameters(self):
        return (self.w,)

    def forward(self, ops, x, training):
        return x @ self.w.value, x

    def backward(self, ops, dout, cache, need_dx):
        self.w.grad[...] = cache.T @ dout
        return dout @ self.w.value.T if need_dx else None

    def config(self):
        return {"units": self.units}


@pytest.mark.filterwarnings("ignore:fit. the training runs layer by layer")
@pytest.mark.parametrize("compile", [True, False])
def test_a_numpy_layer_gets_whole_batches(compile, small_blocks):
    """It cannot know that gradients must be added up, so it must not need to."""
    x, y = samples(N, 9, 3)
    own = fastnn.Sequential([NumPyDense(12), fastnn.layers.Tanh(), Dense(3)], input_shape=(9,), dtype="float64")
    ours = fastnn.Sequential([Dense(12, bias=False), fastnn.layers.Tanh(), Dense(3)], input_shape=(9,), dtype="float64")
    assert same_bits(own.params, ours.params)
    for model in (own, ours):
        fit(model, x, y, batch_size=None, epochs=3, compile=compile)
    np.testing.assert_allclose(own.params, ours.params, rtol=1e-11, atol=1e-13)
