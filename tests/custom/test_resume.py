"""A training with operations of one's own ends with the same bits after an interruption, on any number of threads."""

import numpy as np
import pytest
from custom.own_operations import own_lion, own_squared_error, own_swish
from custom.test_row_loss import own_cross_entropy
from strategies import same_bits
from trainings import samples, threads

import fastnn
from fastnn.layers import Dense

pytest.importorskip("numba")
pytest.importorskip("safetensors")

X, Y = samples(90, 40, 5)
TARGETS = {"outputs": (own_squared_error, X[:, :5]), "rows": (own_cross_entropy, Y)}
STEPS = 12  # of a training: 3 epochs of 4, of which the last is smaller


class Stop(fastnn.Callback):
    """Ends the training by an error after a step, behind the callback that writes the checkpoint."""

    order = 1000

    def __init__(self, step):
        self.every = step

    def on_step(self, trainer, step):
        raise InterruptedError


def trainer(loss, *callbacks, **options):
    model = fastnn.Sequential([Dense(70), own_swish(), Dense(5)], input_shape=(40,), seed=3)
    rule = own_lion(1e-3, weight_decay=1e-3, beta2=0.95)
    return fastnn.Trainer(
        model,
        loss=loss,
        optimizer=rule,
        batch_size=24,
        epochs=3,
        seed=5,
        callbacks=callbacks,
        progress=False,
        **options,
    )


def outcome(trained):
    trained.run.session.store_state()
    state = [array for slots in trained.run.spec.problem.state.values() for array in slots.values()]
    return np.concatenate([trained.model.params, trained.history.steps, *map(np.ravel, state)])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("at", [2, 4, 7])
def test_a_resumed_training_has_the_bits_of_one_that_ran_through(target, at, tmp_path):
    loss, y = TARGETS[target]
    whole = trainer(loss)
    with threads(1):
        whole.fit(X, y)
    assert len(whole.history.steps) == STEPS
    for before, behind, compiled in ((1, 2, True), (3, 4, True), (4, 1, False)):
        folder = tmp_path / f"{before}-{behind}"
        with threads(before), pytest.raises(InterruptedError):
            trainer(loss, fastnn.Checkpoint(folder, every_steps=at), Stop(at)).fit(X, y)
        resumed = trainer(loss, compile=compiled)
        with threads(behind):
            resumed.resume(folder, X, y)
        assert same_bits(outcome(resumed), outcome(whole))
