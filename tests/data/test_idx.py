"""IDX files of every type are read, gzipped or not, and so is the real MNIST."""

import gzip
import tracemalloc

import numpy as np
import pytest
from data_files import IDX_TYPES, gzipped, idx_bytes, shared
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastnn.data import read_idx

ARRAYS = st.sampled_from(sorted(IDX_TYPES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
)


@given(ARRAYS, st.booleans())
def test_what_was_written_is_read(tmp_path_factory, array, zipped):
    path = tmp_path_factory.getbasetemp() / "round_trip_idx"
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data) if zipped else data)
    out = read_idx(path)
    assert out.dtype == array.dtype
    assert out.dtype.isnative
    assert out.flags.writeable
    assert out.flags.c_contiguous
    np.testing.assert_array_equal(out, array)


def test_gzip_is_recognised_by_content_not_by_name(tmp_path):
    array = np.arange(6, dtype=np.uint8)
    (tmp_path / "a.gz").write_bytes(idx_bytes(array))
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz"), array)
    np.testing.assert_array_equal(read_idx(str(tmp_path / "a.gz")), array)


@pytest.mark.parametrize("split", ["train", "t10k"])
def test_mnist_is_read(split):
    folder = shared("mnist")
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz")
    counts = {
        "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        "t10k": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    }[split]
    assert images.shape == (sum(counts), 28, 28)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == counts
    if split == "t10k":
        with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
            assert images.tobytes() == file.read()[16:]


GOOD = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 2, 2))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found nothing"),
        (b"\x01" + GOOD[1:], "expected 00 00, type, dimensions at offset 0, found 01 00 08 03"),
        (GOOD[:2] + b"\x07" + GOOD[3:], "not an IDX file"),
        (GOOD[:3] + b"\x00" + GOOD[4:], "not an IDX file"),
        (GOOD[:3] + b"\xff" + GOOD[4:], "declares 255 dimensions at offset 3"),
        (GOOD[:10], "truncated: 3 dimensions need a header of 16 bytes"),
        (GOOD[:-1], r"truncated: shape \(3, 2, 2\) of uint8 needs 12 bytes, but there are 11"),
        (GOOD + b"x", "1 trailing bytes"),
        (GOOD[:4] + b"\xff" * 12 + GOOD[16:], "truncated"),
        (GOOD[:4] + b"\0\0\0\0" + b"\xff" * 8, "impossible shape|needs 0 bytes"),
        (gzipped(GOOD[:-1]), "truncated: declares 28 bytes, but the compressed data holds 27"),
        (gzipped(GOOD + b"x"), "the compressed data holds more"),
        (gzipped(GOOD) + b"x", "1 trailing bytes after the compressed data"),
        (gzipped(GOOD)[:-3], "the compressed data does not reach its end"),
        (gzipped(GOOD)[:-8] + bytes(8), "damaged compressed data"),
        (gzipped(GOOD[:4] + b"\xff" * 12), r"declares \d+ bytes, but"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "not an IDX file"),
    ],
)
def test_bad_files_are_refused(tmp_path, data, message):
    path = tmp_path / "broken-idx"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"read_idx: {path}: ")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")


def test_memory_stays_small_whatever_is_declared_or_compressed(tmp_path):
    declared = idx_bytes(np.zeros((1, 1), np.uint8))[:4] + b"\x00\x01\x00\x00\x00\x00\x40\x00"
    for data in (gzip.compress(declared), gzip.compress(GOOD + bytes(100_000_000), 1)):
        (tmp_path / "bomb").write_bytes(data)
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match=r"declares \d+ bytes"):
                read_idx(tmp_path / "bomb")
            assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + 1_000_000
        finally:
            tracemalloc.stop()


def test_a_gzipped_file_cannot_be_mapped(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzipped(GOOD))
    with pytest.raises(ValueError, match=r"a\.gz: is gzipped, so it cannot be mapped; decompress it first"):
        read_idx(tmp_path / "a.gz", mapped=True)
