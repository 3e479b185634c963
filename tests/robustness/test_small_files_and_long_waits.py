"""A small file costs little time and memory, whatever it says; and other ways in which a program seems to hang."""

import io
import os
import pickle
import re
import resource
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import scipy.io
from trainings import PATIENCE, mlp, needs_native, output_of, python, samples

import fastnn
from fastnn.alexnet.array_file import read_arrays
from fastnn.alexnet.torch_file import read_torch
from fastnn.cli.streams import _Unbroken, harmless
from fastnn.data import load, read_csv, read_mat, read_npz, read_pickle
from fastnn.layers import ELU, BatchNorm, Dense, LeakyReLU, LocalResponseNorm, Residual
from fastnn.tabular import TableClassifier
from fastnn.trainer import preparation


def cpu_seconds(call):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(ValueError, match=r"load: |read_csv: "):
        call()
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - before


def test_two_arrays_may_be_numbered_as_they_like(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, train0=np.zeros((3, 4), "u1"), train300000000=np.zeros((3, 4), "u1"))
    assert cpu_seconds(lambda: load(path)) < 1
    with pytest.raises(ValueError, match=r"train1, train2, .*train10 missing; there are train0, train300000000"):
        load(path)
    assert len(read_npz(path)) == 2


@pytest.mark.parametrize(
    "field",
    [
        "1" * 100_000 + "a",
        "1" * 100_000,
        "-." * 50_000,
        " " * 100_000 + "a",
        '" ' * 50_000,
        "1," * 60_000 + "x",
        "1.1" * 40_000,
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_time_for_a_long_field_of_a_table_grows_with_its_length(tmp_path, field, delimiter):
    path = tmp_path / "a.csv"
    rows = [["a", "b", "label"], *[["1", "2", "x"], ["3", "4", "y"]] * 5, [field, "2", "x"]]
    path.write_text("\n".join(map(delimiter.join, rows)) + "\n")
    assert cpu_seconds(lambda: read_csv(path)) < 2


def amplified(count):
    """A pickle that holds the bytes of one array and builds many arrays of them."""
    array = np.zeros(1 << 20, "u1")
    content = pickle.dumps([array], protocol=2)
    shared = [array] + [np.frombuffer(array.tobytes(), "u1").reshape(-1) for _ in range(2)]
    assert len(pickle.dumps(shared, protocol=2)) > 2 * len(content)
    raw = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nK\x00\x85U\x01b\x87"
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbq\x03"
    values = b"T" + (1 << 20).to_bytes(4, "little") + bytes(1 << 20) + b"q\x02"
    one = raw + b"R(K\x01J\x00\x00\x10\x00\x85h\x03\x89h\x02tb"
    return b"\x80\x02" + dtype + b"0" + values + b"0](" + one * count + b"e."


def test_many_arrays_of_the_same_bytes_are_refused(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(amplified(1))
    assert read_pickle(path)[0].shape == (1 << 20,)
    path.write_bytes(amplified(4000))
    with pytest.raises(ValueError, match=r"a\.pkl: calls that make more bytes than the \d+ of the pickle, at offset"):
        read_pickle(path)


def test_many_texts_of_the_same_bytes_are_refused(tmp_path):
    path, length = tmp_path / "a.pkl", 1 << 18
    scalar = b"cnumpy.core.multiarray\nscalar\nq\x00cnumpy\ndtype\nX\x08\x00\x00\x00<U262144\x85Rq\x01"
    raw = b"B" + (4 * length).to_bytes(4, "little") + b"a\0\0\0" * length + b"q\x02"
    for count in (1, 3000):
        path.write_bytes(b"\x80\x03" + scalar + raw + b"000](" + b"h\x00h\x01h\x02\x86R" * count + b"e.")
        if count == 1:
            assert read_pickle(path) == ["a" * length]
    with pytest.raises(ValueError, match=r"a\.pkl: calls that make more bytes than the \d+ of the pickle, at offset"):
        read_pickle(path)


def test_many_dicts_of_the_same_items_are_refused(tmp_path):
    items = b"".join(b"M" + number.to_bytes(2, "little") + b"K\x01\x86" for number in range(20_000))
    content = b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(" + items + b"e00}("
    content += b"".join(b"M" + number.to_bytes(2, "little") + b"h\x00h\x01\x85R" for number in range(3000)) + b"u."
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", content)
    with pytest.raises(ValueError, match=r"a\.pth: calls that make more bytes than the \d+ of the pickle, at offset"):
        read_torch(path)


def test_the_time_for_many_arrays_of_objects_grows_with_their_number(tmp_path):
    path = tmp_path / "a.npy"
    many = {str(number): np.array([None], object) for number in range(8000)}
    np.save(path, np.array(many, object), allow_pickle=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(ValueError, match="0: expected an array or a pair"):
        read_arrays(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 5


TEXTS = ["x" * 100_000, *["y"] * 25_000]  # of which an array takes 10 GB


def test_one_long_text_does_not_make_all_of_them_long(tmp_path):
    cells = np.empty((len(TEXTS), 1), object)
    cells[:, 0] = TEXTS
    scipy.io.savemat(tmp_path / "a.mat", {"labels": cells})
    with pytest.raises(ValueError, match=r"a\.mat: variable 'labels': one of 25001 texts has 100000 characters, 5 is"):
        read_mat(tmp_path / "a.mat")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"images": np.zeros((len(TEXTS), 4), "u1"), "labels": TEXTS}))
    with pytest.raises(
        ValueError, match=r"a\.pkl: 'labels': one of 25001 texts has 100000 characters, 5 is their mean"
    ):
        load(tmp_path / "a.pkl")
    with pytest.raises(ValueError, match=r"state: classes: one of 25001 texts has 100000 characters, 5 is their mean"):
        TableClassifier().restore(
            {"classes": TEXTS, "dtype": "<U5", "temperature": 1.0, "best_epochs": [1], "target": None}
        )


def test_a_configuration_nested_deep_is_an_error(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("x = " + "[" * 200_000 + "]" * 200_000)
    done = subprocess.run(
        [sys.executable, "-m", "fastnn", "train", "--config", str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert "is not readable as TOML" in done.stderr
    assert "Traceback" not in done.stderr


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_is_not_told_what_to_do_by_the_names_of_classes():
    evil = "b\x1b]0;title\x07\x1b[31m\x9b1A\u202eabc\x7f"
    shown, piped = Terminal(), io.StringIO()
    for stream in (shown, piped):
        print(evil, "é 漢字\t✓", file=_Unbroken(stream))
    assert not set(shown.getvalue()) & set("\x1b\x07\x9b\u202e\x7f")
    assert shown.getvalue() == "b\\x1b]0;title\\x07\\x1b[31m\\x9b1A\\u202eabc\\x7f é 漢字\t✓\n"
    assert piped.getvalue() == f"{evil} é 漢字\t✓\n"
    assert harmless(["\r100%|████| 3/3", "\x1b[A"][0]) == "\r100%|████| 3/3"
    assert harmless("\x1b[A") == "\x1b[A"  # what tqdm writes


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        (LeakyReLU(0.1), "alpha", 0.5),
        (ELU(1.0), "alpha", 0.25),
        (BatchNorm(eps=1e-5), "eps", 0.5),
        (LocalResponseNorm(3), "alpha", 0.5),
        (Residual([LeakyReLU(0.1)]), "alpha", 0.5),
    ],
)
def test_a_layer_that_is_changed_after_a_prediction_predicts_otherwise(layer, name, value):
    shape = (4, 3, 3) if isinstance(layer, LocalResponseNorm) else (4,)
    x = np.random.default_rng(0).standard_normal((9, *shape)).astype("f4")
    model = fastnn.Sequential([layer], input_shape=shape)
    for _ in range(3):  # the second call is quick, and the cut one shares the layers
        model.forward(x)
        model.features(x, at=model.layers[0].name)
    setattr(layer.inner[0] if layer.inner else layer, name, value)
    with fastnn.use_backend("reference"):
        wanted = model.copy().forward(x)
    for _ in range(2):
        np.testing.assert_allclose(model.forward(x), wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.features(x, at=model.layers[0].name), wanted, rtol=1e-5, atol=1e-6)


class Change(fastnn.Callback):
    """Changes a layer before the second epoch."""

    def on_epoch_begin(self, trainer, epoch):
        if epoch == 2:
            trainer.model.layers[1].alpha = 0.9


def test_a_layer_that_a_callback_changes_is_trained_as_it_is_then():
    x, y = samples(40, 6, 3)
    found = []
    for compile in (True, False):
        model = fastnn.Sequential([Dense(8), LeakyReLU(0.1), Dense(3)], input_shape=(6,), seed=1)
        fastnn.Trainer(model, epochs=3, callbacks=[Change()], progress=False, compile=compile).fit(x, y)
        found.append(model.params)
    np.testing.assert_array_equal(*found)


def test_a_training_larger_than_memory_is_refused_before_it_starts(monkeypatch):
    x, y = samples(40, 6, 3)
    model = mlp(6, 40, 3)
    monkeypatch.setattr(preparation, "LARGE_BYTES", 0)
    monkeypatch.setattr("fastnn.data.memory.available_bytes", lambda: 2 * model.params.nbytes + 1)
    before = model.params.copy()
    fastnn.Trainer(model, optimizer="momentum", epochs=1, progress=False).fit(x, y)
    model.params[...] = before
    with pytest.raises(MemoryError, match=r"fit: gradients and state of the optimiser: takes .* are available; an opt"):
        fastnn.Trainer(model, optimizer="adam", epochs=1, progress=False).fit(x, y)
    np.testing.assert_array_equal(model.params, before)


@needs_native
def test_the_intermediate_arrays_of_a_step_must_fit_into_memory(monkeypatch):
    x, y = samples(40, 6, 3)
    monkeypatch.setattr("fastnn.program.compiled.LARGE_BYTES", 0)
    monkeypatch.setattr("fastnn.data.memory.available_bytes", lambda: 100)
    with pytest.raises(MemoryError, match=r"program: the intermediate arrays of a step: takes .*; a smaller batch"):
        fastnn.Trainer(mlp(6, 41, 3), epochs=1, progress=False).fit(x, y)


@needs_native
def test_more_threads_than_help_are_not_made():
    assert int(output_of("import fastnn; fastnn.set_num_threads(256); print(fastnn.get_num_threads())")) == min(
        256, max(8, 4 * (os.cpu_count() or 1))
    )


NO_THREADS = r"""
#include <errno.h>
#include <stdio.h>
static int calls;
int pthread_create(void *a, const void *b, void *c, void *d) { calls++; return EAGAIN; }
__attribute__((destructor)) static void tell(void) { fprintf(stderr, "calls %d\\n", calls); }
"""


@needs_native
@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("gcc"), reason="needs LD_PRELOAD and gcc")
def test_threads_that_cannot_be_made_are_not_tried_again_at_every_call(tmp_path):
    (tmp_path / "a.c").write_text(NO_THREADS)
    library = tmp_path / "a.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "a.c"], check=True)
    code = """
import numpy as np, fastnn
from fastnn import functional as F
fastnn.set_num_threads(4)
x, w, b = np.ones((512, 512), "f4"), np.ones((512, 512), "f4"), np.ones(512, "f4")
for _ in range(40):
    F.affine_forward(x, w, b)
"""
    done = python(code, LD_PRELOAD=str(library), OPENBLAS_NUM_THREADS="1")
    calls = int(re.search(r"calls (\d+)", done.stderr)[1])
    assert 1 <= calls < 10, done.stderr  # one attempt a second
