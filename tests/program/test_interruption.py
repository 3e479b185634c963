"""A signal ends a long step before its end, and the model is that after some number of whole steps."""

import signal
import threading

import numpy as np
import pytest
from trainings import needs_native, threads

import fastnn
from fastnn import kernels
from fastnn.kernels import UpdateRule
from fastnn.layers import BatchNorm, Dense
from fastnn.program.compiled import Compiled, record
from fastnn.program.interruption import first_update, kept_arrays

pytestmark = [needs_native, pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")]

SIZE = 1000  # rows and columns of products that take a hundredth of a second each


class AlarmError(Exception):
    """Raised by the handler of the alarm."""


@pytest.fixture
def alarm():
    """Raises `AlarmError` in the main thread, a while after it is called."""

    def raise_error(number, frame):
        raise AlarmError

    before = signal.signal(signal.SIGALRM, raise_error)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


class LongStep:
    """Statistics and an update, with many products between them or behind them."""

    def __init__(self, products, update_first=False):
        self.products = products
        draw = np.random.default_rng(0)
        self.x, self.w = draw.random((2, SIZE, SIZE), np.float32)
        self.running = [np.zeros(SIZE, "f4"), np.ones(SIZE, "f4")]
        self.last = np.zeros((SIZE, SIZE), "f4")
        self.rate, self.t, self.update_first = np.ones(1), np.ones(1, np.int64), update_first
        self.program = Compiled(record(self.record, np.float32))

    def update(self, ops):
        ops.update(self.w, None, None, self.x, self.rate, self.t, int(UpdateRule.SGD), 0.0)

    def record(self, ops):
        planes = self.x.reshape(SIZE, SIZE, 1)
        mean, var, out = ops.empty((SIZE,)), ops.empty((SIZE,)), ops.empty(planes.shape)
        ops.batch_norm_forward(planes, None, None, *self.running, out, mean, var, 1e-5, 0.5)
        if self.update_first:
            self.update(ops)
        for _ in range(self.products):
            ops.affine_forward(self.x, self.x, None, ops.empty((SIZE, SIZE)))
        ops.affine_forward(self.x, self.x, None, self.last)
        if not self.update_first:
            self.update(ops)


def run_and_look_for_signals(program):
    program.run((), 0, 1)
    for _ in range(1000):
        pass


def test_before_its_first_update_a_step_is_left_as_if_it_had_not_begun(alarm):
    step = LongStep(200)
    before = [array.copy() for array in (step.w, *step.running)]
    alarm()
    with pytest.raises(AlarmError):
        step.program.run((), 0, 1)
    for found, wanted in zip((step.w, *step.running), before, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not step.last.any()


def test_a_step_whose_updates_have_begun_is_done_to_its_end(alarm):
    step = LongStep(30, update_first=True)
    w = step.w.copy()
    alarm()
    with pytest.raises(AlarmError):
        run_and_look_for_signals(step.program)
    assert (step.running[0] != 0).all()
    assert (step.w != w).any()
    assert step.last.all()


@pytest.mark.parametrize("count", [1, 2])
def test_a_long_call_of_one_kernel_is_left(alarm, count):
    x, out = np.ones((5000, 5000)), np.full((5000, 5000), np.nan)
    with threads(count):
        alarm()
        with pytest.raises(AlarmError):
            kernels.get("affine_forward", "native")(x, x, None, out)
        assert np.isnan(out).any()
        kernels.get("affine_forward", "native")(
            x[:50, :50].copy(), x[:50, :50].copy(), None, small := np.empty((50, 50))
        )
    assert (small == 50).all()


def test_a_kernel_that_changes_arrays_in_place_is_not_left(alarm):
    g = np.full(1 << 25, 2, np.float32)

    def clip_for_ever():
        while True:
            kernels.get("clip_value", "native")(g, 1.0)
            kernels.get("add", "native")(g, g, g)

    alarm()
    with pytest.raises(AlarmError):
        clip_for_ever()
    assert np.isin(g, (1, 2)).all()
    kernels.get("clip_value", "native")(g, 1.0)
    assert (g == 1).all()


def test_a_thread_that_is_not_the_main_one_computes_on(alarm):
    step, done, is_done = LongStep(30), [], threading.Event()

    def work():
        done.append(step.program.run((), 0, 1))
        is_done.set()

    worker = threading.Thread(target=work)
    worker.start()
    alarm()
    with pytest.raises(AlarmError):
        is_done.wait()
    is_done.wait()
    worker.join()
    assert done == [1]
    assert step.last.all()


def test_where_a_training_step_may_be_left():
    model = fastnn.Sequential([Dense(6), BatchNorm(), Dense(3)], input_shape=(4,), seed=0)
    trainer = fastnn.Trainer(model, batch_size=None, epochs=1, progress=False)
    trainer.fit(np.ones((50, 4), "f4"), np.zeros(50, int))
    operations = trainer.run.session.programs[0][0].recording.operations
    assert "backward" in operations[first_update(operations)].kernel
    assert kept_arrays([]) == []
