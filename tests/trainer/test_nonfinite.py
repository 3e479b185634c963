"""If a loss is not finite, training stops and says where, or continues if told to."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import mlp, samples

import fastnn
from fastnn.optim import SGD
from fastnn.trainer.finite import first_bad

X, Y = samples(80, 5, 3)


def train(x=X, model=None, **options):
    model = mlp(5, 8, 3) if model is None else model
    trainer = fastnn.Trainer(model, batch_size=8, epochs=4, progress=False, **options)
    try:
        trainer.fit(x, Y)
    except fastnn.NonFiniteLossError as error:
        return trainer, str(error)
    return trainer, None


@pytest.mark.parametrize("compile", [True, False])
def test_a_rate_that_is_too_large_is_blamed(compile):
    trainer, message = train(optimizer=SGD(1e30), compile=compile)
    assert message.startswith("fit: the loss of step ")
    number = int(message.split()[5])
    assert 1 < number <= 10
    assert "(first in dense1.w)" in message
    assert "the learning rate 1e+30 of SGD is too large" in message
    assert 'on_nonfinite="ignore"' in message
    assert len(trainer.history) == 0


def test_compiled_and_eager_stop_after_the_same_step():
    results = []
    for compile in (True, False):
        trainer, message = train(optimizer=SGD(1e30), compile=compile)
        results.append((message, trainer.model.params))
    assert results[0][0] == results[1][0]
    assert same_bits(results[0][1], results[1][1])


def test_nan_among_the_samples_is_named_before_the_training():
    x = X.copy()
    x[43, 2] = x[50, 0] = np.nan
    model = mlp(5, 8, 3)
    before = model.params.copy()
    message = r"fit: x: expected finite numbers, got NaN in sample 43, column 2 \(2 of 80 samples\); fill or leave out"
    for loss, y in (("softmax_cross_entropy", Y), ("mae", np.eye(3)[Y])):
        with pytest.raises(ValueError, match=message):
            fastnn.Trainer(model, loss=loss, progress=False).fit(x, y)
    assert same_bits(model.params, before)
    assert train(x, on_nonfinite="ignore")[1] is None
    model = fastnn.Sequential([fastnn.layers.Dense(3)], input_shape=(5,), column_names=list("abcde"))
    with pytest.raises(ValueError, match="got NaN in sample 43, column 'c'"):
        fastnn.Trainer(model, progress=False).fit(x, Y)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_among_the_samples_is_named_before_the_training(bad):
    x = X.copy()
    x[43, 2] = bad
    with pytest.raises(ValueError, match=r"fit: x: expected finite .* infinity in sample 43, column 2 \(1 of 80 sam"):
        fastnn.Trainer(mlp(5, 8, 3), progress=False).fit(x, Y)
    with pytest.raises(ValueError, match=r"fit: validation x: expected finite .* infinity in sample 43, column 2"):
        fastnn.Trainer(mlp(5, 8, 3), progress=False).fit(X, Y, validation=(x, Y))


def test_samples_whose_sum_overflows_are_taken():
    x = np.full((80, 5), 1e308)
    assert train(x, on_nonfinite="ignore")[1] is None
    assert first_bad(x) is None


@pytest.mark.parametrize("compile", [True, False])
def test_one_infinite_sample_is_reported_at_its_step(compile):
    x = X.astype(float)
    x[43, 2] = 1e39  # which float32 does not hold
    trainer, message = train(x, compile=compile, shuffle=False)
    assert message.startswith("fit: the loss of step 6 is nan")
    assert not np.isfinite(trainer.model.params).all()
    assert train(np.where(x > 1e38, 0, x), compile=compile, shuffle=False)[1] is None


def test_the_step_is_counted_over_all_epochs():
    class Spoil(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            if epoch["epoch"] == 2:
                trainer.model.params[-1] = np.nan

    for compile in (True, False):
        trainer, message = train(compile=compile, callbacks=[Spoil()])
        assert message.startswith("fit: the loss of step 21 is nan (first in dense")
        assert len(trainer.history) == 2
        assert len(trainer.history.steps) == 21
        assert np.isnan(trainer.history.steps[-1])


@pytest.mark.parametrize("compile", [True, False])
def test_parameters_that_are_still_finite_are_not_blamed(compile):
    model = fastnn.Sequential([fastnn.layers.ReLU()], input_shape=(5,))
    trainer = fastnn.Trainer(model, loss="mean_squared_error", compile=compile, progress=False)
    with pytest.raises(fastnn.NonFiniteLossError, match=r"step 1 is inf .all parameters are still finite"):
        trainer.fit(np.full((4, 5), 1e39), np.zeros((4, 5)))


@pytest.mark.parametrize("compile", [True, False])
def test_training_continues_if_told_to(compile):
    trainer, message = train(optimizer=SGD(1e30), compile=compile, on_nonfinite="ignore")
    assert message is None
    assert len(trainer.history) == 4
    assert len(trainer.history.steps) == 40
    assert not np.isfinite(trainer.history.epochs[-1]["loss"])


def test_trainings_that_continue_agree():
    steps = [
        train(optimizer=SGD(1e30), compile=compile, on_nonfinite="ignore")[0].history.steps for compile in (True, False)
    ]
    np.testing.assert_array_equal(*steps)


@pytest.mark.parametrize("compile", [True, False])
def test_a_batch_in_blocks_is_reported_too(compile, monkeypatch):
    from fastnn.program import compiled_steps

    monkeypatch.setattr(compiled_steps, "MAX_BATCH", 40)
    monkeypatch.setattr(compiled_steps, "BLOCK_ROWS", 16)
    x = X.astype(float)
    x[70, 0] = 1e39
    with pytest.raises(fastnn.NonFiniteLossError, match="loss of step 1 is nan"):
        fastnn.Trainer(mlp(5, 3), batch_size=None, compile=compile, progress=False).fit(x, Y)


def test_the_end_is_called_for_callbacks():
    class End(fastnn.Callback):
        ended = False

        def on_train_end(self, trainer):
            self.ended = True

    end = End()
    train(optimizer=SGD(1e30), callbacks=[end])
    assert end.ended
