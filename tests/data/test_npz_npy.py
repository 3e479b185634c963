"""NumPy's own file formats: round trips and refusals."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from data_files import npy_bytes, shared
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastnn.data import read_npy, read_npz
from fastnn.data.binary import native_array

ARRAYS = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="?")
    | hnp.unsigned_integer_dtypes(endianness="?")
    | hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64))
).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))


def same(out, array):
    assert out.dtype == array.dtype.newbyteorder("=")
    assert out.dtype.isnative
    assert out.flags.c_contiguous
    assert out.flags.writeable
    np.testing.assert_array_equal(out, array)


@given(ARRAYS, st.booleans())
def test_npy_files_are_read_back(tmp_path_factory, array, fortran):
    path = tmp_path_factory.getbasetemp() / "round_trip.npy"
    np.save(path, np.asfortranarray(array) if fortran else array)
    same(read_npy(path), array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_format_versions_are_read(tmp_path, version):
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, np.arange(6.0).reshape(2, 3), version=version)
    same(read_npy(tmp_path / "a.npy"), np.arange(6.0).reshape(2, 3))


@given(st.dictionaries(st.sampled_from(["images", "labels", "x.y", "é"]), ARRAYS, min_size=1), st.booleans())
def test_npz_files_are_read_back(tmp_path_factory, arrays, compressed):
    path = tmp_path_factory.getbasetemp() / "round_trip.npz"
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    out = read_npz(path)
    assert list(out) == list(arrays)
    for name, array in arrays.items():
        same(out[name], array)


def test_npz_reads_only_what_is_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(3), names=np.array([1j, 2j]), b=np.ones(2))
    assert list(read_npz(tmp_path / "a.npz", ["b"])) == ["b"]
    with pytest.raises(ValueError, match="no array 'c'; there are a, names, b"):
        read_npz(tmp_path / "a.npz", ["c"])
    with pytest.raises(ValueError, match="array 'names': dtype '<c16'; only booleans, integers, floats"):
        read_npz(tmp_path / "a.npz")


def test_notmnist_is_read():
    out = read_npz(shared("notmnist") / "notMNIST_small.npz")
    assert out["images"].shape == (18724, 28, 28)
    assert out["images"].dtype == np.uint8
    assert set(np.bincount(out["labels"]).tolist()) == {1872, 1873}


class Tripwire:
    """Unpickling this would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickles_are_never_loaded(tmp_path):
    objects = np.array([Tripwire(tmp_path / "ran")], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", images=objects)
    for read, path in ((read_npy, tmp_path / "a.npy"), (read_npz, tmp_path / "a.npz")):
        with pytest.raises(ValueError, match="pickled Python objects, which are never loaded"):
            read(path)
    assert not (tmp_path / "ran").exists()


def npy_with(header):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(24)


GOOD = npy_bytes(np.arange(3.0))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an .npy file"),
        (b"PK\x03\x04" + GOOD, "not an .npy file: .* found 50 4b 03 04 93 4e"),
        (GOOD[:6] + b"\x09" + GOOD[7:], "version 9 at offset 6"),
        (GOOD[:20], "declares a header of 118 bytes at offset 8"),
        (GOOD[:-1], r"truncated: shape \(3,\) of float64 needs 24 bytes, but there are 23"),
        (GOOD + b"x", "1 trailing bytes"),
        (npy_with("import os"), "damaged .npy header"),
        (npy_with("{'descr': '<f8', 'fortran_order': False, 'shape': (3, )"), "damaged .npy header"),
        (npy_with("(" * 110), "damaged .npy header"),
        (npy_with("{'descr': '<f8', 'shape': (3,)}"), "damaged .npy header .*keys"),
        (
            npy_with("{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}"),
            "damaged .npy header .*fortran_order",
        ),
        (
            npy_with("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}"),
            "shape: expected a tuple of sizes",
        ),
        (npy_with("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}"), "shape: expected a tuple"),
        (npy_with("{'descr': '<f8', 'fortran_order': False, 'shape': [3]}"), "damaged .npy header .*shape"),
        (npy_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2**62,)}"), "damaged .npy header"),
        (npy_with("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}"), "truncated"),
        (npy_with("{'descr': '<c16', 'fortran_order': False, 'shape': (3,)}"), "dtype '<c16'; only booleans"),
        (npy_with("{'descr': 'banana', 'fortran_order': False, 'shape': (3,)}"), "damaged .npy header .*banana"),
        (npy_with("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}"), "only booleans"),
    ],
)
def test_bad_npy_files_are_refused(tmp_path, data, message):
    path = tmp_path / "broken.npy"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_npy(path)
    assert str(caught.value).startswith(f"read_npy: {path}: ")


