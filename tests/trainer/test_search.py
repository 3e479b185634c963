"""The learning-rate search and sweeps over configurations."""

import csv

import numpy as np
import pytest
from strategies import same_bits
from trainings import mlp, samples

import fastnn

X, Y = samples(200, 6, 3)


def make(units=8, rate=0.01, epochs=3):
    return fastnn.Trainer(mlp(6, units, 3), optimizer=fastnn.optim.Adam(rate), epochs=epochs, progress=False)


def test_the_search_changes_nothing_and_grows_the_rate_evenly():
    trainer = make()
    before, optimizer = trainer.model.params.copy(), repr(trainer.optimizer)
    found = fastnn.find_learning_rate(trainer, X, Y, lowest=1e-5, highest=10.0, steps=60)
    assert same_bits(trainer.model.params, before)
    assert repr(trainer.optimizer) == optimizer
    assert found.rates[0] == 1e-5
    assert len(found.rates) == len(found.losses) <= 60
    np.testing.assert_allclose(np.diff(np.log(found.rates)), np.log(1e6) / 60, rtol=1e-9)
    assert 1e-4 < found.suggestion < 3


def test_a_suggested_rate_learns():
    found = fastnn.find_learning_rate(make(), X, Y).suggestion
    slow, quick = (make(rate=rate, epochs=5).fit(X, Y).epochs[-1]["loss"] for rate in (1e-5, found))
    assert quick < 0.5 * slow


@pytest.mark.parametrize("seed", range(4))
def test_the_first_noisy_losses_suggest_nothing(seed):
    x, y = fastnn.data.glyphs(1200, seed=0)
    model = mlp(784, 32, 10, input_scale=1 / 255, seed=seed)
    found = fastnn.find_learning_rate(fastnn.Trainer(model, optimizer="adam", seed=seed), x, y)
    assert 1e-3 < found.suggestion < 0.1


def test_a_search_stops_where_the_loss_explodes():
    trainer = fastnn.Trainer(mlp(6, 3), optimizer="sgd", progress=False)
    found = fastnn.find_learning_rate(trainer, X, Y, lowest=1e-3, highest=1e9, steps=300)
    assert len(found.rates) < 300
    assert np.isfinite(found.losses).all()


@pytest.mark.parametrize(("lowest", "highest"), [(0, 1), (1, 1), (2, 1), (1e-3, np.inf)])
def test_bounds_out_of_order_are_refused(lowest, highest):
    with pytest.raises(
        ValueError, match=r"find_learning_rate: (lowest|highest): expected a finite number above [0-9.]+"
    ):
        fastnn.find_learning_rate(make(), X, Y, lowest=lowest, highest=highest)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_sweep_trains_every_configuration(jobs, tmp_path):
    threads = fastnn.get_num_threads()
    trials = fastnn.sweep(make, fastnn.grid(units=[4, 8], rate=[1e-6, 0.05]), X, Y, validation=0.25, jobs=jobs)
    assert fastnn.get_num_threads() == threads
    assert [t.configuration["units"] for t in trials] == [4, 4, 8, 8]
    for trial in trials:
        alone = make(**trial.configuration)
        alone.fit(X, Y, validation=0.25)
        assert same_bits(alone.model.params, trial.trainer.model.params)
    assert trials.best("val_loss").configuration["rate"] == 0.05
    assert trials.best("val_accuracy", "min").configuration["rate"] == 1e-6
    trials.to_csv(tmp_path / "s.csv")
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [(int(r["units"]), float(r["rate"])) for r in rows] == [(4, 1e-6), (4, 0.05), (8, 1e-6), (8, 0.05)]
    assert len(str(trials).splitlines()) == 5
    with pytest.raises(ValueError, match=r"best: monitor: expected one of epoch, loss, .*, got 'nothing'"):
        trials.best("nothing")


def test_an_error_in_a_trial_is_raised():
    def diverging(rate):
        return fastnn.Trainer(mlp(6, 8, 3), optimizer=fastnn.optim.SGD(rate))

    with pytest.raises(fastnn.NonFiniteLossError):
        fastnn.sweep(diverging, fastnn.grid(rate=[0.1, 1e30]), X, Y)


def test_a_sweep_without_validation_says_that_there_is_none():
    trials = fastnn.sweep(make, fastnn.grid(units=[4], rate=[0.05]), X, Y)
    with pytest.raises(ValueError, match=r"best: monitor: .*, got 'val_loss' \(there is no validation\)$"):
        trials.best()


def test_a_dict_of_values_in_the_place_of_configurations_is_answered_with_grid():
    with pytest.raises(TypeError, match=r"configurations: expected dicts, as grid\(…\) makes them, got one of units"):
        fastnn.sweep(make, {"units": [4, 8]}, X, Y)


def test_the_result_of_make_is_checked():
    with pytest.raises(TypeError, match="sweep: make: expected a Trainer, got dict"):
        fastnn.sweep(dict, [{"a": 1}], X, Y)
    model = mlp(6, 3)
    with pytest.raises(ValueError, match="sweep: make: expected a new model for every trainer"):
        fastnn.sweep(lambda seed: fastnn.Trainer(model, seed=seed), fastnn.grid(seed=[0, 1]), X, Y)


def test_the_rate_finder_trains_on_augmented_images():
    x, y = fastnn.data.glyphs(300, seed=0)

    def losses(augmentation):
        model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        trainer = fastnn.Trainer(model, augmentation=augmentation, shuffle=False)
        return fastnn.find_learning_rate(trainer, x, y, steps=20).losses

    assert (losses(fastnn.data.Augmentation(shift=3)) != losses(None)).any()
