"""The training loop: callbacks between steps, changed optimisers, schedules by step, metrics, validation, warnings."""

import json
from pathlib import Path

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, needs_native, samples

import fastnn
from fastnn.layers import Dense, Softmax
from fastnn.schedules import Cosine, OneCycle

X, Y = samples(60, 5, 3)


class Do(fastnn.Callback):
    """Calls a function after every so many steps."""

    def __init__(self, every, function):
        self.every, self.function = every, function

    def on_step(self, trainer, step):
        self.function(trainer, step)


def trained(*callbacks, **options):
    options = {"batch_size": 7, "epochs": 3, "optimizer": "momentum", **options}
    model = mlp(5, 40, 3, seed=1)
    trainer = fastnn.Trainer(model, callbacks=callbacks, **options)
    trainer.fit(X, Y)
    return model.params, trainer


@pytest.mark.parametrize("compile", [True, False])
def test_callbacks_and_the_bar_change_no_bit(compile, capfd):
    plain, _ = trained(compile=compile, progress=False)
    watched, _ = trained(Do(1, lambda t, s: None), Do(4, lambda t, s: None), compile=compile, progress=True)
    assert same_bits(plain, watched)


def test_the_optimizers_numbers_may_change_between_steps():
    def calm(trainer, step):
        if step == 5:
            trainer.optimizer.momentum, trainer.optimizer.weight_decay = 0.3, 0.1
            trainer.optimizer.learning_rate = 0.5

    compiled, eager = (trained(Do(5, calm), compile=compile, progress=False)[0] for compile in (True, False))
    assert same_bits(compiled, eager)
    assert not same_bits(eager, trained(compile=False, progress=False)[0])


def test_a_changed_momentum_counts_at_once():
    class At(fastnn.Callback):
        def on_epoch_begin(self, trainer, epoch):
            trainer.optimizer.momentum = 0.5

    changed, _ = trained(At(), progress=False)
    assert same_bits(changed, trained(optimizer=fastnn.optim.Momentum(momentum=0.5), progress=False)[0])


@pytest.mark.parametrize("compile", [True, False])
def test_stop_between_steps_ends_at_once(compile):
    def stop(trainer, step):
        trainer.stop = step == 12

    _, trainer = trained(Do(3, stop), compile=compile, progress=False)
    assert len(trainer.history.steps) == 12
    assert len(trainer.history) == 1  # of 9 steps; the second was not finished


def test_calls_come_in_order():
    calls = []

    class Log(fastnn.Callback):
        every = 5

        def on_train_begin(self, trainer):
            calls.append("begin")

        def on_epoch_begin(self, trainer, epoch):
            calls.append(f"epoch {epoch}")

        def on_step(self, trainer, step):
            calls.append(step)

        def on_epoch_end(self, trainer, epoch):
            calls.append("end of epoch")

        def on_train_end(self, trainer):
            calls.append("end")

    trained(Log(), epochs=2, progress=False)
    assert calls == ["begin", "epoch 1", 5, "end of epoch", "epoch 2", 10, 15, "end of epoch", "end"]


@pytest.mark.parametrize("compile", [True, False])
def test_a_schedule_by_step_sets_the_rate_of_every_step(compile):
    """With a gradient of 1, every step is as long as its rate."""
    schedule = OneCycle(2, 0.25, 0.1, 0.01)
    moved = []

    model = fastnn.Sequential([Dense(1, bias=False, init="zeros")], input_shape=(1,), dtype="float64")
    note = Do(1, lambda trainer, step: moved.append(float(trainer.model.params[0])))
    x = np.ones((10, 1))
    trainer = fastnn.Trainer(
        model,
        optimizer=fastnn.optim.SGD(1e-9),
        loss="mean_squared_error",
        schedule=schedule,
        batch_size=2,
        epochs=2,
        callbacks=[note],
        compile=compile,
        progress=False,
    )
    trainer.fit(x, -0.5 * x)
    steps = -np.diff([0.0, *moved]) / 1e-9
    np.testing.assert_allclose(steps, [schedule.factor(i / 5) for i in range(10)], rtol=1e-6)
    assert trainer.history.epochs[0]["learning_rate"] == pytest.approx(1e-9 * schedule.factor(4 / 5))


def test_a_schedule_by_epoch_and_one_by_step_agree_at_the_epochs_beginnings():
    rates = fit(mlp(5, 3), X, Y, schedule=Cosine(3), epochs=3).history.column("learning_rate")
    np.testing.assert_allclose(rates, [0.1, 0.075, 0.025])


# --- metrics ---


def share_of_zeros(targets, outputs):
    return np.mean(targets == 0)


def test_metrics_are_measured_on_the_validation_set():
    names = ["top_2_accuracy", "confusion_matrix", share_of_zeros]
    trainer = fastnn.Trainer(mlp(5, 3), epochs=2, metrics=names, progress=False)
    validation = samples(30, 5, 3, seed=4)
    epoch = trainer.fit(X, Y, validation=validation).epochs[-1]
    out = trainer.model.forward(validation[0])
    assert epoch["val_top_2_accuracy"] == fastnn.metrics.top_k_accuracy(validation[1], out, 2)
    assert epoch["val_confusion_matrix"] == fastnn.metrics.confusion_matrix(validation[1], out).tolist()
    assert epoch["val_share_of_zeros"] == np.mean(validation[1] == 0)
    assert epoch["val_accuracy"] == fastnn.metrics.accuracy(validation[1], out)


