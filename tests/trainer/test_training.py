"""Trainings: history, validation, order of the samples, schedule, printing and seeds."""

import csv
import io
import json
import re
import sys

import numpy as np
import pytest
from strategies import same_bits
from trainings import digest, fit, mlp, one_training, output_of, samples, threads

import fastnn
from fastnn import layers, losses
from fastnn.schedules import Exponential


@pytest.fixture
def data():
    return samples(50, 5, 3)


# --- history ---


def test_an_epoch_has_its_metrics(data):
    model = mlp(5, 8, 3)
    validation = samples(20, 5, 3, seed=1)
    trainer = fastnn.Trainer(model, batch_size=16, epochs=3, schedule=Exponential(0.5), progress=False)
    history = trainer.fit(*data, validation=validation)
    assert history is trainer.history
    assert len(history) == 3
    assert history.names == [
        "epoch",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "seconds",
    ]
    assert [e["epoch"] for e in history.epochs] == [1, 2, 3]
    assert [e["learning_rate"] for e in history.epochs] == [0.1, 0.05, 0.025]
    assert all(0 < e["seconds"] < 10 for e in history.epochs)
    assert history.steps.shape == (12,)
    last = model.evaluate(*validation)
    assert (history.epochs[-1]["val_loss"], history.epochs[-1]["val_accuracy"]) == (
        last["loss"],
        last["accuracy"],
    )


def test_without_validation_there_are_no_metrics_of_it(data):
    assert fit(mlp(5, 3), *data, epochs=1).history.names == [
        "epoch",
        "loss",
        "accuracy",
        "learning_rate",
        "seconds",
    ]


def test_a_regression_has_no_accuracy(data):
    x, y = data
    trainer = fastnn.Trainer(mlp(5, 3), loss="mean_squared_error", epochs=1, progress=False)
    history = trainer.fit(x, np.eye(3)[y], validation=(x, np.eye(3)[y]))
    assert history.names == ["epoch", "loss", "val_loss", "learning_rate", "seconds"]


@pytest.mark.parametrize("compile", [True, False])
def test_the_loss_of_an_epoch_is_the_mean_over_samples_during_training(data, compile):
    """With a rate so small that nothing changes, the results of an epoch are those of `evaluate`."""
    x, y = data
    for targets, loss in [(y, "softmax_cross_entropy"), (np.eye(3)[y], "mean_squared_error")]:
        model = mlp(5, 8, 3, dtype="float64")
        trainer = fit(model, x, targets, optimizer=fastnn.optim.SGD(1e-300), loss=loss, batch_size=16, compile=compile)
        epoch, expected = trainer.history.epochs[-1], model.evaluate(x, targets, loss=loss)
        assert epoch["loss"] == pytest.approx(expected["loss"], rel=1e-12)
        assert epoch.get("accuracy") == expected.get("accuracy")


def test_the_history_of_steps_has_the_losses_of_batches(data):
    x, y = data
    model = mlp(5, 8, 3, dtype="float64")
    trainer = fit(model, x, y, optimizer=fastnn.optim.SGD(1e-300), batch_size=16, epochs=1, shuffle=False)
    expected = [model.evaluate(x[i : i + 16], y[i : i + 16])["loss"] for i in range(0, 50, 16)]
    np.testing.assert_allclose(trainer.history.steps, expected, rtol=1e-12)


def test_it_learns(data):
    trainer = fit(mlp(5, 16, 3), *data, optimizer="adam", epochs=60, batch_size=10)
    assert trainer.history.epochs[-1]["accuracy"] > 0.85
    assert trainer.history.epochs[-1]["loss"] < 0.5 * trainer.history.epochs[0]["loss"]


def test_the_history_is_written_to_a_file(data, tmp_path):
    history = fit(mlp(5, 3), *data, epochs=2, batch_size=25).history
    history.to_csv(tmp_path / "h.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "h.csv").read_text())))
    assert list(rows[0]) == history.names
    assert [float(r["loss"]) for r in rows] == [e["loss"] for e in history.epochs]
    history.to_json(tmp_path / "h.json")
    stored = json.loads((tmp_path / "h.json").read_text())
    assert stored["epochs"] == history.epochs
    assert stored["steps"] == history.steps.tolist()


def test_a_history_has_columns_and_a_table():
    history = fastnn.History([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0, "val_loss": 1.5, "accuracy": 0.25}])
    np.testing.assert_array_equal(history.column("loss"), [2, 1])
    np.testing.assert_array_equal(history.column("val_loss"), [np.nan, 1.5])
    assert str(history).splitlines() == [
        "epoch      loss  val loss  accuracy",
        "    1    2.0000         -         -",
        "    2    1.0000    1.5000    0.2500",
    ]


# --- the order of the samples ---


def orders(n, batch, epochs=3, **options):
    """The rows of every step, by epoch, as shown by the losses, because only sample i has the loss i."""
    seen = []

    class Seen(losses.MeanSquaredError):
        def run(self, ops, out, targets, dx, loss, correct, scale):
            seen.append(np.sort(out[:, 0]).astype(int).tolist())
            super().run(ops, out, targets, dx, loss, correct, scale)

    model = fastnn.Sequential([layers.ReLU()], input_shape=(1,))
    x = np.arange(n).reshape(n, 1)
    fit(model, x, x, loss=Seen(), batch_size=batch, epochs=epochs, compile=False, **options)
    steps = len(seen) // epochs
    return [seen[e * steps : (e + 1) * steps] for e in range(epochs)]


