"""A program that is used again gives the bits of one that is compiled anew."""

import os
import threading

import numpy as np
import pytest
from strategies import same_bits
from trainings import OPTIMIZERS, fit, mlp, needs_native, samples

import fastnn
from fastnn import layers
from fastnn.program import session
from fastnn.program.compiled_steps import CompiledSteps
from fastnn.program.warm import WarmCache

pytestmark = needs_native


@pytest.fixture(autouse=True)
def nothing_is_warm():
    session._WARM.clear()
    yield
    session._WARM.clear()


@pytest.fixture
def compiled(monkeypatch):
    """How often steps have been compiled."""
    found, make = [], CompiledSteps.__init__

    def counted(self, *arguments):
        found.append(self)
        make(self, *arguments)

    monkeypatch.setattr(CompiledSteps, "__init__", counted)
    return found


def poison():
    """Fill the memory of all warm programs with NaN, as if it had never been used."""
    for _, steps, _ in session._WARM._idle.values():
        for program in steps.programs.values():
            program._arena.view(np.float32)[...] = np.nan


def conv_net():
    inner = [layers.Conv2D(6, 3, pad=1), layers.BatchNorm(), layers.ReLU(), layers.MaxPool2D(2), layers.Flatten()]
    return fastnn.Sequential([*inner, layers.Dropout(0.3), layers.Dense(3)], input_shape=(1, 8, 8))


def result(model, trainer):
    return [model.params, trainer.history.steps, *model.state.values()]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_other_numbers_and_data_need_no_new_program(kind, compiled):
    """Rate, decay, seed, weights, samples and their number differ; what they give does not depend on who was first."""
    trained = []
    for cold in (False, True):
        found = []
        for trial, count in enumerate((70, 102, 70)):
            if cold:
                session._WARM.clear()
            x, y = samples(count, 7, 3, seed=trial)
            optimizer = OPTIMIZERS[kind]()
            optimizer.learning_rate *= 1 + trial
            optimizer.weight_decay *= 1 + trial
            model = mlp(7, 70, 3, seed=trial)
            options = {"optimizer": optimizer, "seed": trial, "batch_size": 32, "epochs": 3}
            found.append(result(model, fit(model, x, y, **options)))
            poison()
        trained.append(found)
    assert len(compiled) == 1 + 3
    for warm, cold in zip(*trained, strict=True):
        assert all(same_bits(a, b) for a, b in zip(warm, cold, strict=True))


def test_images_dropout_and_running_statistics(compiled):
    results = []
    for cold in (False, True):
        for seed in (1, 2**40):
            if cold:
                session._WARM.clear()
            x, y = samples(37, 64, 3, seed=seed % 7)
            model = conv_net()
            results.append(result(model, fit(model, x.reshape(-1, 1, 8, 8), y, seed=seed, batch_size=16, epochs=2)))
            poison()
    assert len(compiled) == 1 + 2
    for warm, cold in zip(results[:2], results[2:], strict=True):
        assert all(same_bits(a, b) for a, b in zip(warm, cold, strict=True))


def test_what_changes_the_step_needs_a_new_program(compiled):
    x, y = samples(64, 7, 3)
    frozen = mlp(7, 8, 3)
    frozen.layers[0].frozen = True
    kinds = [
        (mlp(7, 8, 3), {}),
        (mlp(7, 9, 3), {}),
        (mlp(7, 8, 3, dtype="float64"), {}),
        (mlp(7, 8, 3, input_scale=0.5), {}),
        (frozen, {}),
        (mlp(7, 8, 3), {"batch_size": 16}),
        (mlp(7, 8, 3), {"clip_norm": 1.0}),
        (mlp(7, 8, 3), {"optimizer": fastnn.optim.Momentum(0.1, 0.9)}),
        (mlp(7, 8, 3), {"optimizer": fastnn.optim.Momentum(0.1, 0.8)}),
        (mlp(7, 8, 3), {"optimizer": fastnn.optim.SGD(0.1, weight_decay=0.1)}),
        (mlp(7, 8, 3), {"class_weight": "balanced"}),
        (fastnn.Sequential([layers.Dense(8), layers.LeakyReLU(0.1), layers.Dense(3)], input_shape=(7,)), {}),
        (fastnn.Sequential([layers.Dense(8), layers.LeakyReLU(0.2), layers.Dense(3)], input_shape=(7,)), {}),
        (fastnn.Sequential([layers.Dense(8, l2=0.1), layers.ReLU(), layers.Dense(3)], input_shape=(7,)), {}),
        (fastnn.Sequential([layers.Dense(8, l2=0.2), layers.ReLU(), layers.Dense(3)], input_shape=(7,)), {}),
    ]
    for model, options in kinds:
        fit(model, x, y, **{"epochs": 1, "batch_size": 32} | options)
    assert len(compiled) == len(kinds)
    fit(mlp(7, 8, 3), x.astype(np.float32), y, epochs=1)
    assert len(compiled) == len(kinds) + 1


