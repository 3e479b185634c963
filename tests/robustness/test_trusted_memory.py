"""Memory that a user can still change, and files that others can: at worst an error, never a crash."""

import itertools
import os
import threading

import numpy as np
import pytest
from trainings import needs_native, python

import fastnn
from fastnn.data import Augmentation, read_npy
from fastnn.layers import Dense, ReLU


class AfterEachEpoch(fastnn.Callback):
    def __init__(self, do):
        self.do = do

    def on_epoch_end(self, trainer, epoch):
        self.do()


def network():
    return fastnn.Sequential([Dense(9), ReLU(), Dense(40)], input_shape=(12,), seed=1)


def trained(x, y, do=None, **options):
    callbacks = [AfterEachEpoch(do)] if do else []
    trainer = fastnn.Trainer(network(), epochs=3, batch_size=8, callbacks=callbacks, progress=False, **options)
    trainer.fit(x, y)
    return trainer.model.params.copy()


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "multiclass_hinge"])
def test_labels_that_a_callback_changes_stay_those_of_the_training(loss):
    x, y = np.random.default_rng(0).random((64, 12), np.float32), np.arange(64) % 40
    expected = trained(x, y.copy(), loss=loss)
    for value in (41, -1, 10**6, 2**62):
        changed = y.copy()
        found = trained(x, changed, lambda changed=changed, value=value: changed.fill(value), loss=loss)
        np.testing.assert_array_equal(found, expected)


def test_labels_that_another_thread_changes_stay_those_of_the_training():
    x, y = np.random.default_rng(0).random((64, 12), np.float32), np.arange(64) % 40
    expected, changed, stop = trained(x, y.copy()), y.copy(), threading.Event()

    def change():
        for value in itertools.cycle((41, -1, 10**6, 2**62)):
            changed.fill(value)
            if stop.is_set():
                break

    class ChangeNow(fastnn.Callback):
        def on_train_begin(self, trainer):
            worker.start()

    worker = threading.Thread(target=change)
    trainer = fastnn.Trainer(network(), epochs=3, batch_size=8, callbacks=[ChangeNow()], progress=False)
    try:
        trainer.fit(x, changed)
    finally:
        stop.set()
        worker.join()
    np.testing.assert_array_equal(trainer.model.params, expected)


@needs_native
def test_a_label_that_is_no_class_makes_the_loss_nan_and_touches_nothing_outside():
    from fastnn.kernels._native import isa_tables

    for isa, table in isa_tables().items():
        for name, more in (("softmax_cross_entropy", ()), ("multiclass_hinge", (1.0,))):
            for dtype in (np.float32, np.float64):
                for classes in (3, 10, 40):
                    x = np.random.default_rng(0).random((9, classes)).astype(dtype)
                    loss, correct = np.zeros(1), np.zeros(1, np.int64)
                    for wrong in (-1, classes, 10**6, -(2**62), 2**62):
                        labels, dx = np.arange(9) % classes, np.empty_like(x)
                        labels[4] = wrong
                        table[name](x, labels, dx, loss, correct, None, 1.0, *more)
                        assert np.isnan(loss[0]), (isa, name, dtype, classes, wrong)


@pytest.mark.parametrize(
    ("index", "samples", "message"),
    [
        ([0, 5], [0, 1], "index: expected numbers from 0 to 4, got 0 to 5"),
        ([-1, 0], [0, 1], "index: expected numbers from 0 to 4, got -1 to 0"),
        ([0, 10**9], [0, 1], "index: expected numbers from 0 to 4"),
        ([0, 1], [0], "samples, out: expected 2 of each"),
        (None, [0, 1], "samples, out: expected 5 of each"),
    ],
)
def test_an_augmentation_refuses_indices_of_no_image(index, samples, message):
    source, out = np.zeros((5, 1, 4, 4), np.float32), np.empty((2, 1, 4, 4), np.float32)
    given = None if index is None else np.array(index)
    with pytest.raises(ValueError, match=message):
        Augmentation(shift=1, noise=1).write(source, given, np.array(samples), 0, out)


CUT_SHORT = """
import os, sys
import numpy as np, fastnn
from fastnn.data import read_npy
from fastnn.layers import Dense, Flatten
from fastnn.trainer.description import fingerprint

def fit(model, x, y, **options):
    fastnn.Trainer(model, epochs=1, progress=False).fit(x, y, **options)

CALLS = {
    "predict": lambda model, x, y: model.predict(x),
    "predict a view": lambda model, x, y: model.predict(np.asarray(x)[7:20]),
    "evaluate": lambda model, x, y: model.evaluate(x, y),
    "explain": lambda model, x, y: model.explain(x),
    "fit": fit,
    "fit with a validation": lambda model, x, y: fit(model, x, y, validation=0.2),
    "fingerprint": lambda model, x, y: fingerprint(x),
    "channels last": lambda model, x, y: model.predict(x),
    "half precision": lambda model, x, y: model.predict(x),
}
for name, call in CALLS.items():
    last, path = name == "channels last", name + ".npy"
    numbers = np.random.default_rng(0).random((300, 8, 8, 3) if last else (300, 192))
    np.save(path, numbers.astype(np.float16 if name == "half precision" else np.float32))
    x, y = read_npy(path, mapped=True), np.zeros(300, np.int64)
    model = fastnn.Sequential([Flatten(), Dense(3)], input_shape=(3, 8, 8) if last else (192,), channels_last=last)
    call(model, x, y)
    os.truncate(path, 4096)
    print(name, flush=True)
    try:
        call(model, x, y)
    except OSError as error:
        assert "has become shorter" in str(error), error
    else:
        raise AssertionError(name + " read what is no longer there")
print("done")
"""


@pytest.mark.skipif(os.name != "posix", reason="files in use cannot be cut short elsewhere")
def test_a_mapped_file_that_is_cut_short_is_an_error_and_no_crash(tmp_path):
    done = python(f"import os; os.chdir({str(tmp_path)!r})" + CUT_SHORT)
    assert done.stdout.endswith("done\n"), (done.returncode, done.stdout, done.stderr)


def test_a_mapped_set_gives_the_outputs_of_one_in_memory(tmp_path):
    x = np.random.default_rng(0).random((1000, 12), np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped, model = read_npy(tmp_path / "x.npy", mapped=True), network()
    for part in (slice(None), slice(3, 300), slice(0, 5), slice(None, None, 3)):
        np.testing.assert_array_equal(model.forward(mapped[part]), model.forward(x[part]))
        np.testing.assert_array_equal(model.predict(mapped[part]), model.predict(x[part]))
