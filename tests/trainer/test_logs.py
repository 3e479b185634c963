"""Callbacks write the figures of each epoch where other programs read them."""

import csv
import sys

import numpy as np
import pytest
from trainings import mlp, samples

import fastnn

X, Y = samples(60, 5, 3)


def train(callback, epochs=4):
    trainer = fastnn.Trainer(
        mlp(5, 8, 3), epochs=epochs, callbacks=[callback], metrics=["confusion_matrix"], progress=False
    )
    return trainer.fit(X, Y, validation=(X, Y))


def test_a_csv_file_has_a_line_for_each_epoch(tmp_path):
    history = train(fastnn.CSVLog(tmp_path / "log.csv"))
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    np.testing.assert_allclose([float(row["val_loss"]) for row in rows], history.column("val_loss"))


def test_a_csv_file_is_there_when_a_training_is_interrupted(tmp_path):
    class Interrupt(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            if epoch["epoch"] == 3:
                raise KeyboardInterrupt

    trainer = fastnn.Trainer(
        mlp(5, 3), epochs=9, callbacks=[fastnn.CSVLog(tmp_path / "log.csv"), Interrupt()], progress=False
    )
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4


def stand_in(monkeypatch, name, **functions):
    """A module that notes what it is called with, in place of a package that need not be installed."""
    monkeypatch.setitem(sys.modules, name, type(sys)(name))
    for function, does in functions.items():
        setattr(sys.modules[name], function, does)


def test_tensorboard_and_mlflow_get_every_number_once(monkeypatch, tmp_path):
    noted, logged, closed = [], [], []

    class SummaryWriter:
        def __init__(self, folder):
            self.folder = folder

        def add_scalar(self, name, value, step):
            noted.append((name, value, step))

        def close(self):
            closed.append(self.folder)

    stand_in(monkeypatch, "tensorboardX", SummaryWriter=SummaryWriter)
    stand_in(monkeypatch, "mlflow", log_metrics=lambda figures, step: logged.append((figures, step)))
    history = train(fastnn.TensorBoardLog(tmp_path))
    assert closed == [str(tmp_path)]
    assert [value for name, value, _ in noted if name == "val_loss"] == history.column("val_loss").tolist()
    assert "confusion_matrix" not in {name for name, _, _ in noted}
    history = train(fastnn.MLflowLog())
    assert [step for _, step in logged] == [1, 2, 3, 4]
    assert [figures["loss"] for figures, _ in logged] == history.column("loss").tolist()


@pytest.mark.parametrize(
    ("make", "package", "extra"),
    [
        (lambda: fastnn.TensorBoardLog("runs"), "tensorboardX", "logs"),
        (lambda: fastnn.MLflowLog(), "mlflow", "logs"),
        (lambda: fastnn.OptunaPruning(None), "optuna", "search"),
    ],
)
def test_a_package_that_is_missing_is_named(monkeypatch, make, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"needs the package {package}; type:  pip install 'fastnn-cpu\[{extra}\]'"):
        make()


def test_optuna_prunes_a_trial_that_is_worse():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1))

    def objective(trial):
        rate = [0.1, 0.1, 1e-6][trial.number]
        trainer = fastnn.Trainer(
            mlp(5, 8, 3), optimizer=fastnn.optim.SGD(rate), epochs=6, progress=False,
            callbacks=[fastnn.OptunaPruning(trial, "loss")],
        )  # fmt: skip
        return trainer.fit(X, Y).epochs[-1]["loss"]

    study.optimize(objective, n_trials=3)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert len(study.trials[0].intermediate_values) == 6
    assert 1 <= len(study.trials[2].intermediate_values) < 6
