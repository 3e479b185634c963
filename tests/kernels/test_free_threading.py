"""A Python without its lock runs fastnn without it, to the same bits.

What is tested of threads elsewhere (tests/kernels/test_threads.py, tests/program, tests/population) is tested there too
where the tests run on such a Python.
"""

import sysconfig
import threading

import numpy as np
import pytest
from strategies import same_bits
from trainings import OPTIMIZERS, fit, mlp, needs_native, output_of, samples

import fastnn

pytestmark = needs_native
THREADS = 6


def at_once(do):
    """Do something on several threads, which begin together."""
    start = threading.Barrier(THREADS)

    def work(number):
        start.wait()
        do(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has its lock at all times")
def test_the_lock_stays_off():
    assert output_of("import sys, fastnn; print(sys._is_gil_enabled(), fastnn.kernels.current_backend())") == (
        "False native"
    )


def test_different_trainings_at_once_have_the_bits_that_each_has_alone():
    """Each thread begins with another optimiser, so that programs of all kinds are taken and put back at once."""
    x, y = samples(96, 7, 3)

    def trained(kind):
        model = mlp(7, 20, 3)
        fit(model, x, y, optimizer=OPTIMIZERS[kind](), epochs=2)
        return model.params

    kinds = list(OPTIMIZERS)
    alone, wrong = {kind: trained(kind) for kind in kinds}, []

    def train(number):
        for step in range(2 * len(kinds)):
            kind = kinds[(number + step) % len(kinds)]
            if not same_bits(trained(kind), alone[kind]):
                wrong.append((number, kind))

    at_once(train)
    assert wrong == []


def test_one_model_predicts_on_several_threads_while_their_number_changes():
    x, _ = samples(40, 7, 3)
    model, before = mlp(7, 20, 3), fastnn.get_num_threads()
    expected, wrong = model.predict_proba(x), []

    def predict(number):
        for step in range(200):
            rows = 1 + (number + step) % len(x)
            if not np.array_equal(model.predict_proba(x[:rows]), expected[:rows]):
                wrong.append((number, rows))
            if step % 20 == 0:
                fastnn.set_num_threads(1 + (number + step // 20) % 3)

    try:
        at_once(predict)
    finally:
        fastnn.set_num_threads(before)
    assert wrong == []
