"""A moving average of the weights: what it is, who sees it, and that an interrupted training has the same."""

import numpy as np
import pytest
from trainings import OPTIMIZERS, digest, mlp, samples

import fastnn
from fastnn import layers

X, Y = samples(90, 6, 3)
VALIDATION = samples(20, 6, 3, seed=5)
STEPS = 6  # steps in an epoch, of which the last is smaller


def make(*callbacks, model=None, **options):
    chosen = {"optimizer": "adam", "batch_size": 17, "seed": 3, "epochs": 4, "average": "ema"} | options
    model = mlp(6, 40, 3, seed=1) if model is None else model
    return fastnn.Trainer(model, callbacks=callbacks, progress=False, **chosen)


def normed():
    stack = [layers.Conv2D(4, 3, pad="same"), layers.BatchNorm(), layers.ReLU(), layers.MaxPool2D(2)]
    return fastnn.Sequential([*stack, layers.Flatten(), layers.Dense(40), layers.Dense(3)], input_shape=(1, 6, 6))


class Weights(fastnn.Callback):
    """Notes all arrays of the model after every step."""

    every = 1

    def on_train_begin(self, trainer):
        self.found = []

    def on_step(self, trainer, step):
        arrays = {**trainer.model.parameters, **trainer.model.state}
        self.found.append({name: array.copy() for name, array in arrays.items()})


def averages(first, followed, keep):
    """The moving average of arrays after each of the steps."""
    average, found = {name: array.astype(np.float64) for name, array in first.items()}, []
    for t, arrays in enumerate(followed, 1):
        share = min(keep, (1 + t) / (10 + t))
        average = {name: share * average[name] + (1 - share) * arrays[name] for name in arrays}
        found.append(average)
    return found


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize(("average", "keep"), [("ema", 0.999), ("ema:0.5", 0.5)])
@pytest.mark.parametrize("images", [True, False])
def test_the_model_holds_the_average_and_the_training_goes_on_without_it(average, keep, images, compile):
    x, new = (samples(90, 36, 3)[0].reshape(90, 1, 6, 6), normed) if images else (X, lambda: mlp(6, 40, 3, seed=1))
    plain, averaged = Weights(), Weights()
    first = new()
    make(plain, model=new(), average=None, compile=compile).fit(x, Y)
    trainer = make(averaged, model=new(), average=average, compile=compile)
    trainer.fit(x, Y)
    expected = averages({**first.parameters, **first.state}, plain.found, keep)
    for seen, wanted in zip(averaged.found, expected, strict=True):
        for name, value in wanted.items():
            np.testing.assert_allclose(seen[name], value, rtol=2e-5, atol=2e-6)
    last = {**trainer.model.parameters, **trainer.model.state}
    for name, value in averaged.found[-1].items():
        np.testing.assert_array_equal(last[name], value)
    trained = trainer.run.spec.problem.state
    for name, value in plain.found[-1].items():
        np.testing.assert_array_equal(trained[name]["average"], value)


def test_it_changes_neither_the_steps_nor_their_losses():
    with_average, without = make(), make(average=None)
    with_average.fit(X, Y)
    without.fit(X, Y)
    np.testing.assert_array_equal(with_average.history.steps, without.history.steps)
    assert not np.array_equal(with_average.model.params, without.model.params)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_compiled_and_layer_by_layer_it_has_the_same_bits(optimizer):
    results = set()
    for compile in (True, False):
        trainer = make(optimizer=OPTIMIZERS[optimizer](), compile=compile)
        trainer.fit(X, Y)
        results.add(digest(trainer.model.params))
    assert len(results) == 1


def test_it_is_what_the_validation_measures():
    trainer = make()
    history = trainer.fit(X, Y, VALIDATION)
    measured = trainer.model.evaluate(*VALIDATION)
    assert history.epochs[-1]["val_loss"] == pytest.approx(measured["loss"], rel=1e-6)
    assert history.epochs[-1]["val_accuracy"] == measured["accuracy"]


