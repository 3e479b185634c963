"""L1 and L2 penalties are part of the loss and of the gradient, and become part of the update where they can."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import needs_native

import fastnn
from fastnn.layers import Conv2D, Dense, Flatten, ReLU
from fastnn.program import compiled_steps, session
from fastnn.program.warm import WarmCache

RNG = np.random.default_rng(2)
X, Y = RNG.standard_normal((40, 1, 6, 5)), RNG.integers(0, 3, 40)
KINDS = {"l2": {"l2": 0.1}, "l1": {"l1": 0.05}, "both": {"l1": 0.05, "l2": 0.1}}
every_kind = pytest.mark.parametrize("kind", KINDS)


def model_of(kind, dtype="float64"):
    options = KINDS.get(kind, {})
    layers = [Conv2D(3, 2, **options), ReLU(), Flatten(), Dense(33, **options), ReLU(), Dense(3, l2=0.01)]
    return fastnn.Sequential(layers if kind else [Flatten(), Dense(3)], input_shape=(1, 6, 5), dtype=dtype, seed=3)


def penalty_of(model, kind):
    options = KINDS[kind]
    penalised = [model.parameters["conv1.w"], model.parameters["dense1.w"]]
    total = sum(options.get("l1", 0) * abs(w).sum() + options.get("l2", 0) / 2 * (w**2).sum() for w in penalised)
    return total + 0.01 / 2 * (model.parameters["dense2.w"] ** 2).sum()


def plain_loss(model):
    """The loss without penalties."""
    return fastnn.functional.softmax_loss(model.forward(X), Y)[0]


@every_kind
def test_the_loss_includes_the_penalties(kind):
    model = model_of(kind)
    want = plain_loss(model) + penalty_of(model, kind)
    loss, gradients = model.loss_and_gradients(X, Y)
    np.testing.assert_allclose(loss, want, rtol=1e-12)
    np.testing.assert_allclose(model.evaluate(X, Y)["loss"], want, rtol=1e-12)
    for layer in (*model.layers,):
        for p in layer.parameters:
            p.l1 = p.l2 = 0.0
    options = KINDS[kind]
    _, without = model.loss_and_gradients(X, Y)
    w = model.parameters["dense1.w"]
    added = options.get("l1", 0) * np.sign(w) + options.get("l2", 0) * w
    np.testing.assert_allclose(gradients["dense1.w"] - without["dense1.w"], added, atol=1e-12)
    assert same_bits(gradients["dense1.b"], without["dense1.b"])


@every_kind
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("batch", [8, None])
@pytest.mark.parametrize("blocks", [False, True])
def test_compiled_is_layer_by_layer(kind, optimizer, batch, blocks, monkeypatch):
    if blocks:
        monkeypatch.setattr(compiled_steps, "MAX_BATCH", 20)
        monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 16)
        monkeypatch.setattr(session, "_WARM", WarmCache())  # programs of other blocks must not be used
    found = []
    for compile in (True, False):
        model = model_of(kind)
        trainer = fastnn.Trainer(
            model, optimizer=fastnn.optim.get(optimizer), batch_size=batch, epochs=3, progress=False, compile=compile
        )
        trainer.fit(X, Y)
        found.append((model.params, trainer.history.steps))
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-11)


@needs_native
def test_l2_without_l1_becomes_decay_of_the_update():
    model = fastnn.Sequential([Dense(20, l2=0.1), ReLU(), Dense(3, l2=0.2)], input_shape=(30,))
    trainer = fastnn.Trainer(model, optimizer="adam", batch_size=8, epochs=1, progress=False)
    trainer.fit(X.reshape(40, 30), Y)
    text = trainer.explain()
    assert text.count("affine_backward_weight_update (adam)") == 2
    assert "\nupdate" not in text


def test_l2_trains_like_weight_decay_of_the_weights():
    found = []
    for options, decay in (({"l2": 0.3}, 0.0), ({}, 0.3)):
        model = fastnn.Sequential([Flatten(), Dense(3, **options)], input_shape=(1, 6, 5), seed=3)
        optimizer = fastnn.optim.SGD(0.1, weight_decay=decay)
        fastnn.Trainer(model, optimizer=optimizer, batch_size=8, epochs=2, progress=False).fit(X, Y)
        found.append(model.params)
    assert same_bits(*found)


@pytest.mark.parametrize("layer", [Dense, lambda units, **options: Conv2D(units, 3, **options)])
@pytest.mark.parametrize("name", ["l1", "l2"])
def test_a_penalty_is_a_number_of_at_least_zero(layer, name):
    with pytest.raises(ValueError, match=f"{name}: expected a finite number of at least 0, got -1"):
        layer(3, **{name: -1})
    with pytest.raises(TypeError, match=f"{name}: expected a finite number"):
        layer(3, **{name: "1"})


@every_kind
def test_penalties_are_in_the_configuration(kind):
    model = model_of(kind)
    again = fastnn.Sequential.from_config(model.config())
    assert repr(again) == repr(model)
    assert [p.l2 for p in again.layers[0].parameters] == [KINDS[kind].get("l2", 0.0), 0.0]
