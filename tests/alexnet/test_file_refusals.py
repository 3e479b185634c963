"""Files of weights that PyTorch or NumPy pickled, written byte by byte: what is read of them, and what is refused."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fastnn.alexnet.array_file import read_arrays
from fastnn.alexnet.torch_file import read_torch

NUMBERS = np.arange(6, dtype="<f4")


def told(key: bytes = b"X\x01\x00\x00\x000", count: int = 6, more: bytes = b"") -> bytes:
    """A reference to the numbers of a storage."""
    device = b"X\x03\x00\x00\x00cpu"
    return b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + key + device + b"K" + bytes([count]) + more + b"tQ"


def tensor(storage: bytes) -> bytes:
    """A tensor of 2 x 3 of these numbers."""
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x02K\x03\x86K\x03K\x01\x86\x89NtR"


def named(value: bytes) -> bytes:
    """A pickled dict of one value."""
    return b"\x80\x02}X\x01\x00\x00\x00w" + value + b"s."


def archive(path: Path, item: bytes, name: str = "a/data.pkl", **more: bytes) -> Path:
    """An archive as torch.save writes it."""
    with zipfile.ZipFile(path, "w") as written:
        written.writestr(name, item)
        for part, content in {"data/0": NUMBERS.tobytes(), **more}.items():
            written.writestr(f"a/{part}", content)
    return path


@pytest.mark.parametrize(
    "item",
    [
        named(tensor(told())),
        named(tensor(told(more=b"N"))),
        named(b"ctorch._utils\n_rebuild_parameter\n(" + tensor(told()) + b"\x88NtR"),
        named(tensor(told()))[:-1] + b"}X\x01\x00\x00\x00vK\x01sb.",  # as an OrderedDict has them
    ],
    ids=["a tensor", "of no view", "a parameter", "with attributes"],
)
def test_tensors_are_read(item, tmp_path):
    found = read_torch(archive(tmp_path / "w.pth", item, byteorder=b"little"))
    np.testing.assert_array_equal(found["w"], NUMBERS.reshape(2, 3))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (named(tensor(b"N")), "a tensor without numbers"),
        (named(b"K\x01Q"), "a reference to something other than numbers"),
        (named(tensor(told(key=b"K\x00"))), "a damaged reference to numbers"),
        (named(tensor(told(more=b"K\x01"))), "a view of a storage"),
        (named(b"](" + tensor(told()) + tensor(told(count=7)) + b"e"), "storage '0' twice, with 6 and 7 numbers"),
        (b"\x80\x02}b.", "damaged pickle at offset"),
        (b"\x80\x02K\x01K\x01}b.", "a state for int"),
        (b"\x80\x02K\x05.", "expected a dict of tensors, found int"),
        (b"\x80\x02}.", "expected a dict of tensors, found dict"),
        (named(b"K\x05"), "expected tensors only, but these are none: w"),
    ],
)
def test_what_is_no_tensor_is_refused(item, message, tmp_path):
    with pytest.raises(ValueError, match=rf"read_torch: .*w\.pth: {message}"):
        read_torch(archive(tmp_path / "w.pth", item))


def test_other_archives_are_refused(tmp_path):
    item = named(tensor(told()))
    with pytest.raises(ValueError, match=r"w\.pth: a zip archive, but not of torch\.save: it has no data\.pkl"):
        read_torch(archive(tmp_path / "w.pth", item, "a/other"))
    with pytest.raises(ValueError, match=r"w\.pth: numbers in big-endian order"):
        read_torch(archive(tmp_path / "w.pth", item, byteorder=b"big"))
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("a/data.pkl", item)
    with pytest.raises(ValueError, match=r"w\.pth: a/data\.pkl is compressed, which torch\.save never does"):
        read_torch(tmp_path / "w.pth")


def stream(version: int = 1001, little: bool = True, keys: object = ("0",), count: int = 6) -> bytes:
    """A file in the older form of torch.save."""
    head = (pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, version, {"little_endian": little}))
    listed = pickle.dumps(list(keys) if isinstance(keys, tuple) else keys, 2)
    return b"".join((*head, named(tensor(told())), listed, count.to_bytes(8, "little"), NUMBERS.tobytes()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (stream(version=1000), "a stream of another version: 1000, expected 1001"),
        (stream(little=False), "numbers in big-endian order"),
        (stream(keys={"0": 1}), "damaged: the list of storages is not that of the tensors"),
        (stream(keys=("1",)), "damaged: the list of storages is not that of the tensors"),
        (stream(count=7), "truncated or damaged: storage '0' should have 6 numbers"),
        (stream()[:-1], "truncated or damaged: storage '0' of 6 numbers has 23 bytes"),
    ],
)
def test_other_streams_are_refused(content, message, tmp_path):
    (tmp_path / "w.pt").write_bytes(stream())
    np.testing.assert_array_equal(read_torch(tmp_path / "w.pt")["w"], NUMBERS.reshape(2, 3))
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"w\.pt: {message}"):
        read_torch(tmp_path / "w.pt")


def saved(path: Path, value: object, change: tuple[bytes, bytes] = (b"", b"")) -> Path:
    """An .npy file with an object in it, and one change of its bytes."""
    np.save(path, np.array(value, object), allow_pickle=True)
    content = path.read_bytes()
    path.write_bytes(content.replace(*change) if change[0] else content)
    return path


def test_arrays_in_dicts_and_pairs_are_read(tmp_path):
    weights, biases = np.ones((2, 3), "f4"), np.zeros(3, "f4")
    both = {"conv1": {"weights": weights, "biases": biases}, b"fc": [weights, biases], "mean": biases}
    found = read_arrays(saved(tmp_path / "w.npy", both))
    assert list(found) == ["conv1.weights", "conv1.biases", "fc.w", "fc.b", "mean"]
    np.testing.assert_array_equal(found["conv1.weights"], weights)


@pytest.mark.parametrize(
    ("value", "change", "message"),
    [
        ({"a": 3}, (b"", b""), "a: expected an array or a pair"),
        ({"a": np.array([[None, 1]], object)}, (b"", b""), "an array of objects other than one dict or list of arrays"),
        ({"a": np.array([None] * 7, object)}, (b"K\x07\x85", b"K\x08\x85"), "a damaged array of objects"),
    ],
)
def test_other_objects_are_refused(value, change, message, tmp_path):
    with pytest.raises(ValueError, match=rf"read_arrays: .*w\.npy: {message}"):
        read_arrays(saved(tmp_path / "w.npy", value, change))
