"""Members that are trained each in a session of its own: what `Trainer.fit` makes of them, and the choice of them."""

import threading
import time

import numpy as np
import pytest
from populations import LABELS, RNG, TARGETS, X, assert_same, fit, network

import fastnn
from fastnn.kernels.threads import threads_here
from fastnn.layers import GELU, Dense, Dropout, Flatten, ReLU, Standardize
from fastnn.population.share import share_out

LAYERS = {
    "plain": lambda: [Dense(7), ReLU(), Dropout(0.25), Dense(3)],
    "statistics": lambda: [Standardize(), Dense(9), GELU(), Dropout(0.5), Dense(5, bias=False), Dropout(0.1), Dense(3)],
    "flat": lambda: [Flatten(), Dropout(0.2), Dense(3)][::2],
}
OPTIONS = {"optimizer": "adam", "epochs": 3, "batch_size": 16, "progress": False}


def wide(seed=0, units=150, dtype="float32"):
    return fastnn.Sequential([Dense(units), ReLU(), Dropout(0.1), Dense(3)], input_shape=(60,), seed=seed, dtype=dtype)


@pytest.fixture
def sessions(monkeypatch):
    monkeypatch.setattr("fastnn.population.choice.in_lanes", lambda spec: False)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = fastnn.get_num_threads()
    fastnn.set_num_threads(request.param)
    yield request.param
    fastnn.set_num_threads(before)


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("loss", TARGETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_member_has_the_bits_of_a_trainer_with_its_seed(layers, loss, dtype, threads):
    x = X.astype(dtype)

    def one(seed):
        model = network(seed, LAYERS[layers], dtype)
        if layers == "statistics":
            model.layers[0].set_statistics(x.mean(axis=0), x.std(axis=0))
        return model

    options = OPTIONS | {"loss": loss, "schedule": "cosine"}
    members = fit([3, 2**40 + 1, 5], one(0), TARGETS[loss], x=x, validation=0.3, **options)
    for k, seed in enumerate(members.seeds):
        model = one(seed)
        history = fastnn.Trainer(model, seed=seed, **options).fit(x, TARGETS[loss], 0.3)
        assert members.params[k].tobytes() == model.params.tobytes()
        for name in set(history.names) - {"seconds"}:
            np.testing.assert_array_equal(members.histories[k].column(name), history.column(name))


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("many", [False, True])
def test_members_that_share_seats_have_the_bits_of_those_that_keep_theirs(many, threads, monkeypatch):
    rows = [np.random.default_rng(k).integers(90, size=40 + k % 2) for k in range(11)]
    stopping = fastnn.EarlyStopping("val_accuracy", patience=1)
    own = {"rows": rows, "validation": "rest", "weight_decays": [0.1 * (k % 3) for k in range(11)], "epochs": 6}
    kept = fit(range(11), callbacks=[stopping], **own)
    assert len(set(kept.epochs_done.tolist())) > 1
    if many:
        monkeypatch.setattr("fastnn.population.sessions._KEPT_SEATS", 0)
    assert_same(fit(range(11), callbacks=[stopping], **own), kept)


def test_wide_networks_are_sessions_of_their_own_and_small_ones_are_in_lanes(monkeypatch):
    chosen = []

    class Noted(Exception):
        pass

    def note(kind):
        def instead(*_):
            chosen.append(kind)
            raise Noted

        return instead

    monkeypatch.setattr("fastnn.population.choice.LaneGroup", note("lanes"))
    monkeypatch.setattr("fastnn.population.choice.SessionGroup", note("sessions"))
    sizes = {
        (20, 16, 3): ("lanes", "lanes"),
        (64, 64, 10): ("lanes", "lanes"),
        (64, 64, 64, 10): ("sessions", "lanes"),
        (784, 32, 10): ("sessions", "lanes"),
        (784, 64, 10): ("sessions", "sessions"),
        (784, 200, 10): ("sessions", "sessions"),
    }
    for (inputs, *hidden, outputs), expected in sizes.items():
        layers = [layer for units in hidden for layer in (Dense(units), ReLU())]
        model = fastnn.Sequential([*layers, Dense(outputs)], input_shape=(inputs,))
        for same_order in (False, True):
            with pytest.raises(Noted):
                fit([0], model, np.zeros(9, int), x=np.zeros((9, inputs)), same_order=same_order)
        assert tuple(chosen[-2:]) == expected, hidden


def test_members_of_a_wide_network_have_the_same_bits_alone_and_together(threads):
    x, y = RNG.normal(size=(90, 60)).astype(np.float32), LABELS
    whole = fit(range(5), wide(), y, x=x, validation=0.2)
    for k in range(5):
        alone = fit([k], wide(), y, x=x, validation=0.2)
        assert alone.params[0].tobytes() == whole.params[k].tobytes()
    model = wide(3)
    fastnn.Trainer(model, seed=3, **OPTIONS).fit(x, y, 0.2)
    assert whole.params[3].tobytes() == model.params.tobytes()


@pytest.mark.usefixtures("sessions")
def test_batches_that_are_cut_into_blocks_are_those_of_a_trainer():
    x, y = RNG.normal(size=(2500, 6)), RNG.integers(3, size=2500)
    members = fit([1, 2], y=y, x=x, batch_size=1200)
    model = network(2)
    fastnn.Trainer(model, seed=2, **(OPTIONS | {"batch_size": 1200})).fit(x, y)
    assert members.params[1].tobytes() == model.params.tobytes()


@pytest.mark.usefixtures("sessions")
def test_ctrl_c_within_an_epoch_leaves_every_member_after_some_whole_steps(threads, monkeypatch):
    """The main thread is interrupted between two calls of its session; others stop by themselves."""
    from fastnn.population.seat import Seat

    train, main = Seat.train, threading.main_thread()
    calls = []

    def interrupted(self, index, rates, done, losses, stopped):
        if done and threading.current_thread() is main:
            calls.append(done)
            raise KeyboardInterrupt
        limit = time.monotonic() + 10
        while done and not calls:
            assert time.monotonic() < limit
            time.sleep(0.001)
        return train(self, index, rates, done, losses, stopped)

    monkeypatch.setattr(Seat, "train", interrupted)
    options = {"rows": [np.arange(80)] * 6}  # whole batches, which are one run of steps
    with pytest.raises(KeyboardInterrupt) as error:
        fit(range(6), epochs=3, **options)
    monkeypatch.setattr(Seat, "train", train)
    assert len(calls) == 1
    found = error.value.population
    stages = {epochs: fit(range(6), epochs=epochs, **options).params for epochs in (1, 2)}
    for k in range(6):
        assert any((found.params[k] == params[k]).all() for params in stages.values())
    assert any((found.params[k] == stages[1][k]).all() for k in range(6))  # the one that was interrupted


# --- sharing out ---


def test_every_part_is_done_once_by_whatever_thread(threads):
    for count in range(9):
        done, kernels = [0] * count, [0] * count

        def note(part, worker, stopped, done=done, kernels=kernels):
            done[part] += 1
            kernels[part] = threads_here()

        share_out(note, count)
        assert done == [1] * count
        assert set(kernels) <= {1, threads}
        if threads == 2 and count % 2:
            assert kernels[-1] == 2  # the last one has both threads


@pytest.mark.parametrize("wrong", [0, 1, 7])
def test_an_error_of_a_part_ends_the_others_and_is_raised(wrong, threads):
    done = []

    def fail(part, worker, stopped):
        if part == wrong:
            raise ValueError("wrong")
        limit = time.monotonic() + 10
        while part > wrong and not stopped() and threads > 1:
            assert time.monotonic() < limit
            time.sleep(0.001)
        done.append(part)

    with pytest.raises(ValueError, match="wrong"):
        share_out(fail, 8)
    assert len(done) < 8


def test_helpers_use_the_backend_of_the_caller():
    seen = []

    def note(part, worker, stopped):
        seen.append(fastnn.kernels.current_backend())

    with fastnn.use_backend("reference"):
        share_out(note, 4)
    assert seen == ["reference"] * 4