@pytest.mark.parametrize("batch", [1, 7, 10, 50, 64, None])
@pytest.mark.parametrize("shuffle", [True, False, "batches"])
def test_every_epoch_sees_every_sample_once(shuffle, batch):
    for epoch in orders(50, batch, shuffle=shuffle):
        assert sorted(row for step in epoch for row in step) == list(range(50))
        size = min(batch or 50, 50)
        assert [len(step) for step in epoch[:-1]] == [size] * (len(epoch) - 1)
        assert len(epoch[-1]) == 50 % size or size


def test_shuffled_epochs_differ():
    first, second, third = orders(50, 7)
    assert first != second != third != first
    assert first[0] != list(range(7))


def test_unshuffled_epochs_are_in_order():
    assert orders(50, 7, shuffle=False)[1] == [list(range(i, min(i + 7, 50))) for i in range(0, 50, 7)]


def test_shuffled_batches_keep_their_neighbours():
    epochs = orders(50, 7, shuffle="batches")
    for epoch in epochs:
        assert sorted(epoch[:-1]) == [list(range(i, i + 7)) for i in range(0, 49, 7)]
        assert epoch[-1] == [49]
    assert epochs[0] != epochs[1]


def test_the_seed_decides_the_order():
    assert orders(30, 7, seed=3) == orders(30, 7, seed=3)
    assert orders(30, 7, seed=3) != orders(30, 7, seed=4)


@pytest.mark.parametrize("batch", [50, 51, None])
def test_a_batch_of_all_samples_is_one_step(data, batch):
    assert len(fit(mlp(5, 3), *data, batch_size=batch, epochs=4).history.steps) == 4


def test_one_sample_can_be_trained_on():
    assert len(fit(mlp(3, 2), np.ones((1, 3)), np.array([1]), epochs=2).history.steps) == 2


# --- seeds ---


def test_the_same_seeds_give_the_same_bits_in_a_new_process_with_other_threads():
    code = "from trainings import one_training; print(one_training())"
    there = output_of(code, FASTNN_NUM_THREADS="3", FASTNN_BACKEND=fastnn.kernels.current_backend())
    with threads(1):
        assert there == one_training()


def test_another_seed_gives_another_training(data):
    models = [mlp(5, 3) for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        fit(model, *data, seed=seed, epochs=1, batch_size=7)
    assert digest(models[0].params) == digest(models[1].params) != digest(models[2].params)


# --- printing ---


def test_print_every_prints_a_table(data, capsys):
    fit(mlp(5, 3), *data, epochs=5, print_every=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "seconds"]
    assert [line.split()[0] for line in lines[1:]] == ["2", "4", "5"]
    assert all(len(line.split()) == 4 for line in lines[1:])


def test_the_table_has_the_figures_that_there_are(data, capsys):
    def mean_score(targets, outputs):
        return outputs.mean()

    metrics = [mean_score, "confusion_matrix"]  # the second is no number
    fastnn.Trainer(mlp(5, 3), epochs=1, print_every=1, metrics=metrics).fit(*data, validation=0.2)
    head = capsys.readouterr().out.splitlines()[0]
    assert re.split("  +", head) == [
        *("epoch", "loss", "accuracy", "val loss", "val accuracy", "val mean score", "seconds"),
    ]


def test_it_is_quiet_unless_asked(data, capfd):
    fastnn.Trainer(mlp(5, 3), epochs=2).fit(*data)
    assert capfd.readouterr() == ("", "")


def test_the_bar_shows_when_asked(data, capfd):
    pytest.importorskip("tqdm")
    fastnn.Trainer(mlp(5, 3), epochs=2, progress=True).fit(*data)
    out, err = capfd.readouterr()
    assert out == ""
    assert "/100 " in err  # samples


def test_the_bar_shows_on_a_terminal(data, monkeypatch, capfd):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True, raising=False)
    fastnn.Trainer(mlp(5, 3), epochs=2).fit(*data)
    assert "samples" in capfd.readouterr().err


def test_the_table_is_printed_above_the_bar(data, capfd):
    pytest.importorskip("tqdm")
    fastnn.Trainer(mlp(5, 3), epochs=3, progress=True, print_every=1).fit(*data)
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == ["epoch", "1", "2", "3"]


def test_without_tqdm_it_trains_without_a_bar(data, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    fastnn.Trainer(mlp(5, 3), epochs=1, progress=True).fit(*data)
    assert capfd.readouterr() == ("", "")


# --- what the model becomes ---


def test_parameters_are_trained_in_place(data):
    model = mlp(5, 3)
    params, before = model.params, model.params.copy()
    fit(model, *data, epochs=1)
    assert model.params is params
    assert not np.array_equal(params, before)


def test_nothing_but_the_parameters_changes(data):
    model = mlp(5, 8, 3, input_scale=0.5, class_names=list("abc"))
    before = model.config()
    fit(model, *data, epochs=1)
    assert model.config() == before


def test_optimizer_and_schedule_are_used_by_name_or_object(data):
    results = []
    for optimizer in ("momentum", fastnn.optim.Momentum()):
        model = mlp(5, 3)
        fit(model, *data, optimizer=optimizer, epochs=2)
        results.append(model.params)
    assert same_bits(*results)


def test_the_default_is_sgd_with_a_rate_of_a_tenth(data):
    results = []
    for optimizer in (None, fastnn.optim.SGD(0.1)):
        model = mlp(5, 3)
        fit(model, *data, optimizer=optimizer, epochs=2)
        results.append(model.params)
    assert same_bits(*results)