def test_a_layer_of_somebody_else_is_compiled_for_each_training(compiled):
    class Scale(layers.Layer):
        def __init__(self, factor):
            self.factor = np.array([factor, factor], np.float32)

        def forward(self, ops, x, training):
            out = ops.empty(x.shape)
            ops.gather_rows(x, None, out, float(self.factor[0]))
            return out, None

        def backward(self, ops, dout, cache, need_dx):
            return dout

    x, y = samples(20, 2, 3)
    for factor in (1.0, 2.0):
        fit(fastnn.Sequential([Scale(factor), layers.Dense(3)], input_shape=(2,)), x, y, epochs=1)
    assert len(compiled) == 2


def test_training_after_training_keeps_neither_model_nor_data_alive():
    import gc
    import weakref

    gc.collect()  # trainings of other tests give their programs back when they are collected
    session._WARM.clear()
    x, y = samples(64, 7, 3)
    data = x.astype(np.float32)
    model = mlp(7, 70, 3)
    fit(model, data, y, epochs=1)
    watched = [weakref.ref(data), weakref.ref(model), weakref.ref(model.params)]
    del data, model
    gc.collect()
    assert len(session._WARM) == 1
    assert [w() for w in watched] == [None] * 3


def test_trainings_at_the_same_time_have_programs_of_their_own():
    x, y = samples(96, 7, 3)
    expected = result(*(lambda m: (m, fit(m, x, y, epochs=20)))(mlp(7, 20, 3)))
    found = []

    def train():
        for _ in range(5):
            model = mlp(7, 20, 3)
            found.append(result(model, fit(model, x, y, epochs=20)))

    threads = [threading.Thread(target=train) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert all(same_bits(a, b) for one in found for a, b in zip(one, expected, strict=True))


def test_times_stay_those_of_the_training_that_took_them():
    x, y = samples(64, 7, 3)
    first = fit(mlp(7, 20, 3), x, y, epochs=2)
    before = first.explain()
    again = fit(mlp(7, 20, 3), x, y, epochs=200)
    assert first.explain() == before
    assert again.explain().split()[:4] == before.split()[:4]
    assert "dense1.w[7,20]" in before
    assert "targets[64]" in before


def test_no_thread_takes_the_program_of_another_key_or_of_another_thread():
    """Programs are arrays that say their key, and whose users have them alone."""
    cache, wrong = WarmCache(), []

    def use(key, start):
        start.wait()
        for _ in range(3000):
            taken = cache.take(key)
            program = np.array([key, 0]) if taken is None else taken
            program[1] += 1
            if program[0] != key or program[1] != 1:
                wrong.append((key, program))
            program[1] = 0
            cache.put(key, program)

    start = threading.Barrier(8)
    threads = [threading.Thread(target=use, args=(number % 4, start)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(cache) <= 8


def test_the_cache_is_bounded_in_number_and_in_bytes():
    cache = WarmCache(max_bytes=100, max_programs=3)
    for number in range(5):
        cache.put(number, np.zeros(8, np.uint8))
    assert [cache.take(number) is not None for number in range(5)] == [False, False, True, True, True]
    cache.put("large", np.zeros(101, np.uint8))
    assert cache.take("large") is None
    cache.put("a", np.zeros(60, np.uint8))
    cache.put("b", np.zeros(60, np.uint8))
    assert cache.take("a") is None
    assert cache.take("b") is not None
    assert len(cache) == 0
    assert not any(cache._by_key.values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:os.fork")  # as JAX says, if another test has imported it
def test_a_forked_child_begins_without_programs():
    x, y = samples(64, 7, 3)
    fit(mlp(7, 20, 3), x, y, epochs=1)
    assert len(session._WARM) == 1
    child = os.fork()
    if child == 0:
        os._exit(len(session._WARM))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