def zip_bytes(members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


ARCHIVE = zip_bytes([("a.npy", GOOD)])


def patched(data, signature, offset, value):
    """Overwrite bytes at an offset from the signature of a record."""
    at = data.index(signature) + offset
    return data[:at] + value + data[at + len(value) :]


DIRECTORY, END = b"PK\x01\x02", b"PK\x05\x06"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an .npz archive"),
        (GOOD, "not an .npz archive: expected 50 4b 03 04 at offset 0, found 93 4e 55 4d"),
        (ARCHIVE[:-1], "truncated or damaged archive"),
        (ARCHIVE + b"x", "trailing bytes after the end of the archive"),
        (patched(ARCHIVE, DIRECTORY, 8, b"\x01"), "array 'a': is encrypted"),
        (patched(ARCHIVE, DIRECTORY, 10, b"\x0e"), "array 'a': unsupported compression method 14"),
        (patched(ARCHIVE, DIRECTORY, 16, b"\0\0\0\0"), "array 'a': damaged: its checksum differs"),
        (patched(ARCHIVE, DIRECTORY, 24, b"\x00\x00\x00\x10"), "array 'a': declares 268435456 bytes, but"),
        (patched(ARCHIVE, DIRECTORY, 24, b"\x20\0\0\0"), "array 'a': declares 32 bytes, but .* holds more"),
        (patched(ARCHIVE, DIRECTORY, 42, b"\x01"), "array 'a': no member at offset 1"),
        (patched(ARCHIVE, DIRECTORY, 42, b"\xff\xff\xff\x0f"), "array 'a': its header lies outside the file"),
        (zip_bytes([("a.npy", GOOD[:-1])]), "array 'a': truncated: shape"),
        (zip_bytes([("a.npy", b"hello")]), "array 'a': not an .npy file"),
    ],
)
def test_bad_npz_files_are_refused(tmp_path, data, message):
    path = tmp_path / "broken.npz"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_npz(path)
    assert str(caught.value).startswith(f"read_npz: {path}: ")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_occurs_twice_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(zip_bytes([("a.npy", GOOD), ("a.npy", GOOD)]))
    with pytest.raises(ValueError, match="array 'a' occurs twice"):
        read_npz(tmp_path / "a.npz")


def test_a_bomb_is_not_decompressed(tmp_path):
    data = zip_bytes([("a.npy", GOOD + bytes(100_000_000))])
    size = (len(GOOD) + 100_000_000).to_bytes(4, "little")
    data = data.replace(size, len(GOOD).to_bytes(4, "little"))
    (tmp_path / "a.npz").write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="declares 152 bytes, but the compressed data holds more"):
            read_npz(tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + 1_000_000
    finally:
        tracemalloc.stop()


def test_an_array_in_fortran_order_cannot_be_mapped(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    with pytest.raises(ValueError, match=r"a\.npy: stored in Fortran order, so it cannot be mapped"):
        read_npy(tmp_path / "a.npy", mapped=True)


def test_a_file_that_is_cut_short_while_it_is_read_is_an_error():
    with pytest.raises(ValueError, match=r"a\.npy: truncated while it was read"):
        native_array(np.arange(5.0), (2, 3), "a.npy")
