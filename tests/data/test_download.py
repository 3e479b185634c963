"""Named data sets are downloaded, here from a server of the test."""

import functools
import hashlib
import http.server
import io
import pickle
import subprocess
import sys
import tarfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from data_files import shared, toy_set, write_idx_set
from PIL import Image

from fastnn.data import NAMED_DATASETS, fetch, load, read_npz
from fastnn.data.download import content_digest

pytest.importorskip("pooch")


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, ends files below cut/ in their middle, and counts requests."""

    asked: ClassVar[list] = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.asked.append(self.path)
        if not self.path.startswith("/cut/"):
            return super().do_GET()
        data = Path(self.directory, self.path[5:]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        return None


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of tmp_path/served; NAMED_DATASETS["mnist"] is a small set there, and FASTNN_DATA an empty folder."""
    served = tmp_path / "served"
    write_idx_set(served, *toy_set(), suffix=".gz")
    Handler.asked = []
    handler = functools.partial(Handler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{httpd.server_port}/"
        files = tuple(
            replace(file, sha256=hashlib.sha256((served / file.name).read_bytes()).hexdigest())
            for file in NAMED_DATASETS["mnist"].files
        )
        monkeypatch.setitem(NAMED_DATASETS, "mnist", replace(NAMED_DATASETS["mnist"], files=files, mirrors=(address,)))
        monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "data"))
        yield address
        httpd.shutdown()


def sources(monkeypatch, *addresses):
    monkeypatch.setitem(NAMED_DATASETS, "mnist", replace(NAMED_DATASETS["mnist"], mirrors=addresses))


