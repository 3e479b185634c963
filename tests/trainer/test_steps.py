"""`Trainer.step` and `Trainer.steps`: the bits of `fit`, one call after the other."""

import copy
import pickle

import numpy as np
import pytest
from strategies import same_bits
from trainings import OPTIMIZERS, mlp, samples

import fastnn
from fastnn import layers
from fastnn.schedules import Cosine
from fastnn.trainer.shuffle import shuffled_batches


def net(dtype="float32"):
    stack = [layers.Dense(40), layers.ReLU(), layers.Dropout(0.3), layers.Dense(3)]
    return fastnn.Sequential(stack, input_shape=(7,), dtype=dtype)


def trainer_of(kind="adam", **options):
    return fastnn.Trainer(net(), optimizer=OPTIMIZERS[kind](), seed=5, batch_size=32, progress=False, **options)


def batches(count, epochs):
    for epoch in shuffled_batches(5, range(1, epochs + 1), count, 32, True):
        for segment in epoch:
            yield from segment


def test_the_batches_of_fit_give_the_bits_of_fit():
    x, y = samples(70, 7, 3)
    for data in (x, x.astype(np.float32)):
        for kind in OPTIMIZERS:
            options = {"epochs": 3, "schedule": Cosine(3, by="step"), "clip_norm": 1.0}
            fitted = trainer_of(kind, **options)
            fitted.fit(data, y)
            stepped = trainer_of(kind, **options)
            losses = [stepped.step(data[rows], y[rows], steps_per_epoch=3) for rows in batches(70, 3)]
            assert same_bits(stepped.model.params, fitted.model.params)
            assert same_bits(np.array(losses), fitted.history.steps)
            several = trainer_of(kind, **options)
            losses = np.concatenate([several.steps(data, y, n) for n in (2, 5, 2)])
            assert same_bits(several.model.params, fitted.model.params)
            assert same_bits(losses, fitted.history.steps)


def test_layer_by_layer_and_large_data_give_the_same_bits(monkeypatch):
    x, y = samples(70, 7, 3)
    expected = trainer_of()
    expected.steps(x, y, 6)
    for change in ("eager", "large"):
        if change == "large":
            monkeypatch.setattr("fastnn.trainer.online.COPIED_BYTES", 0)
        trainer = trainer_of(compile=change != "eager")
        trainer.steps(x, y, 3)
        trainer.steps(x, y, 3)
        assert same_bits(trainer.model.params, expected.model.params)


def test_targets_of_other_kinds_and_weights():
    x, y = samples(32, 7, 3)
    for loss, targets in (("mean_squared_error", np.eye(3)[y]), ("binary_cross_entropy", np.eye(3)[y])):
        fitted = fastnn.Trainer(net(), loss=loss, epochs=1, shuffle=False, progress=False)
        fitted.fit(x, targets)
        stepped = fastnn.Trainer(net(), loss=loss)
        assert stepped.step(x, targets) == fitted.history.steps[0]
        assert same_bits(stepped.model.params, fitted.model.params)
    weights = np.linspace(0, 2, 32)
    fitted = fastnn.Trainer(net(), epochs=1, shuffle=False, class_weight={0: 2.0}, progress=False)
    fitted.fit(x, y, sample_weight=weights)
    stepped = fastnn.Trainer(net(), class_weight={0: 2.0})
    assert stepped.step(x, y, weights) == fitted.history.steps[0]
    assert same_bits(stepped.model.params, fitted.model.params)


def test_rates_settings_and_frozen_layers_may_change_between_steps():
    x, y = samples(32, 7, 3)
    trainer = trainer_of("momentum")
    trainer.step(x, y)
    trainer.optimizer.learning_rate = 1e-9
    before = trainer.model.params.copy()
    trainer.optimizer.momentum = 0.0
    trainer.step(x, y)
    assert np.abs(trainer.model.params - before).max() < 1e-6
    trainer.optimizer.learning_rate = 0.5
    trainer.model.layers[0].frozen = True
    before = trainer.model.parameters["dense1.w"].copy()
    last = trainer.model.parameters["dense2.w"].copy()
    trainer.step(x, y)
    assert same_bits(trainer.model.parameters["dense1.w"], before)
    assert not same_bits(trainer.model.parameters["dense2.w"], last)


def test_a_copy_goes_on_with_the_same_bits():
    x, y = samples(32, 7, 3)
    trainer = trainer_of()
    trainer.step(x, y)
    for other in (copy.deepcopy(trainer), pickle.loads(pickle.dumps(trainer))):
        reference = copy.deepcopy(trainer)
        assert other.step(x, y) == reference.step(x, y)
        assert same_bits(other.model.params, reference.model.params)


def test_fit_ends_a_series_of_steps():
    x, y = samples(32, 7, 3)
    trainer = trainer_of(epochs=1)
    trainer.step(x, y)
    trainer.fit(x, y)
    other = trainer_of()
    other.model.params[...] = trainer.model.params
    assert trainer.step(x, y) == other.step(x, y)
    assert same_bits(trainer.model.params, other.model.params)


def test_what_does_not_fit_is_refused_every_time_and_changes_nothing():
    x, y = samples(32, 7, 3)
    trainer = trainer_of()
    trainer.step(x, y)
    before = trainer.model.params.copy()
    infinite, wide = x.copy(), np.zeros((32, 8))
    infinite[3, 2] = np.inf
    wrong = [
        ((infinite, y), "x: expected finite numbers, got infinity in sample 3, column 2"),
        ((wide, y), r"step: x must have shape \(N, 7\)"),
        ((x, y + 1), "labels"),
        ((x, y[:-1]), "step: x has 32 samples but y has 31"),
        ((x, y, np.full(32, -1.0)), "step: sample_weight"),
    ]
    for arguments, message in wrong:
        with pytest.raises(ValueError, match=message):
            trainer.step(*arguments)
    with pytest.raises(ValueError, match="steps: n: expected a whole number of at least 1"):
        trainer.steps(x, y, 0)
    assert same_bits(trainer.model.params, before)
    with pytest.raises(ValueError, match="steps_per_epoch: expected the number of steps"):
        trainer_of(schedule=Cosine(3)).step(x, y)
    with pytest.raises(ValueError, match="class_weight: expected numbers by class, got 'balanced'"):
        trainer_of(class_weight="balanced").step(x, y)


def test_a_loss_that_is_not_finite_is_an_error_unless_it_is_ignored():
    x, y = samples(32, 7, 3)
    for ignore in (False, True):
        optimizer = fastnn.optim.SGD(1e38)
        choice = "ignore" if ignore else "raise"
        trainer = fastnn.Trainer(mlp(7, 5, 3), optimizer=optimizer, on_nonfinite=choice)
        if ignore:
            trainer.steps(x, y, 5)
        else:
            with pytest.raises(fastnn.NonFiniteLossError):
                trainer.steps(x, y, 5)
