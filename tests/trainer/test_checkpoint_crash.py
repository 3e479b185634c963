"""After kill -9 at any moment, or with a failing disk, the last checkpoint loads and continues to the same bits."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from strategies import same_bits
from trainings import ROOT, digest, mlp, samples

import fastnn

pytest.importorskip("safetensors")

X, Y = samples(200, 12, 4)
EPOCHS = 30

TRAIN = f"""
import sys
import fastnn
from trainings import digest, mlp, samples
folder, resume = sys.argv[1], sys.argv[2] == "resume"
x, y = samples(200, 12, 4)
checkpoint = fastnn.Checkpoint(folder, every_steps=7, every_seconds=0.003, keep_last=2)
trainer = fastnn.Trainer(mlp(12, 50, 4), optimizer="adam", batch_size=16, epochs={EPOCHS}, progress=False,
                         callbacks=[checkpoint])
print("ready", flush=True)
(trainer.resume if resume else lambda path, *data: trainer.fit(*data))(folder, x, y)
print(digest(trainer.model.params), flush=True)
"""


def uninterrupted():
    trainer = fastnn.Trainer(mlp(12, 50, 4), optimizer="adam", batch_size=16, epochs=EPOCHS, progress=False)
    trainer.fit(X, Y)
    return digest(trainer.model.params)


def start(folder, resume, thread_count):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(fastnn.__file__).parent.parent), str(ROOT / "tests")]),
        "FASTNN_NUM_THREADS": str(thread_count),
    }
    command = [sys.executable, "-c", TRAIN, str(folder), "resume" if resume else "fit"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def killed_and_resumed(folder, seed, kills):
    """The digest of a training that was killed `kills` times at random moments, and how often it was still running."""
    chance = random.Random(seed)
    met = 0
    for i in range(kills):
        process = start(folder, i > 0 and any(folder.glob("checkpoint-*")), 1 + i % 2)
        with process:
            time.sleep(chance.uniform(0.0, 0.25))
            process.send_signal(signal.SIGKILL)
        met += process.returncode == -signal.SIGKILL
    with start(folder, any(folder.glob("checkpoint-*")), 2) as process:
        return process.stdout.read().strip(), met


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_training_killed_twice_ends_with_the_same_bits(tmp_path):
    result, met = killed_and_resumed(tmp_path / "run", 1, 2)
    assert met > 0
    assert result == uninterrupted()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_training_killed_at_50_random_moments_ends_with_the_same_bits(tmp_path):
    expected, met = uninterrupted(), 0
    for i in range(25):
        result, m = killed_and_resumed(tmp_path / str(i), 100 + i, 2)
        assert result == expected
        met += m
    assert met >= 25  # in the others the training was already done


# --- disks that fail ---


def failing(function, after, number):
    """A `function` that works `after` times and then fails with that error."""
    calls = iter(range(after))

    def call(*args, **kwargs):
        if next(calls, None) is None:
            raise OSError(number, os.strerror(number))
        return function(*args, **kwargs)

    return call


FUNCTIONS = {
    "write": (os, "write"),
    "fsync": (os, "fsync"),
    "open": (os, "open"),
    "close": (os, "close"),
    "replace": (Path, "replace"),
    "fchmod": (os, "fchmod"),
    "unlink": (Path, "unlink"),
}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("single", [True, False])
def test_a_failing_disk_leaves_a_checkpoint_that_can_be_resumed(tmp_path, monkeypatch, name, number, single):
    path = tmp_path / "last.safetensors" if single else tmp_path / "run"

    def make(*callbacks):
        return fastnn.Trainer(mlp(12, 9, 4), epochs=4, batch_size=50, progress=False, callbacks=callbacks)

    whole = make()
    whole.fit(X, Y)
    owner, function = FUNCTIONS[name]
    failed = 0
    for after in (0, 1, 2, 4):
        where = path.with_name(f"{after}-{path.name}")
        first = make(fastnn.Checkpoint(where, keep_last=1))
        first.epochs = 2
        first.fit(X, Y)
        with monkeypatch.context() as patch:
            patch.setattr(owner, function, failing(getattr(owner, function), after, number))
            error = None
            try:
                make(fastnn.Checkpoint(where, keep_last=1)).resume(where, X, Y)
            except OSError as raised:
                error = raised
        if error is not None:
            assert error.errno == number
            failed += 1
        resumed = make(fastnn.Checkpoint(where))
        resumed.resume(where, X, Y)
        assert same_bits(resumed.model.params, whole.model.params)
        kept = [where] if single else list(where.iterdir())
        assert all(p.name.startswith(("checkpoint-", f"{after}-")) for p in kept)
    # one file is replaced, and its permissions are kept; of many files, old ones are removed
    assert failed > 0 or name == ("unlink" if single else "fchmod")


def test_a_write_may_take_several_calls(tmp_path, monkeypatch):
    """`os.write` may write less than it was given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:100]))
    trainer = fastnn.Trainer(mlp(12, 4), epochs=1, progress=False, callbacks=[fastnn.Checkpoint(tmp_path)])
    trainer.fit(X, Y)
    (file,) = tmp_path.iterdir()
    assert np.array_equal(fastnn.load(file).params, trainer.model.params)
