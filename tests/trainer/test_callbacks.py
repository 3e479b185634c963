"""Callbacks are called in order, see the model up to date, and can end a training."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, samples

import fastnn

X, Y = samples(40, 5, 3)


class Log(fastnn.Callback):
    def __init__(self, name="", stop_after=None, log=None):
        self.name, self.stop_after = name, stop_after
        self.log = [] if log is None else log

    def on_train_begin(self, trainer):
        self.log.append(f"{self.name}begin")

    def on_epoch_end(self, trainer, epoch):
        assert trainer.history.epochs[-1] is epoch
        self.log.append(f"{self.name}{epoch['epoch']}")
        if epoch["epoch"] == self.stop_after:
            trainer.stop = True

    def on_train_end(self, trainer):
        self.log.append(f"{self.name}end")


def test_callbacks_are_called_in_order():
    log = []
    fit(mlp(5, 3), X, Y, epochs=2, callbacks=[Log("a", log=log), Log("b", log=log)])
    assert log == ["abegin", "bbegin", "a1", "b1", "a2", "b2", "aend", "bend"]


@pytest.mark.parametrize("compile", [True, False])
def test_stop_ends_after_the_epoch(compile):
    log = Log(stop_after=2)
    trainer = fastnn.Trainer(mlp(5, 3), epochs=9, callbacks=[log], compile=compile, progress=False)
    trainer.fit(X, Y)
    assert log.log == ["begin", "1", "2", "end"]
    assert len(trainer.history) == 2
    assert trainer.stop
    log.stop_after = None
    assert len(trainer.fit(X, Y)) == 9


def test_the_model_is_up_to_date_in_a_callback():
    class Check(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            assert epoch["val_loss"] == trainer.model.evaluate(X, Y)["loss"]
            assert not same_bits(trainer.model.params, self.last)
            self.last = trainer.model.params.copy()

        def on_train_begin(self, trainer):
            self.last = trainer.model.params.copy()

    fastnn.Trainer(mlp(5, 8, 3), epochs=3, callbacks=[Check()], progress=False).fit(X, Y, validation=(X, Y))


def test_parameters_set_when_training_begins_are_those_it_starts_from():
    class Zero(fastnn.Callback):
        def on_train_begin(self, trainer):
            trainer.model.params[...] = 0

    results = []
    for compile in (True, False):
        trainer = fit(mlp(5, 3), X, Y, epochs=1, callbacks=[Zero()], compile=compile)
        results.append(trainer.model.params)
        assert trainer.history.steps[0] == pytest.approx(np.log(3), rel=1e-6)
    assert same_bits(*results)


def test_a_rate_set_in_a_callback_counts_from_the_next_epoch():
    class Slower(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            trainer.optimizer.learning_rate /= 2

    history = fit(mlp(5, 3), X, Y, epochs=3, optimizer=fastnn.optim.SGD(0.4), callbacks=[Slower()]).history
    assert [e["learning_rate"] for e in history.epochs] == [0.4, 0.2, 0.1]


@pytest.mark.parametrize("compile", [True, False])
def test_the_end_is_called_also_after_an_error(compile):
    class Fails(Log):
        def on_epoch_end(self, trainer, epoch):
            super().on_epoch_end(trainer, epoch)
            raise KeyboardInterrupt

    log = Fails()
    with pytest.raises(KeyboardInterrupt):
        fit(mlp(5, 3), X, Y, epochs=5, callbacks=[log], compile=compile)
    assert log.log == ["begin", "1", "end"]


class Steps(fastnn.Callback):
    """Notes what it sees at each call between steps."""

    def __init__(self, every=None, every_seconds=None):
        self.every, self.every_seconds = every, every_seconds
        self.seen, self.params = [], []

    def on_step(self, trainer, step):
        assert len(trainer.history.steps) == step
        self.seen.append(step)
        self.params.append(trainer.model.params.copy())


def test_chosen_steps_are_called_with_the_model_up_to_date():
    results = []
    for compile in (True, False):
        log = Steps(every=3)
        trainer = fit(mlp(5, 40, 3), X, Y, epochs=3, batch_size=16, optimizer="adam", callbacks=[log], compile=compile)
        assert log.seen == [3, 6, 9]  # there are three steps in an epoch
        assert len({p.tobytes() for p in log.params}) == 3
        assert same_bits(log.params[-1], trainer.model.params)
        results.append(log.params)
    assert same_bits(*map(np.concatenate, results))


def test_being_called_between_steps_changes_no_bit():
    plain, watched = mlp(5, 40, 3), mlp(5, 40, 3)
    options = {"epochs": 3, "batch_size": 7, "optimizer": "adam"}
    a = fit(plain, X, Y, **options)
    b = fit(watched, X, Y, **options, callbacks=[Steps(every=1), Steps(every=4), Steps(every_seconds=0.0)])
    assert same_bits(plain.params, watched.params)
    assert same_bits(a.history.steps, b.history.steps)
    assert [e["loss"] for e in a.history.epochs] == [e["loss"] for e in b.history.epochs]


def test_a_model_changed_between_steps_is_trained_on_from_there():
    class Halve(Steps):
        def on_step(self, trainer, step):
            trainer.model.params *= 0.5

    results = []
    for compile in (True, False):
        model = mlp(5, 40, 3)
        fit(model, X, Y, epochs=2, batch_size=8, callbacks=[Halve(every=2)], compile=compile)
        results.append(model.params)
    assert same_bits(*results)


def test_calls_can_be_by_time():
    log = Steps(every_seconds=1e-9)
    fit(mlp(5, 3), X, Y, epochs=2, batch_size=8, callbacks=[log], compile=False)
    assert log.seen == list(range(1, 11))
    late = Steps(every_seconds=1e9)
    fit(mlp(5, 3), X, Y, epochs=2, batch_size=8, callbacks=[late])
    assert late.seen == []


def test_a_higher_order_is_called_later():
    log = []
    late = Log("late ", log=log)
    late.order = 1
    fit(mlp(5, 3), X, Y, epochs=1, callbacks=[late, Log("early ", log=log)])
    assert log == ["early begin", "late begin", "early 1", "late 1", "early end", "late end"]


def test_the_base_does_nothing():
    fit(mlp(5, 3), X, Y, epochs=1, callbacks=[fastnn.Callback()])
