"""Data that do not fit into memory are refused before they are read, with a remedy; estimates are close."""

import gzip
import pickle
import tarfile
import tracemalloc

import numpy as np
import pytest
import scipy.io
from data_files import npy_bytes, toy_set, write_idx_set
from PIL import Image

from fastnn.data import (
    load,
    memory,
    memory_needed,
    read_csv,
    read_idx,
    read_image_folder,
    read_mat,
    read_npy,
    read_npz,
    read_photo_list,
    read_pickle,
)
from fastnn.kernels import control_group

COUNT = 1500
NAMES = ("x_train", "y_train", "x_test", "y_test")


def write_csv(path, images, labels):
    rows = zip(labels.tolist(), images.reshape(len(images), -1).tolist(), strict=True)
    path.write_text("".join(",".join(map(str, (label, *row))) + "\n" for label, row in rows))


def write_classes(folder, images, labels):
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{k}.png")


def write(folder, kind):
    """Write a set of that kind to the folder; return what to load."""
    folder.mkdir(parents=True, exist_ok=True)
    toy = toy_set(COUNT, COUNT // 5)
    arrays = dict(zip(NAMES, toy, strict=True))
    images, labels = toy[:2]
    if kind.startswith("IDX"):
        return write_idx_set(folder, *toy, suffix=".gz" if "gz" in kind else "")
    if kind == "npy":
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        return folder
    if kind == "npy without a test split":
        np.save(folder / "images.npy", images.astype(np.float32))
        np.save(folder / "labels.npy", labels)
        return folder
    if kind == "npy in Fortran order":
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", np.asfortranarray(array))
        return folder
    if kind.startswith("npz"):
        (np.savez_compressed if "compressed" in kind else np.savez)(folder / "a.npz", **arrays)
    elif kind.startswith("MAT"):
        flat = {name: array.reshape(len(array), -1).astype(float) for name, array in arrays.items()}
        scipy.io.savemat(folder / "a.mat", flat, do_compression="compressed" in kind)
    elif kind == "pickle":
        (folder / "a.pkl").write_bytes(pickle.dumps(arrays, 4))
    elif kind == "mnist.pkl.gz":
        pairs = tuple((images.reshape(COUNT, -1) / np.float32(255), labels.astype(int)) for _ in range(3))
        (folder / "mnist.pkl.gz").write_bytes(gzip.compress(pickle.dumps(pairs, 4), 1))
    elif kind == "CIFAR-10":
        for k in (1, 2, 3):
            pixels = np.random.default_rng(k).integers(0, 256, (COUNT // 5, 3072), np.uint8)
            batch = {b"data": pixels, b"labels": (np.arange(COUNT // 5) % 10).tolist()}
            (folder / f"data_batch_{k}").write_bytes(pickle.dumps(batch, 2 + k % 2))
        (folder / "test_batch").write_bytes((folder / "data_batch_1").read_bytes())
    elif kind.startswith("CSV"):
        numbers = images[:300] + 0.25 if "fractions" in kind else images[:300]
        write_csv(folder / "a.csv", numbers, labels[:300])
        if "gz" in kind:
            (folder / "a.csv.gz").write_bytes(gzip.compress((folder / "a.csv").read_bytes()))
            (folder / "a.csv").unlink()
    elif kind == "folders of images":
        large = np.kron(images[:200], np.ones((5, 5), np.uint8))
        write_classes(folder / "train", large, labels[:200])
        write_classes(folder / "test", large[:50], labels[:50])
    elif kind == "archive":
        write_classes(folder / "in", images[:300], labels[:300])
        with tarfile.open(folder / "a.tar.gz", "w:gz") as archive:
            archive.add(folder / "in", "in")
        return folder / "a.tar.gz"
    return folder


KINDS = [
    *("IDX", "IDX .gz", "npy", "npy without a test split", "npy in Fortran order", "npz", "npz compressed", "MAT"),
    *("MAT compressed", "pickle", "mnist.pkl.gz", "CIFAR-10", "CSV", "CSV .gz", "CSV of fractions"),
    *("folders of images", "archive"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_is_close_to_what_loading_takes(tmp_path, kind):
    source = write(tmp_path / "set", kind)
    load(source)  # imports what it needs
    said = memory_needed(source)
    tracemalloc.start()
    try:
        data = load(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said >= data.train_images.nbytes
    assert 0.9 * peak - 2e5 < said < 2.2 * peak


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_that_does_not_fit_is_refused_as_a_whole_before_its_first_file_is_read(tmp_path, monkeypatch, kind):
    source = write(tmp_path / "set", kind)
    load(source)  # imports what it needs
    said = memory_needed(source)
    monkeypatch.setattr(memory, "available_bytes", lambda: said - 1)
    tracemalloc.start()
    try:
        with pytest.raises(MemoryError, match=r"^load: .*set.*: takes .* but .* are available; .*mapped=True"):
            load(source)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(memory, "available_bytes", lambda: said)
    assert load(source).train_images.nbytes <= said


def test_readers_refuse_on_their_own(tmp_path, monkeypatch):
    kinds = ("IDX", "IDX .gz", "npy", "npz", "MAT", "pickle", "CSV", "folders of images")
    found = {kind: write(tmp_path / kind.replace(" ", "_"), kind) for kind in kinds}
    (tmp_path / "list.txt").write_text(f"A B - - http://host/1.png 0,0,1,1 {'0' * 64}\n")
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    for read, words in (
        (lambda: read_idx(found["IDX"] / "train-images-idx3-ubyte"), "mapped=True leaves"),
        (lambda: read_idx(found["IDX .gz"] / "train-images-idx3-ubyte.gz"), "gunzip"),
        (lambda: read_npy(found["npy"] / "x_train.npy"), "mapped=True leaves"),
        (lambda: read_npz(found["npz"] / "a.npz"), "as .npy files"),
        (lambda: read_mat(found["MAT"] / "a.mat"), "as .npy files"),
        (lambda: read_pickle(found["pickle"] / "a.pkl"), "as .npy files"),
        (lambda: read_csv(found["CSV"] / "a.csv"), "as .npy files"),
        (lambda: read_image_folder(found["folders of images"] / "train"), "a smaller size="),
        (lambda: read_photo_list(tmp_path / "list.txt", tmp_path, size=400), "a smaller size="),
    ):
        with pytest.raises(MemoryError, match=f"takes .* but 1.0 kB are available; .*{words}"):
            read()
    assert read_npz(found["npz"] / "a.npz", []) == {}


@pytest.mark.parametrize("kind", ["IDX", "npy"])
def test_a_mapped_set_takes_almost_no_memory(tmp_path, monkeypatch, kind):
    source = write(tmp_path / "set", kind)
    said = memory_needed(source, mapped=True)
    assert said < 10_000
    monkeypatch.setattr(memory, "available_bytes", lambda: said)
    assert load(source, mapped=True).train_images.shape == (COUNT, 28, 28)


def test_damaged_headers_are_left_to_the_reader(tmp_path, monkeypatch):
    (tmp_path / "x_train.npy").write_bytes(npy_bytes(np.arange(9))[:50])
    monkeypatch.setattr(memory, "available_bytes", lambda: 10)
    assert memory_needed(tmp_path) is None
    with pytest.raises(ValueError, match="truncated or damaged"):
        load(tmp_path)


def test_files_that_do_not_exist_are_left_to_the_reader(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        memory_needed(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="Three ways out"):
        memory_needed("mnist")


def test_the_system_says_what_is_available():
    found = memory.available_bytes()
    assert found is None or 1 << 20 < found < 1 << 50


SYSTEM = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable: 4000 kB\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (SYSTEM, 4_096_000),
        (
            {
                **SYSTEM,
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": "max\n",
                "sys/fs/cgroup/a/b/memory.current": "7\n",
                "sys/fs/cgroup/a/b/memory.stat": "inactive_file 3\n",
                "sys/fs/cgroup/a/memory.max": "3000000\n",
                "sys/fs/cgroup/a/memory.current": "2000000\n",
                "sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 500000\nactive_file 1\n",
            },
            1_500_001,
        ),
        (
            {
                **SYSTEM,
                "proc/self/cgroup": "7:cpu:/x\n4:memory:/a\n",
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "900\n",
                "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "700\n",
                "sys/fs/cgroup/memory/a/memory.stat": "inactive_file 1\ntotal_inactive_file 40\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2**63 - 4096}\n",
            },
            240,
        ),
        (
            {
                **SYSTEM,
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": "100\n",
                "sys/fs/cgroup/memory.current": "200\n",
                "sys/fs/cgroup/memory.stat": "anon 1\n",
            },
            0,
        ),
    ],
)
def test_control_groups_limit_memory_too(monkeypatch, tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for module in (memory, control_group):
        monkeypatch.setattr(module, "Path", lambda path: tmp_path / str(path).lstrip("/"))
    assert memory.available_bytes() == expected


@pytest.mark.parametrize(("size", "text"), [(12, "12 bytes"), (8000, "8.0 kB"), (3.2e9, "3.2 GB")])
def test_sizes_are_written_with_units(size, text):
    assert memory.size_text(int(size)) == text