def test_the_best_weights_are_those_of_an_average():
    seen = []

    class Note(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            seen.append(trainer.model.params.copy())

    best = fastnn.BestWeights()
    trainer = make(best, Note())
    trainer.fit(X, Y, VALIDATION)
    np.testing.assert_array_equal(trainer.model.params, seen[best.best_epoch - 1])


def test_the_model_of_a_checkpoint_is_the_average(tmp_path):
    pytest.importorskip("safetensors")
    trainer = make(fastnn.Checkpoint(tmp_path / "last.safetensors"))
    trainer.fit(X, Y)
    saved = fastnn.load(tmp_path / "last.safetensors")
    np.testing.assert_array_equal(saved.params, trainer.model.params)


@pytest.mark.parametrize("at", [1, 6, 13])
@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("compile", [True, False])
def test_a_resumed_training_ends_with_the_same_bits(tmp_path, at, images, compile):
    pytest.importorskip("safetensors")
    x, new = (samples(90, 36, 3)[0].reshape(90, 1, 6, 6), normed) if images else (X, lambda: mlp(6, 40, 3, seed=1))

    class Stop(fastnn.Callback):
        every, order = at, 1000

        def on_step(self, trainer, step):
            raise InterruptedError

    def outcome(trainer):
        state = [a for slots in trainer.run.spec.problem.state.values() for a in slots.values()]
        return digest(trainer.model.params, trainer.history.steps, *trainer.model.state.values(), *state)

    whole = make(model=new(), compile=compile)
    whole.fit(x, Y)
    with pytest.raises(InterruptedError):
        make(fastnn.Checkpoint(tmp_path, every_steps=at), Stop(), model=new(), compile=compile).fit(x, Y)
    resumed = make(model=new(), compile=compile)
    resumed.resume(tmp_path, x, Y)
    assert outcome(resumed) == outcome(whole)
    again = fastnn.Trainer.from_checkpoint(tmp_path, progress=False)
    assert again.average == "ema"


def test_a_training_without_an_average_is_not_resumed_with_one(tmp_path):
    pytest.importorskip("safetensors")
    make(fastnn.Checkpoint(tmp_path), average=None).fit(X, Y)
    with pytest.raises(ValueError, match="average was None, is 'ema'"):
        make(epochs=6).resume(tmp_path, X, Y)


def test_a_step_that_is_compiled_again_goes_on_with_what_is_trained():
    class Slower(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            trainer.optimizer.beta1 = 0.8

    results = []
    for compile in (True, False):
        trainer = make(Slower(), compile=compile)
        trainer.fit(X, Y)
        results.append(digest(trainer.model.params, trainer.history.steps))
    plain = make(Slower(), average=None)
    plain.fit(X, Y)
    assert results[0] == results[1] == digest(trainer.model.params, plain.history.steps)


def test_what_a_callback_writes_is_the_average():
    class Zero(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            if epoch["epoch"] == 4:
                trainer.model.params[...] = 0

    trainer, plain = make(Zero()), make(average=None)
    trainer.fit(X, Y)
    plain.fit(X, Y)
    np.testing.assert_array_equal(trainer.history.steps, plain.history.steps)
    assert not trainer.model.params.any()


@pytest.mark.parametrize("bad", ["swa", "ema:", "ema:1", "ema:0", "ema:x", 0.99, True, "EMA"])
def test_other_averages_are_refused(bad):
    with pytest.raises(ValueError, match=r"Trainer: average: expected"):
        make(average=bad)


def test_where_there_are_no_averages_the_error_says_so():
    with pytest.raises(ValueError, match="step: average: expected a trainer without one, got 'ema'"):
        make().step(X, Y)
    trainer = make()
    trainer.engine = lambda spec, problem: None
    with pytest.raises(ValueError, match="fit: average: expected None where an engine runs the steps, got 'ema'"):
        trainer.fit(X, Y)
    with pytest.raises(ValueError, match="fit_many: average: a population has none, got 'ema'"):
        fastnn.fit_many(mlp(6, 40, 3), X, Y, seeds=range(2), average="ema")
