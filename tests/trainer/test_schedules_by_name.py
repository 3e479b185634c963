"""Schedules are named by text as on the command line, and a plateau lowers the rate."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import mlp, samples

import fastnn
from fastnn.schedules import Cosine, Exponential, OneCycle, WarmUp

X, Y = samples(60, 5, 3)


def rates(epochs=6, **options):
    trainer = fastnn.Trainer(mlp(5, 8, 3), optimizer=fastnn.optim.SGD(0.4), epochs=epochs, progress=False, **options)
    return trainer, trainer.fit(X, Y, validation=(X, Y)).column("learning_rate")


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("cosine", Cosine(6)),
        ("onecycle", OneCycle(6)),
        ("exponential:0.5", Exponential(0.5)),
        ("warmup:2+cosine", WarmUp(2, Cosine(4))),
        ("constant", None),
    ],
)
def test_a_text_is_the_schedule_over_all_epochs(text, schedule):
    first, second = rates(schedule=text), rates(schedule=schedule)
    assert same_bits(first[1], second[1])
    assert same_bits(first[0].model.params, second[0].model.params)


def test_exponential_without_a_number_ends_at_a_tenth():
    assert rates(schedule="exponential")[1][-1] == pytest.approx(0.04)


@pytest.mark.parametrize("text", ["cosin", "step", "cosine:x", "cosine+step:2"])
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ValueError, match="schedule: "):
        rates(schedule=text)
    with pytest.raises(ValueError, match="did you mean 'cosine'"):
        rates(schedule="cosin")


def test_a_plateau_lowers_the_rate_when_nothing_improves():
    trainer, found = rates(20, schedule="plateau")
    assert [type(c).__name__ for c in trainer.callbacks] == ["ReduceOnPlateau"]
    plateau = fastnn.ReduceOnPlateau("val_accuracy", 0.1, 3, mode="min", min_delta=1.0, min_rate=0.001)  # never better
    trainer, found = rates(10, callbacks=[plateau])
    np.testing.assert_allclose(found, [0.4] * 4 + [0.04] * 3 + [0.004] * 3)
    assert trainer.optimizer.learning_rate == 0.4
    assert rates(10, callbacks=[fastnn.ReduceOnPlateau("val_loss", patience=2)])[1].tolist() == [0.4] * 10


def test_a_resumed_training_keeps_its_plateau(tmp_path):
    pytest.importorskip("safetensors")

    def trainer(epochs, name):
        plateau = fastnn.ReduceOnPlateau("loss", 0.5, 1, min_delta=100.0)
        return fastnn.Trainer(
            mlp(5, 8, 3),
            optimizer=fastnn.optim.SGD(0.4),
            epochs=epochs,
            callbacks=[plateau, fastnn.Checkpoint(tmp_path / name)],
            progress=False,
        )

    whole, half, again = trainer(6, "whole"), trainer(3, "half"), trainer(6, "again")
    whole.fit(X, Y)
    half.fit(X, Y)
    again.resume(max((tmp_path / "half").iterdir()), X, Y)
    assert same_bits(again.model.params, whole.model.params)
    assert again.history.column("learning_rate").tolist() == whole.history.column("learning_rate").tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1}, "ReduceOnPlateau: factor: expected a number above 0 and below 1, got 1"),
        ({"patience": 0}, "ReduceOnPlateau: patience: expected a whole number of at least 1, got 0"),
        ({"monitor": "figure"}, "ReduceOnPlateau: mode: expected 'min' or 'max'"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fastnn.ReduceOnPlateau(**options)
