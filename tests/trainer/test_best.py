"""The best weights are restored, training stops early, and Ctrl-C leaves a model."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import mlp, samples

import fastnn

X, Y = samples(60, 5, 3)
VALIDATION = samples(30, 5, 3, seed=1)


class Figures(fastnn.Callback):
    """Gives the epochs invented values and notes the weights."""

    order = -1

    def __init__(self, values):
        self.values, self.weights = values, []

    def on_epoch_end(self, trainer, epoch):
        epoch["made_up"] = self.values[epoch["epoch"] - 1]
        self.weights.append(trainer.model.params.copy())


def run(values, *callbacks, **options):
    figures = Figures(values)
    model = mlp(5, 8, 3)
    trainer = fastnn.Trainer(model, epochs=len(values), callbacks=[figures, *callbacks], progress=False, **options)
    trainer.fit(X, Y)
    return trainer, figures.weights


@pytest.mark.parametrize(("mode", "best"), [("min", 2), ("max", 1)])
def test_the_best_weights_are_restored(mode, best):
    callback = fastnn.BestWeights("made_up", mode)
    trainer, weights = run([3.0, 1.0, 2.0, 1.0], callback)
    assert (callback.best_epoch, len(trainer.history)) == (best, 4)
    assert same_bits(trainer.model.params, weights[best - 1])


@pytest.mark.parametrize(
    ("values", "patience", "delta", "epochs", "best"),
    [
        ([5, 4, 3, 4, 3, 3, 1], 3, 0.0, 6, 3),
        ([5, 4, 3, 4, 2, 3, 1], 3, 0.0, 7, 7),
        ([5, 4.9, 4.8, 4.7], 2, 0.5, 3, 1),
        ([np.nan, np.nan, np.nan], 2, 0.0, 2, 0),
    ],
)
def test_it_stops_when_nothing_gets_better(values, patience, delta, epochs, best):
    callback = fastnn.EarlyStopping("made_up", patience, mode="min", min_delta=delta)
    trainer, weights = run(values, callback)
    assert (len(trainer.history), callback.best_epoch) == (epochs, best)
    assert same_bits(trainer.model.params, weights[best - 1 if best else -1])


def test_without_restoring_the_last_weights_stay():
    callback = fastnn.EarlyStopping("made_up", 2, mode="min", restore_best=False)
    trainer, weights = run([1, 2, 3, 4], callback)
    assert len(trainer.history) == 3
    assert same_bits(trainer.model.params, weights[2])


def test_more_of_an_accuracy_and_less_of_a_loss_is_better():
    modes = [fastnn.BestWeights(name).mode for name in ("val_loss", "val_accuracy", "my_error", "macro_f1")]
    assert modes == ["min", "max", "min", "max"]


def test_a_second_training_starts_anew():
    callback = fastnn.EarlyStopping("made_up", 2, mode="min")
    run([1, 5, 5, 5], callback)
    trainer, _ = run([7, 6, 5, 4], callback)
    assert (len(trainer.history), callback.best_epoch) == (4, 4)


def test_a_missing_metric_is_an_error():
    trainer = fastnn.Trainer(mlp(5, 3), callbacks=[fastnn.EarlyStopping()], progress=False)
    with pytest.raises(
        ValueError, match=r"monitor: expected one of epoch, loss, .*, got 'val_loss' \(there is no validation\)"
    ):
        trainer.fit(X, Y)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fastnn.BestWeights(mode="less"), "BestWeights: mode: expected .min., .max. or None"),
        (lambda: fastnn.BestWeights(min_delta=-1), "BestWeights: min_delta: expected a finite number of at least 0"),
        (lambda: fastnn.EarlyStopping(patience=0), "EarlyStopping: patience: expected a whole number of at least 1"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_after_ctrl_c_history_and_best_weights_are_there():
    class Interrupt(fastnn.Callback):
        every = 1

        def on_step(self, trainer, step):
            if step == 10:
                raise KeyboardInterrupt

    best = fastnn.BestWeights()
    model = mlp(5, 8, 3)
    trainer = fastnn.Trainer(model, batch_size=20, epochs=9, callbacks=[Interrupt(), best], progress=False)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, validation=VALIDATION)
    assert len(trainer.history) == 3
    assert len(trainer.history.steps) == 10
    assert model.evaluate(*VALIDATION)["loss"] == best.best_value == trainer.history.column("val_loss").min()


def test_a_checkpoint_carries_the_best_weights(tmp_path):
    pytest.importorskip("safetensors")

    def make(epochs):
        callbacks = [fastnn.EarlyStopping(patience=3), fastnn.Checkpoint(tmp_path)]
        model = mlp(5, 30, 3, seed=2)
        return fastnn.Trainer(
            model, optimizer="adam", epochs=epochs, batch_size=10, callbacks=callbacks, progress=False
        )

    whole = make(60)
    whole.fit(X, Y, validation=VALIDATION)
    for file in tmp_path.iterdir():
        file.unlink()
    make(4).fit(X, Y, validation=VALIDATION)
    resumed = make(60)
    resumed.resume(tmp_path, X, Y, validation=VALIDATION)
    assert same_bits(resumed.model.params, whole.model.params)
    assert len(resumed.history) == len(whole.history) < 60