def check(data):
    for found, expected in zip((*data.train, *data.test), toy_set(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert data.name == "mnist"
    assert data.train_images.dtype == np.uint8


def left(tmp_path):
    """The files in the data folder other than those of the set."""
    names = {file.name for file in NAMED_DATASETS["mnist"].files}
    found = {path.name for path in (tmp_path / "data").rglob("*") if path.is_file()}
    return found - names - {"x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"}


def test_a_set_is_downloaded_once_and_then_read_from_its_arrays(tmp_path, server):
    check(load("mnist"))
    assert len(Handler.asked) == 4
    check(load("mnist"))
    assert len(Handler.asked) == 4
    assert fetch("mnist") == tmp_path / "data" / "mnist" / "arrays"
    assert not load("mnist", mapped=True).train_images.flags.writeable
    assert left(tmp_path) == set()


@pytest.mark.parametrize("first", ["http://127.0.0.1:9/", "{0}missing/", "{0}cut/"])
def test_the_next_source_is_asked_where_one_fails(monkeypatch, server, first):
    sources(monkeypatch, first.format(server), server)
    check(load("mnist"))


def test_a_file_of_another_content_is_refused_and_leaves_none(tmp_path, monkeypatch, server):
    path = tmp_path / "served" / "train-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(FileNotFoundError, match=r"another file: its SHA-256 differs.*Three ways out"):
        load("mnist")
    assert not (tmp_path / "data/mnist/download" / path.name).exists()
    assert not (tmp_path / "data/mnist/arrays").exists()
    assert left(tmp_path) == set()


def test_an_interrupted_download_leaves_nothing(tmp_path, monkeypatch, server):
    sources(monkeypatch, f"{server}cut/")
    with pytest.raises(FileNotFoundError, match="cannot be downloaded"):
        load("mnist")
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []
    sources(monkeypatch, server)
    check(load("mnist"))


def test_without_a_network_the_three_ways_out_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    for name in NAMED_DATASETS:
        with pytest.raises(FileNotFoundError) as caught:
            load(name)
        for part in ("cannot be downloaded", "path=", "FASTNN_DATA", "load('glyphs')", "127.0.0.1:9"):
            assert part in str(caught.value)


PROCESS = """
from dataclasses import replace
from fastnn.data import NAMED_DATASETS, load
from fastnn.data.named_datasets import RemoteFile
files = {files!r}
mnist = replace(NAMED_DATASETS["mnist"], files=tuple(RemoteFile(*f) for f in files), mirrors=({source!r},))
NAMED_DATASETS["mnist"] = mnist
print(int(load("mnist").train_images.sum()))
"""


def test_two_processes_at_once_get_one_good_set(tmp_path, server):
    code = PROCESS.format(files=[(f.name, f.sha256) for f in NAMED_DATASETS["mnist"].files], source=server)
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate() for process in started]
    assert [out for out, _ in said] == [f"{int(toy_set()[0].sum())}\n"] * 3, said
    assert left(tmp_path) == set()
    assert [path.name for path in (tmp_path / "data/mnist").iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"fetch: cannot make .*Three ways out"):
        load("mnist")


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no data set 'mnits'; there are mnist, fashion-mnist, kmnist, notmnist"):
        fetch("mnits")


def png_archive(path, images, labels):
    with tarfile.open(path, "w:gz") as archive:
        for k, (image, label) in enumerate(zip(images, labels, strict=True)):
            file = io.BytesIO()
            if image is not None:
                Image.fromarray(image).save(file, "PNG")
            info = tarfile.TarInfo(f"notMNIST_small/{'ABCDEFGHIJ'[label]}/{k}.png")
            info.size = file.tell()
            file.seek(0)
            archive.addfile(info, file)


def test_notmnist_is_known_by_its_images_whatever_their_order(tmp_path, monkeypatch, server):
    images, labels, _, _ = toy_set()
    digest = content_digest({"train_images": images, "train_labels": labels})
    order = np.random.default_rng(0).permutation(30)
    png_archive(tmp_path / "served/notMNIST_small.tar.gz", [*images[order], None], [*labels[order], 0])
    monkeypatch.setitem(
        NAMED_DATASETS, "notmnist", replace(NAMED_DATASETS["notmnist"], mirrors=(server,), content_sha256=digest)
    )
    data = load("notmnist")
    found = np.concatenate([data.train_images, data.test_images])
    assert sorted(image.tobytes() for image in found) == sorted(image.tobytes() for image in images)
    assert data.class_names == tuple("ABCDEFGHIJ")


def test_another_notmnist_is_refused(tmp_path, monkeypatch, server):
    images, labels, _, _ = toy_set()
    png_archive(tmp_path / "served/notMNIST_small.tar.gz", images, labels)
    monkeypatch.setitem(NAMED_DATASETS, "notmnist", replace(NAMED_DATASETS["notmnist"], mirrors=(server,)))
    with pytest.raises(FileNotFoundError, match="its images differ"):
        load("notmnist")
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


def test_cifar10_is_downloaded_and_read(tmp_path, monkeypatch, server):
    path = tmp_path / "served/cifar-10-python.tar.gz"
    data = np.arange(12 * 3072, dtype=np.uint32).astype(np.uint8).reshape(12, 3072)
    with tarfile.open(path, "w:gz") as archive:
        for name in ("data_batch_1", "test_batch"):
            content = pickle.dumps({b"data": data, b"labels": [k % 10 for k in range(12)]}, 2)
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    file = replace(NAMED_DATASETS["cifar10"].files[0], sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(NAMED_DATASETS, "cifar10", replace(NAMED_DATASETS["cifar10"], mirrors=(server,), files=(file,)))
    for _ in range(2):
        found = load("cifar10")
        assert found.class_names[0] == "airplane"
        np.testing.assert_array_equal(found.train_images.reshape(12, 3072), data)


def test_the_real_notmnist_has_the_pinned_content():
    arrays = read_npz(shared("notmnist") / "notMNIST_small.npz")
    found = {"train_images": arrays["images"], "train_labels": arrays["labels"]}
    assert content_digest(found) == NAMED_DATASETS["notmnist"].content_sha256
