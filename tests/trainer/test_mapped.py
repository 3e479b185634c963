"""Training on a data set that stays in its file gives the bits of training in memory, and needs little memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trainings import threads

import fastnn
from fastnn.data import read_npy
from fastnn.data.mapped import RowFile
from fastnn.kernels import file_rows
from fastnn.layers import Dense, ReLU
from fastnn.trainer import sample_source


def trained(x, y, **options):
    model = fastnn.Sequential([Dense(9), ReLU(), Dense(3)], input_shape=(12,), input_scale=1 / 255, seed=1)
    trainer = fastnn.Trainer(model, optimizer="adam", **{"batch_size": 7, "epochs": 3, "seed": 4, **options})
    history = trainer.fit(x, y)
    return model.params.copy(), history.steps


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (103, 3, 4), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    return x, rng.integers(0, 3, 103), tmp_path / "x.npy"


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("shuffle", [True, False, "batches"])
@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("piece", [1, 300, 1 << 20])
def test_a_mapped_set_gives_the_same_bits(monkeypatch, data, compiled, shuffle, ahead, piece):
    x, y, path = data
    monkeypatch.setattr(sample_source, "_HALF_BYTES", piece)
    monkeypatch.setattr(sample_source, "_SLOW_ROW", -1.0 if ahead else 1e9)
    opened, real = [], sample_source.DoubleBuffer
    monkeypatch.setattr(sample_source, "DoubleBuffer", lambda *given: opened.append(real(*given)) or opened[-1])
    options = {"compile": compiled, "shuffle": shuffle}
    for expected, found in zip(
        trained(x, y, **options), trained(read_npy(path, mapped=True), y, **options), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert len(opened) == 1


@pytest.mark.filterwarnings("ignore:fit. x holds decimals")
def test_float_targets_and_views_are_taken(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.random((60, 12), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")[5:45]
    y = rng.random((40, 3)).astype(np.float32)
    for a, b in zip(
        trained(mapped, y, loss="mean_squared_error"),
        trained(np.array(mapped), y, loss="mean_squared_error"),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_a_file_that_was_replaced_is_read_through_its_mapping(data):
    x, y, path = data
    mapped = read_npy(path, mapped=True)
    path.rename(path.with_name("moved.npy"))
    np.save(path, 255 - x)
    with pytest.raises(OSError, match="is not the file that is mapped"):
        RowFile(mapped)
    np.testing.assert_array_equal(trained(mapped, y)[0], trained(x, y)[0])


def test_rows_of_a_file_are_read_by_index(data):
    x, _, path = data
    rows = RowFile(read_npy(path, mapped=True)[10:])
    index = np.array([92, 0, 5, 5])
    out = np.empty((6, 12), np.uint8)
    rows.read(index, out)
    np.testing.assert_array_equal(out[:4].reshape(4, 3, 4), x[10:][index])
    with pytest.raises(OSError, match="has become shorter"):
        rows.read(np.array([93]), out)


def test_without_the_native_module_rows_are_the_same(monkeypatch, data):
    x, _, path = data
    monkeypatch.setattr(file_rows, "_native", None)
    out = np.empty((2, 12), np.uint8)
    RowFile(read_npy(path, mapped=True)).read(np.array([7, 102]), out)
    np.testing.assert_array_equal(out.reshape(2, 3, 4), x[[7, 102]])


CODE = """
import sys
from pathlib import Path
import numpy as np, fastnn
from fastnn.data import read_npy
from fastnn.layers import Dense
x = read_npy(sys.argv[1], mapped=True)
model = fastnn.Sequential([Dense(2)], input_shape=(4096,), input_scale=1 / 255)
trainer = fastnn.Trainer(model, batch_size=64, epochs=1, progress=False)

def most():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024

trainer.fit(x[:64], np.arange(64) % 2)
before = most()
trainer.fit(x, np.arange(len(x)) % 2)
print(most() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the measure needs Linux's /proc")
def test_memory_stays_small(tmp_path):
    file = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (1 << 16, 4096))  # 256 MiB, mostly holes
    file[::1000] = 1
    del file
    said = subprocess.run([sys.executable, "-c", CODE, tmp_path / "x.npy"], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 128  # of 256; ThreadSanitizer has some of its own for what is used


def test_many_rows_are_read_on_any_number_of_threads(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (3000, 700), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    rows = RowFile(read_npy(tmp_path / "x.npy", mapped=True))
    index = np.random.default_rng(1).integers(0, 3000, 5000)
    for count in (1, 2, 3):
        with threads(count):
            out = np.zeros((5000, 700), np.uint8)
            rows.read(index, out)
            np.testing.assert_array_equal(out, x[index])


def test_the_first_missing_row_is_reported(tmp_path):
    (tmp_path / "x").write_bytes(bytes(1000 * 100))
    index = np.arange(1000)
    index[[700, 990, 701]] = 5000
    for count in (1, 3):
        with threads(count), (tmp_path / "x").open("rb") as file:
            assert file_rows.read_rows(file.fileno(), index, np.empty((1000, 100), np.uint8), 0) == 700
