"""Callbacks of populations: when they are called, what they see, and how they end a training."""

import csv

import numpy as np
import pytest
from populations import LABELS, X, assert_same, ctrl_c_before, fit

import fastnn

pytestmark = pytest.mark.usefixtures("way")

HELD_OUT = {"validation": (X[:30], LABELS[:30])}


class Notes(fastnn.Callback):
    def __init__(self, order=0):
        self.order, self.calls, self.lines = order, [], []

    def on_train_begin(self, trainer):
        self.calls.append("begin")

    def on_epoch_begin(self, trainer, epoch):
        self.calls.append(epoch)

    def on_epoch_end(self, trainer, epoch):
        self.calls.append(-epoch["epoch"])
        self.lines.append(epoch)

    def on_train_end(self, trainer):
        self.calls.append("end")


def test_they_are_called_as_those_of_a_trainer_are():
    notes = Notes()
    fit(range(3), callbacks=[notes])
    assert notes.calls == ["begin", 1, -1, 2, -2, 3, -3, "end"]
    trained = Notes()
    fastnn.Trainer(fit(range(1))[0], epochs=3, callbacks=[trained]).fit(X, LABELS)
    assert trained.calls == notes.calls


def test_they_change_no_bits():
    assert_same(fit(range(3), callbacks=[Notes()], **HELD_OUT), fit(range(3), **HELD_OUT))


def test_those_of_lower_order_come_first():
    order = []

    class Named(fastnn.Callback):
        def __init__(self, order):
            self.order = order

        def on_epoch_end(self, trainer, epoch):
            order.append(self.order)

    fit(range(3), epochs=1, callbacks=[Named(2), Named(1), Named(3)])
    assert order == [1, 2, 3]


def test_the_figures_are_means_over_the_members_that_were_trained():
    notes = Notes()
    stopping = fastnn.EarlyStopping(patience=1)
    rates = [0.001 * 2**k for k in range(8)]
    members = fit(range(8), callbacks=[stopping, notes], learning_rates=rates, epochs=20, **HELD_OUT)
    assert len(set(members.epochs_done.tolist())) > 1
    assert [line["epoch"] for line in notes.lines] == list(range(1, members.epochs_done.max() + 1))
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
        np.testing.assert_allclose([line[name] for line in notes.lines], np.nanmean(members.column(name), axis=1))


def test_the_population_is_as_it_is_at_that_moment():
    found = []

    class Look(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            assert trainer.epochs == 3
            assert len(trainer.history) == epoch["epoch"]
            found.append(trainer.population)

    fit(range(5), callbacks=[Look()])
    for epochs, members in enumerate(found, 1):
        assert_same(members, fit(range(5), epochs=epochs))


def test_one_that_says_stop_ends_the_training():
    class Stop(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            trainer.stop = epoch["epoch"] == 2

    notes = Notes(order=1)
    assert_same(fit(range(3), epochs=9, callbacks=[Stop(), notes]), fit(range(3), epochs=2))
    assert notes.calls[-2:] == [-2, "end"]

    class Never(fastnn.Callback):
        def on_epoch_begin(self, trainer, epoch):
            trainer.stop = True

    assert fit(range(3), callbacks=[Never()]).epochs_done.tolist() == [0, 0, 0]


def test_the_end_is_told_after_ctrl_c_and_after_an_error():
    notes = Notes()
    with ctrl_c_before(2), pytest.raises(KeyboardInterrupt) as error:
        fit(range(3), callbacks=[notes])
    assert notes.calls == ["begin", 1, -1, 2, "end"]
    assert_same(error.value.population, fit(range(3), epochs=1))


def test_logs_write_the_means(tmp_path):
    members = fit(range(3), callbacks=[fastnn.CSVLog(tmp_path / "history.csv")], **HELD_OUT)
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    np.testing.assert_allclose([float(r["val_loss"]) for r in rows], members.column("val_loss").mean(axis=1))


def test_optuna_prunes_by_the_mean():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        fit(range(3), epochs=5, callbacks=[fastnn.OptunaPruning(trial, "loss")])

    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=1e-9))
    study.optimize(objective, n_trials=1)
    assert study.trials[0].state == optuna.trial.TrialState.PRUNED
