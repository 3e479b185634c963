"""`read_pickle` agrees with pickle on plain data, and refuses all else."""

import gzip
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastnn.data import load, read_pickle
from fastnn.data.pickled import parse_pickle

DTYPES = ["?", "u1", "i1", "<u2", ">i2", "<i4", ">u4", "<i8", ">i8", "<f2", "<f4", ">f4", "<f8", ">f8"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda d: arrays.arrays(np.dtype(d), arrays.array_shapes(min_dims=0, min_side=0))
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | ARRAYS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.binary(), inner),
    max_leaves=8,
)


def same(a, b):
    if isinstance(b, np.ndarray):
        assert isinstance(a, np.ndarray)
        assert a.dtype == b.dtype.newbyteorder("=")
        np.testing.assert_array_equal(a, b)
    elif isinstance(b, list | tuple):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for pair in zip(a, b, strict=True):
            same(*pair)
    elif isinstance(b, dict):
        assert list(a) == list(b)
        for key in b:
            same(a[key], b[key])
    else:
        assert type(a) is type(b)
        assert a == b


@given(PLAIN, st.integers(0, 5))
def test_plain_data_are_read_back(value, protocol):
    same(parse_pickle(pickle.dumps(value, protocol), "test"), value)


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=3)), st.integers(0, 5))
def test_arrays_in_fortran_order_are_read_back(values, protocol):
    same(parse_pickle(pickle.dumps(np.asfortranarray(values), protocol), "test"), values)


def test_objects_may_occur_twice_and_in_themselves():
    part = [np.arange(3), (1, 2)]
    whole = [part, part]
    whole.append(whole)
    read = parse_pickle(pickle.dumps(whole), "test")
    assert read[0] is read[1]
    assert read[2] is read
    same(read[0], part)


def test_pickles_of_python_2_are_read(tmp_path):
    # protocol 2 with Python 2's strings: {'data': array([[1, 2]], dtype=uint8), 'labels': [7]}
    old = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85"
        b"U\x01b\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\x02tbU\x06labelsq\x08]q\tK\x07au."
    )
    (tmp_path / "old.pkl").write_bytes(old)
    same(read_pickle(tmp_path / "old.pkl"), {"data": np.array([[1, 2]], np.uint8), "labels": [7]})


class Own:
    """Not plain data."""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Own(), "never loaded"),
        ({1, 2}, "opcode EMPTY_SET"),
        (1j, "never loaded"),
        (np.array([Own()]), "dtype 'O8'"),
        (np.array([1j]), "dtype 'c16'"),
        (np.zeros(2, [("a", "f4")]), "dtype 'V4'"),
        (np.dtype("f4"), "holds a dtype or a function, which is not data"),
        ({1.5: 1}, "a dict key that is a float"),
        (np.array(["2020"], "M8[D]"), "dtype 'M8'"),
    ],
)
def test_refusals_name_the_object(tmp_path, value, message):
    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps(value, 4))
    with pytest.raises(ValueError, match=message) as caught:
        read_pickle(path)
    assert str(caught.value).startswith(f"read_pickle: {path}: ")


def test_many_objects_are_refused_before_they_are_made():
    with pytest.raises(ValueError, match="more than 524288 opcodes"):
        parse_pickle(b"\x80\x02" + b"]" * (1 << 20) + b".", "test")


def test_mnist_pkl_gz_is_read(tmp_path):
    rng = np.random.default_rng(0)
    splits = [(rng.random((n, 784), np.float32), np.arange(n) % 10) for n in (50, 10, 20)]
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(tuple(splits), 2)))
    for data in (load(path), load(tmp_path)):
        assert data.train_images.shape == (60, 28, 28)
        assert data.scale == 1
        np.testing.assert_array_equal(data.train_images[50:].reshape(10, 784), splits[1][0])
        np.testing.assert_array_equal(data.test_labels, splits[2][1])


def test_a_dict_of_arrays_is_read(tmp_path):
    images = np.arange(300, dtype=np.uint8).reshape(12, 5, 5)
    value = {"x_train": images, "y_train": [0, 1] * 6, "x_test": images[:2], "y_test": np.array([0, 1]), "notes": "?"}
    (tmp_path / "set.pickle").write_bytes(pickle.dumps(value))
    data = load(tmp_path / "set.pickle")
    np.testing.assert_array_equal(data.train_images, images)
    assert data.test_labels.tolist() == [0, 1]
