"""The batches of CIFAR-10, in a folder and in their archive."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from fastnn.data import load
from fastnn.data.tar import tar_members

NAMES = ["plane", "car", "bird"]


def batches(each=6):
    rng = np.random.default_rng(0)
    made = {"batches.meta": {"label_names": NAMES, "num_vis": 3072}}
    for name in (*(f"data_batch_{k}" for k in (1, 2, 3)), "test_batch"):
        data = rng.integers(0, 256, (each, 3072), dtype=np.uint8)
        made[name] = {b"data": data, b"labels": [k % 3 for k in range(each)], b"batch_label": name.encode()}
    return made


def archive(path, files, mode="w:gz", format=tarfile.GNU_FORMAT):
    with tarfile.open(path, mode, format=format) as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))


def check(data, made):
    assert data.class_names == tuple(NAMES)
    assert data.train_images.shape == (18, 3, 32, 32)
    assert data.train_images.dtype == np.uint8
    expected = np.concatenate([made[f"data_batch_{k}"][b"data"] for k in (1, 2, 3)])
    np.testing.assert_array_equal(data.train_images.reshape(18, 3072), expected)
    np.testing.assert_array_equal(data.test_images.reshape(6, 3072), made["test_batch"][b"data"])
    assert data.test_labels.tolist() == [0, 1, 2, 0, 1, 2]


def test_a_folder_is_read(tmp_path):
    made = batches()
    for name, value in made.items():
        (tmp_path / name).write_bytes(pickle.dumps(value, 2))
    (tmp_path / "readme.html").write_text("<html>, x")
    check(load(tmp_path), made)
    one = load(tmp_path / "data_batch_2")
    assert len(one.train_labels) + len(one.test_labels) == 6


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_is_read(tmp_path, mode, format):
    made = batches()
    files = {f"cifar-10-batches-py/{name}": pickle.dumps(value, 2) for name, value in made.items()}
    archive(tmp_path / "cifar-10-python.tar.gz", files, mode, format)
    check(load(tmp_path / "cifar-10-python.tar.gz"), made)
    check(load(tmp_path), made)


def test_a_missing_part_of_a_batch_is_named(tmp_path):
    made = batches()
    del made["data_batch_2"][b"labels"]
    for name, value in made.items():
        (tmp_path / name).write_bytes(pickle.dumps(value, 2))
    with pytest.raises(ValueError, match="data_batch_2: no 'labels'; there are data, batch_label"):
        load(tmp_path)


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_members_are_those_of_tarfile_and_nothing_is_written(tmp_path, format):
    path = tmp_path / "box" / "a.tar"
    path.parent.mkdir()
    long = "/".join(["folder" * 6] * 3) + "/name"
    files = {"../../escape": b"1", "/absolute": b"", long: bytes(1000), "a/b": b"x" * 512}
    archive(path, files, "w", format)
    with tarfile.open(path, "a", format=format) as out:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(link)
    before = sorted(os.walk(tmp_path))
    found = {member.name: member.content for member in tar_members(path.read_bytes(), "test")}
    assert found == files
    assert sorted(os.walk(tmp_path)) == before


def test_a_size_that_the_archive_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "a.tar"
    archive(path, {"a": b"x"}, "w")
    data = bytearray(path.read_bytes())
    data[124:136] = b"77777777777\0"
    data[148:156] = b" " * 8
    data[148:155] = b"%06o\0" % sum(data[:512])
    with pytest.raises(ValueError, match="declares 8589934591 bytes"):
        list(tar_members(bytes(data), "test"))