def test_metrics_without_a_validation_set_are_those_of_the_training_set():
    trainer = fastnn.Trainer(mlp(5, 3), epochs=2, metrics={"mine": share_of_zeros}, progress=False)
    assert trainer.fit(X, Y).epochs[0]["mine"] == np.mean(Y == 0)


# --- validation as a share ---


@pytest.mark.parametrize(("loss", "outputs", "metric"), [("cross_entropy", 3, "mse"), ("mse", 1, "accuracy")])
def test_a_metric_that_does_not_fit_the_loss_is_refused_before_the_training(loss, outputs, metric):
    x, labels = samples(20, 6, 3)
    model = mlp(6, outputs)
    before = model.params.copy()
    trainer = fastnn.Trainer(model, loss=loss, metrics=[metric], progress=False)
    with pytest.raises(ValueError, match=rf"^fit: metrics: {metric} does not fit the targets and the outputs"):
        trainer.fit(x, labels if outputs == 3 else x[:, 0])
    assert same_bits(model.params, before)


def test_a_figure_that_no_epoch_has_is_refused():
    history = fastnn.History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_loss": 0.6}])
    assert history.column("val_loss").tolist()[1:] == [0.6]
    assert fastnn.History().column("loss").tolist() == []
    with pytest.raises(ValueError, match="History: column: expected one of epoch, loss, val_loss, got 'val_los'; did"):
        history.column("val_los")


def test_a_fraction_is_split_off_by_class():
    y = np.repeat([0, 1, 2], [30, 20, 10])
    seen = []

    def note(targets, outputs):
        seen.append(np.bincount(targets).tolist())
        return 0.0

    trainer = fastnn.Trainer(mlp(5, 3), epochs=1, batch_size=8, metrics={"seen": note}, progress=False)
    trainer.fit(X, y, validation=0.2, sample_weight=np.ones(60))
    assert seen == [[6, 4, 2]]
    assert len(trainer.history.steps) == 6  # of the other 48


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 1e-9, 0.999, np.nan])
def test_a_fraction_that_leaves_nothing_is_refused(share):
    with pytest.raises(ValueError, match="fit: validation"):
        fit_with(share)


def fit_with(validation):
    return fastnn.Trainer(mlp(5, 3), epochs=1, progress=False).fit(X, Y, validation=validation)


def test_the_seed_decides_the_split():
    results = []
    for seed in (0, 0, 1):
        trainer = fastnn.Trainer(mlp(5, 3), epochs=1, seed=seed, shuffle=False, progress=False)
        results.append(trainer.fit(X, Y, validation=0.3).epochs[0]["val_loss"])
    assert results[0] == results[1] != results[2]


# --- warnings ---


def test_a_softmax_before_a_loss_that_includes_one_gives_a_warning():
    model = fastnn.Sequential([Dense(3), Softmax()], input_shape=(5,))
    with pytest.warns(UserWarning, match="softmax_cross_entropy takes scores, but the model ends in Softmax"):
        fit(model, X, Y, epochs=1)


class OnNumPy(Dense):
    """A layer whose forward pass computes with NumPy, which cannot be recorded."""

    def forward(self, ops, x, training):
        out, cache = super().forward(ops, x, training)
        return out + 0.0, cache


@needs_native
def test_a_warning_points_to_the_line_that_called_fit():
    for stack, message in (([Dense(3), Softmax()], "takes scores"), ([OnNumPy(3)], "runs layer by layer")):
        trainer = fastnn.Trainer(fastnn.Sequential(stack, input_shape=(5,)), epochs=1, progress=False)
        with pytest.warns(UserWarning, match=message) as caught:
            trainer.fit(X, Y)
        assert [Path(warning.filename) for warning in caught] == [Path(__file__)]


# --- history ---


def test_json_of_values_that_are_not_finite_is_valid(tmp_path):
    history = fastnn.History([{"epoch": 1, "loss": np.nan, "val": [1.0, np.inf]}], np.array([np.nan, 2.0]))
    history.to_json(tmp_path / "h.json")
    stored = json.loads((tmp_path / "h.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert stored == {"epochs": [{"epoch": 1, "loss": None, "val": [1.0, None]}], "steps": [None, 2.0]}


def test_a_history_has_html_pandas_and_a_picture():
    history = fastnn.History([{"epoch": 1, "loss": 0.5, "<b>": 1}, {"epoch": 2, "loss": 0.25}])
    html = history._repr_html_()
    assert html.count("<tr>") == 3
    assert "&lt;b&gt;" in html
    pytest.importorskip("matplotlib")
    assert history.plot().axes
    frame = pytest.importorskip("pandas") and history.to_pandas()
    assert frame["loss"].tolist() == [0.5, 0.25]
    assert frame.index.tolist() == [1, 2]
