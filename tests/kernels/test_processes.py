"""Kernels work in forked children and in several Python threads at once, and Ctrl-C interrupts them."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, needs_native, one_training, output_of, samples, threads

import fastnn


@needs_native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_trains():
    """The child has none of the threads of the pool; it makes its own when it first needs them."""
    code = """
import os, sys, fastnn
from trainings import one_training
fastnn.set_num_threads(3)
right = one_training()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if one_training() == right and fastnn.get_num_threads() == 3 else 1)
    children.append(child)
status = [os.waitpid(child, 0)[1] for child in children]
print(status, one_training() == right)
"""
    assert output_of(code) == "[0, 0, 0] True"


@needs_native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_forked_while_another_thread_computes_trains():
    code = """
import os, threading, fastnn
from trainings import one_training
fastnn.set_num_threads(2)
right = one_training()
stop = threading.Event()
def work():
    while not stop.is_set():
        one_training()
worker = threading.Thread(target=work)
worker.start()
status = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if one_training() == right else 1)
    status.append(os.waitpid(child, 0)[1])
stop.set()
worker.join()
print(status)
"""
    assert output_of(code) == "[0, 0, 0]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_forked_while_a_step_is_recorded_records_its_own():
    """No lock that another thread of the parent holds stands in the child's way."""
    code = """
import os, threading
from fastnn.program.record import Operation
inside, go_on = threading.Event(), threading.Event()
class Slow(tuple):
    def __iter__(self):
        inside.set()
        go_on.wait()
        return super().__iter__()
def operation(kind):
    return Operation("to_panels", kind((1, 2)))
worker = threading.Thread(target=lambda: operation(Slow).named)
worker.start()
inside.wait()
child = os.fork()
if child == 0:
    os._exit(0 if operation(tuple).named == {"matrix": 1, "panels": 2} else 1)
status = os.waitpid(child, 0)[1]
go_on.set()
worker.join()
print(status)
"""
    assert output_of(code) == "0"


@needs_native
def test_two_threads_may_train_at_once():
    """The one that finds the pool busy computes on its own thread, and both get the same bits as alone."""
    right = one_training()
    found = []

    def work():
        found.extend(one_training() for _ in range(3))

    with threads(2):
        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert found == [right] * 9


@needs_native
def test_the_number_of_threads_may_change_while_another_thread_computes():
    right = one_training()
    found = []
    worker = threading.Thread(target=lambda: found.extend(one_training() for _ in range(6)))
    worker.start()
    before = fastnn.get_num_threads()
    try:
        while worker.is_alive():
            for count in (1, 2, 3):
                fastnn.set_num_threads(count)
    finally:
        worker.join()
        fastnn.set_num_threads(before)
    assert found == [right] * 6


@needs_native
def test_kernels_let_other_threads_run():
    """While one thread runs a long product, the Python code of another continues."""
    model = mlp(1000, 1500, 1000)
    x = np.ones((1500, 1000), "f4")
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    with threads(1):
        worker = threading.Thread(target=tick)
        worker.start()
        model.loss_and_gradients(x, np.zeros(1500, int))
        done.set()
        worker.join()
    assert len(ticks) > 3


@needs_native
def test_bits_do_not_depend_on_what_other_threads_compute(monkeypatch):
    x, y = samples(200, 40, 5)
    alone, beside = mlp(40, 64, 5), mlp(40, 64, 5)
    fit(alone, x, y, epochs=2)
    stop = threading.Event()

    def compute_meanwhile():
        other = mlp(40, 64, 5)
        while not stop.is_set():
            other.forward(x)

    worker = threading.Thread(target=compute_meanwhile)
    worker.start()
    try:
        fit(beside, x, y, epochs=2)
    finally:
        stop.set()
        worker.join()
    assert same_bits(alone.params, beside.params)


# --- Ctrl-C ---

_LONG = {
    "training": "fastnn.Trainer(model, epochs=10**6, batch_size=32, progress=False).fit(x, y)",
    "a full batch": "fastnn.Trainer(model, epochs=10**6, batch_size=None, progress=False).fit(x, y)",
    "prediction": "model.predict(x)",
}


@needs_native
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT")
@pytest.mark.parametrize("work", _LONG)
def test_ctrl_c_is_answered_within_a_second(work):
    code = f"""
import numpy as np, fastnn
from trainings import mlp, samples
model = mlp(100, 3000, 2000, 3)
x, y = samples(1000, 100, 3)
x, y = np.tile(x.astype("f4"), (100, 1)), np.tile(y, 100)
print("ready", flush=True)
try:
    while True:
        {_LONG[work]}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    paths = os.pathsep.join(p for p in sys.path if p)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.perf_counter() - start < 1.0
    finally:
        process.kill()
        process.wait()
