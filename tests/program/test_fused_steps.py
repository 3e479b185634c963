"""A fused training has the bits of an unfused one."""

import pytest
from strategies import same_bits
from trainings import ACTIVATIONS, COMBINATIONS, LOSSES, OPTIMIZERS, fit, mlp, needs_native, samples

import fastnn
from fastnn.layers import Dense, Flatten, Layer, ReLU
from fastnn.program import compiled, session
from fastnn.program.fuse import fuse
from fastnn.program.warm import WarmCache


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("optimizer", "target", "activation"), COMBINATIONS)
def test_a_fused_training_has_the_bits_of_an_unfused_one(optimizer, target, activation, dtype, monkeypatch):
    x, y = samples(45, 6, 3)
    loss, targets = LOSSES[target]
    results = []
    for rules in (fuse, list):
        monkeypatch.setattr(compiled, "fuse", rules)
        monkeypatch.setattr(session, "_WARM", WarmCache())  # the programs of other rules must not be used
        model = mlp(6, 13, 8, 3, activation=ACTIVATIONS[activation], dtype=dtype)
        trainer = fit(model, x, targets(y, 3), loss=loss, optimizer=OPTIMIZERS[optimizer](), batch_size=16, epochs=2)
        assert trainer.compiled
        results.append((model.params, trainer.history.steps, trainer.explain().count("\nupdate")))
    assert same_bits(results[0][0], results[1][0])
    assert same_bits(results[0][1], results[1][1])
    assert results[1][2] > 0
    biases = 3 if optimizer == "muon" else 0  # whose weights have a step of another kind, so nothing is fused
    assert results[0][2] == biases


class Square(Layer):
    """Rows as square images, by the reshape method of a stand-in."""

    def build(self, input_shape):
        side = int(input_shape[0] ** 0.5)
        self.input_shape, self.output_shape = input_shape, (side, side)
        return self.output_shape

    def forward(self, ops, x, training):
        return x.reshape(x.shape[0], *self.output_shape), None

    def backward(self, ops, dout, cache, need_dx):
        return dout.reshape(dout.shape[0], -1)


@needs_native
def test_activations_of_images_between_dense_layers_are_fused():
    x, y = samples(40, 6, 3)
    results = []
    for compile in (True, False):
        model = fastnn.Sequential(
            [Dense(9), Square(), ReLU(), Flatten(), Dense(4), Square(), ReLU(), Flatten(), Dense(3)],
            input_shape=(6,),
        )
        trainer = fit(model, x, y, compile=compile, epochs=2)
        assert trainer.compiled == compile
        results.append(model.params)
    assert same_bits(*results)
