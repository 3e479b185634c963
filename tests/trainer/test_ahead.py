"""Several short epochs run in one call if nothing needs the model between them; then it is not updated either."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import OPTIMIZERS, mlp, needs_native, samples

import fastnn
from fastnn.program.session import CompiledSession
from fastnn.schedules import Cosine, Exponential, Schedule
from fastnn.trainer import epoch_queue

pytestmark = needs_native
X, Y = samples(60, 5, 3)
EPOCHS = 12


class Looks(fastnn.Callback):
    """Must be called after every epoch."""

    def on_epoch_end(self, trainer, epoch):
        pass


class Waits(fastnn.Callback):
    """Reads only the history, may stop after epochs 5 and 10, and fails after epoch `fails`."""

    def __init__(self, stops=0, fails=0):
        self.stops, self.fails, self.told = stops, fails, []

    def epochs_ahead(self):
        return 5 - len(self.told) // 2 % 5

    def on_epoch_begin(self, trainer, epoch):
        self.told.append(epoch)

    def on_epoch_end(self, trainer, epoch):
        assert trainer.history.epochs[-1] is epoch
        assert len(trainer.history.steps) == 9 * epoch["epoch"]
        self.told.append(epoch["loss"])
        trainer.stop = epoch["epoch"] == self.stops
        if epoch["epoch"] == self.fails:
            raise KeyboardInterrupt


@pytest.fixture
def runs(monkeypatch):
    """The numbers of parts in the calls that ran epochs ahead."""
    found, run_ahead = [], CompiledSession.run_ahead
    monkeypatch.setattr(epoch_queue, "RETURN_SECONDS", 1e3)  # because on a busy machine the first epoch takes long

    def counted(self, parts, seconds):
        found.append(len(parts))
        run_ahead(self, parts, seconds)

    monkeypatch.setattr(CompiledSession, "run_ahead", counted)
    return found


def trained(*callbacks, **options):
    options = {"optimizer": "adam", "batch_size": 7, "epochs": EPOCHS, **options}  # eight steps of 7 and one of 4
    trainer = fastnn.Trainer(mlp(5, 40, 3, seed=1), callbacks=callbacks, progress=False, **options)
    trainer.fit(X, Y)
    return trainer


def figures(trainer):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in trainer.history.epochs]


@pytest.mark.parametrize("schedule", [Exponential(0.9), Cosine(EPOCHS, by="step")])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_the_numbers_are_those_of_epochs_one_by_one(runs, optimizer, schedule):
    one_by_one = trained(Looks(), optimizer=OPTIMIZERS[optimizer](), schedule=schedule)
    assert runs == []
    ahead = trained(optimizer=OPTIMIZERS[optimizer](), schedule=schedule)
    assert runs == [2 * (EPOCHS - 1)]  # the first epoch shows how long they take
    assert same_bits(one_by_one.model.params, ahead.model.params)
    assert same_bits(one_by_one.history.steps, ahead.history.steps)
    assert figures(one_by_one) == figures(ahead)
    assert all(0 < line["seconds"] < 10 for line in ahead.history.epochs)
    assert ahead.history.steps.base is None


def test_a_long_training_lays_out_as_many_epochs_as_went_before(runs):
    ahead = trained(epochs=80)
    assert runs == [2 * 15, 2 * 16, 2 * 32, 2 * 16]  # sixteen at first, of which one shows how long they take
    assert same_bits(ahead.model.params, trained(Looks(), epochs=80).model.params)


def test_a_callback_that_can_wait_is_called_for_every_epoch(runs):
    callback = Waits()
    trainer = trained(callback)
    assert callback.told[::2] == list(range(1, EPOCHS + 1))
    assert callback.told[1::2] == trainer.history.column("loss").tolist()
    assert runs == [8, 10, 4]  # to the ends of epochs 5, 10 and 12
    assert same_bits(trainer.model.params, trained(Looks()).model.params)


def test_a_stop_at_an_announced_epoch_ends_at_once():
    stopped = trained(Waits(stops=10))
    assert len(stopped.history) == 10
    shorter = trained(Looks(), epochs=10)
    assert same_bits(stopped.model.params, shorter.model.params)
    assert figures(stopped) == figures(shorter)


def test_a_stop_too_early_waits_for_the_epochs_that_are_done():
    stopped = trained(Waits(stops=7))
    assert same_bits(stopped.model.params, trained(epochs=len(stopped.history)).model.params)
    assert len(stopped.history.steps) == 9 * len(stopped.history)


def test_an_interruption_leaves_a_model_and_the_steps_that_made_it():
    trainer = fastnn.Trainer(
        mlp(5, 40, 3, seed=1), optimizer="adam", batch_size=7, epochs=EPOCHS, callbacks=[Waits(fails=7)], progress=False
    )
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y)
    epochs, rest = divmod(len(trainer.history.steps), 9)
    assert (rest, len(trainer.history)) == (0, 7)
    whole = trained(epochs=epochs)
    assert same_bits(trainer.model.params, whole.model.params)
    assert same_bits(trainer.history.steps, whole.history.steps)


class Doubling(Schedule):
    def factor(self, epoch):
        return 2.0**epoch


def test_a_loss_that_explodes_is_found_in_its_step(runs):
    errors = []
    for callbacks in ([], [Looks()]):
        trainer = fastnn.Trainer(
            mlp(5, 3, seed=1), optimizer=fastnn.optim.SGD(1e-2), schedule=Doubling(), loss="mean_squared_error",
            batch_size=7, epochs=500, callbacks=callbacks, progress=False,
        )  # fmt: skip
        with pytest.raises(fastnn.NonFiniteLossError) as error:
            trainer.fit(X, np.eye(3)[Y])
        errors.append((str(error.value), len(trainer.history.steps), len(trainer.history), trainer.model.params))
    assert runs == [2 * 15]
    assert errors[0][:3] == errors[1][:3]
    assert same_bits(errors[0][3], errors[1][3])


def test_a_call_that_takes_too_long_returns_in_the_middle(monkeypatch):
    run_ahead = CompiledSession.run_ahead
    monkeypatch.setattr(CompiledSession, "run_ahead", lambda self, parts, seconds: run_ahead(self, parts, 0.0))
    assert same_bits(trained().model.params, trained(Looks()).model.params)


@pytest.mark.parametrize("options", [{"metrics": ["macro_f1"]}, {"compile": False}])
def test_epochs_between_which_the_model_is_needed_run_one_by_one(runs, options):
    trained(**options)
    assert runs == []


def test_parameters_are_written_to_the_model_when_somebody_needs_them(monkeypatch):
    moves = []
    for name in ("load", "store"):
        function = getattr(CompiledSession, name)
        monkeypatch.setattr(CompiledSession, name, lambda self, f=function, n=name: (moves.append(n), f(self)))
    trained(batch_size=60)
    assert moves == ["load", "store"]
    moves.clear()
    trainer = fastnn.Trainer(mlp(5, 40, 3), epochs=3, progress=False)
    trainer.fit(X, Y, validation=(X, Y))
    assert moves == ["load", "store", "store", "store"]  # evaluating does not load parameters again
    moves.clear()
    trained(Looks(), epochs=2)
    assert moves == ["load", "store", "load", "store"]
