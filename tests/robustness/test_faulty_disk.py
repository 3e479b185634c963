"""On a full or a broken disk nothing is lost: what was there stays, no part of a file is left, the error names it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from trainings import ROOT, python

SHIM = Path(__file__).with_name("faulty_disk.c")
COMPILER = shutil.which("gcc") or shutil.which("cc")

pytestmark = pytest.mark.skipif(sys.platform != "linux" or not COMPILER, reason="needs Linux and a C compiler")


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    """The environment of a process whose disk can be made faulty."""
    library = tmp_path_factory.mktemp("shim") / "faulty.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


COMMON = """
import errno, os, sys
from contextlib import contextmanager
from pathlib import Path
import numpy as np, fastnn
from fastnn.export import to_npz
from fastnn.files import write_whole
from fastnn.layers import Dense

@contextmanager
def faulty(path, call, number, room=0):
    os.environ |= {"FAULT_PATH": str(path), "FAULT_CALL": call, "FAULT_ERRNO": str(number), "FAULT_BYTES": str(room)}
    try:
        yield
    finally:
        del os.environ["FAULT_PATH"]

FAULTS = (("open", errno.ENOSPC), ("write", errno.ENOSPC), ("write", errno.EIO), ("fsync", errno.EIO),
          ("rename", errno.EACCES))
model = fastnn.Sequential([Dense(3)], input_shape=(7,), seed=0)
x, y = np.random.default_rng(0).random((60, 7), np.float32), np.arange(60) % 3
"""

WRITERS = """
folder = Path("out"); folder.mkdir()
history = fastnn.Trainer(model, epochs=1, progress=False).fit(x, y)
WRITERS = {
    "model.safetensors": model.save,
    "history.csv": history.to_csv,
    "history.json": history.save if hasattr(history, "save") else history.to_json,
    "model.npz": lambda path: to_npz(model, path),
    "text.txt": lambda path: write_whole(path, "hello" * 1000),
}
for name, write in WRITERS.items():
    path = folder / name
    write(path)
    before = path.read_bytes()
    path.chmod(0o600)
    for call, number in FAULTS:
        for room in (0, 100):
            try:
                with faulty("out/", call, number, room):
                    write(path)
            except OSError as error:
                assert error.errno == number and Path(error.filename) == path, (name, call, error, error.filename)
            else:
                raise AssertionError(f"{name}: no error of {call}")
            assert path.read_bytes() == before, (name, call)
            assert sorted(p.name for p in folder.iterdir()) == [name], (name, call, list(folder.iterdir()))
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
print("done")
"""

CHECKPOINTS = """
def train(**options):
    model = fastnn.Sequential([Dense(3)], input_shape=(7,), seed=0)
    checkpoint = fastnn.Checkpoint("checkpoints", every_steps=3, **options)
    fastnn.Trainer(model, epochs=3, batch_size=10, callbacks=[checkpoint], progress=False).fit(x, y)

train()
before = {path.name: path.read_bytes() for path in Path("checkpoints").iterdir()}
assert before
for call, number in FAULTS:
    try:
        with faulty("checkpoints/", call, number, 100):
            train(overwrite=True)
    except OSError as error:
        assert error.errno == number and "checkpoint-000000003.safetensors" in str(error.filename), error
    else:
        raise AssertionError(call)
    assert {path.name: path.read_bytes() for path in Path("checkpoints").iterdir()} == before, call
train(overwrite=True, keep_last=None)
assert len(list(Path("checkpoints").iterdir())) == 6
print("done")
"""

READERS = """
from hostile_files import FORMATS

for number, fmt in enumerate(FORMATS):
    path = fmt.place(Path(f"{number}"), fmt.content, False)
    for room in (0, 20):
        try:
            with faulty(f"/{number}/", "read", errno.EIO, room):
                fmt.read(path)
        except OSError as error:
            assert error.errno == errno.EIO and str(error.filename).startswith(str(path)), (fmt.name, room, error)
        except ValueError as error:  # an archive whose directory cannot be read
            assert room and str(path) in str(error) and "npz" in fmt.name, (fmt.name, room, error)
        else:
            raise AssertionError(f"{fmt.name}: no error")
print("done")
"""

TRAINING = """
import contextlib, io, shutil
from fastnn.cli import main

np.savez("set.npz", x_train=(x * 255).astype("u1"), y_train=y)
for call, number in FAULTS:
    told, shown = io.StringIO(), io.StringIO()
    with faulty("/run/", call, number, 100), contextlib.redirect_stderr(told), contextlib.redirect_stdout(shown):
        status = main(["train", "set.npz", "--model", "mlp:7-3", "--epochs", "1", "--output", "run"])
    assert status == 1, call
    assert f"run/model.safetensors: {os.strerror(number)}" in told.getvalue(), told.getvalue()
    (saved,) = Path().glob("fastnn-model-*.safetensors")
    assert fastnn.load(saved).predict(x[:1]).shape == (1,)
    assert not list(Path("run").iterdir())
    saved.unlink()
    shutil.rmtree("run")
print("done")
"""

SHORT_READS = """
from fastnn.data import read_npy
from fastnn.data.mapped import RowFile

np.save("x.npy", x)
(Path("set") / "a.csv").parent.mkdir()
Path("set/a.csv").write_text("a,b,label\\n" + "1.5,2,x\\n3,4,y\\n" * 5000)
whole = model.predict_proba(read_npy("x.npy", mapped=True)), fastnn.data.load("set/a.csv").train_images
with faulty("/", "short", 0):
    parts = model.predict_proba(read_npy("x.npy", mapped=True)), fastnn.data.load("set/a.csv").train_images
    rows = np.zeros_like(x)
    RowFile(read_npy("x.npy", mapped=True)).read(np.arange(len(x))[::-1], rows.view(np.uint8))
np.testing.assert_array_equal(rows, x[::-1])
for one, other in zip(whole, parts):
    np.testing.assert_array_equal(one, other)
print("done")
"""


@pytest.mark.parametrize(
    "code",
    [WRITERS, CHECKPOINTS, READERS, TRAINING, SHORT_READS],
    ids=["writers", "checkpoints", "readers", "a training", "short reads"],
)
def test_a_fault_of_the_disk_loses_nothing(tmp_path, preload, code):
    begin = f"import os, sys; os.chdir({str(tmp_path)!r}); sys.path.append({str(ROOT / 'tests' / 'data')!r})"
    done = python(begin + COMMON + code.replace("\\\\", "\\"), **preload)
    assert done.stdout.endswith("done\n"), (done.stdout, done.stderr)
