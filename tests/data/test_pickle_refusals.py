"""The reader of pickles refuses what no plain data has, opcode by opcode, and names the file and the place."""

import pickle
import struct

import numpy as np
import pytest

from fastnn.data import load, read_pickle

BEGIN = b"\x80\x02"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
FLOAT = b"G" + struct.pack(">d", 0.5)


def text(content):
    return b"U" + bytes([len(content)]) + content


def dtype(code, state=b""):
    return b"cnumpy\ndtype\n" + text(code) + b"K\x00K\x01\x87R" + state


U1, AB = dtype(b"u1"), text(b"ab")


def array(shape=b"K\x02\x85", of=U1, raw=AB):
    return ARRAY + b"(K\x01" + shape + of + b"\x89" + raw + b"tb"


SCALAR = b"cnumpy.core.multiarray\nscalar\n"


def read(tmp_path, content):
    path = tmp_path / "a.pkl"
    path.write_bytes(BEGIN + content + b".")
    return path, lambda: read_pickle(path)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"K\x01K\x020", 1),  # POP
        (b"K\x07(K\x01K\x021", 7),  # POP_MARK
        (b"K\x052\x86", (5, 5)),  # DUP
        (b"K\x05q\x010h\x01", 5),  # BINPUT, POP, BINGET
        (b"}(K\x02NI01\nI00\nu", {2: None, True: False}),
        (b"c_codecs\nencode\nX\x02\x00\x00\x00\xc3\xa9" + text(b"latin1") + b"\x86R", b"\xe9"),
        (b"c__builtin__\nbytes\n)R", b""),
        (SCALAR + dtype(b"u1") + text(b"a") + b"\x86R", 97),
        (b"S'a\\n'\n", "a\n"),
    ],
)
def test_opcodes_of_plain_data_are_read(tmp_path, content, value):
    assert read(tmp_path, content)[1]() == value


def test_arrays_are_read(tmp_path):
    assert read(tmp_path, array())[1]().tolist() == [97, 98]
    big = dtype(b"i2", b"(K\x03" + text(b">") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")
    assert read(tmp_path, array(b"K\x01\x85", big))[1]().tolist() == [0x6162]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # the machine
        (b"", "it does not end with one object"),
        (b"K\x01K\x02", "it does not end with one object"),
        (b"K\x01(", "it does not end with one object"),
        (b"\x80\x06N", "pickle protocol 6"),
        (b"(2", r"damaged pickle at offset \d+ \(IndexError\)"),
        (b"0", r"damaged pickle at offset \d+ \(IndexError\)"),
        (b"(0", r"damaged pickle at offset \d+ \(IndexError\)"),
        (b"h\x07", r"damaged pickle at offset \d+ \(KeyError\)"),
        (b"N0" * 300_000 + b"N", "more than 524288 opcodes"),
        (b"\xff", "unknown opcode"),
        (b"Q", "opcode BINPERSID, which plain data does not need"),
        (b"S'a\n", "text without quotes or its end"),
        (b"Sa'\n", "text without quotes or its end"),
        (b"K\x01)R", "a call of something that is not a function"),
        (b"cos\nsystem\n)R", "os.system"),
        (b"K\x01}b", "a state for int"),
        (b"}K\x01a", "a dict instead of a list"),
        (b"}(K\x01u", "a key without a value"),
        (b"}(" + FLOAT + b"K\x01u", "a dict key that is a float"),
        (b"]" * 5000 + b"a" * 4999, "containers nested too deep"),
        # arrays and dtypes
        (ARRAY, "an array without values"),
        (dtype(b"u1"), "holds a dtype or a function, which is not data"),
        (b"cnumpy\ndtype\n", "holds a dtype or a function, which is not data"),
        (b"cnumpy\ndtype\nK\x01K\x00K\x01\x87R", "a dtype made from int"),
        (dtype(b"O8"), "an array of dtype 'O8'; only booleans"),
        (dtype(b"nonsense"), "an array of dtype 'nonsense'; only booleans"),
        (dtype(b"i4,i4"), "an array of dtype 'i4,i4'; only booleans"),
        (dtype(b"c8"), "an array of dtype 'c8'; only booleans"),
        (dtype(b"u1", b"K\x01b"), "a damaged dtype"),
        (dtype(b"u1", b"(K\x03" + text(b"?") + b"NNNtb"), "a damaged dtype"),
        (dtype(b"u1", b"(K\x03" + text(b"|") + b"NK\x01NtbN"), "an array with fields"),
        (ARRAY + b"Nb", "a damaged array"),
        (ARRAY + b"K\x01\x85b", "a damaged array"),
        (array(of=b"K\x01"), "an array without plain values"),
        (array(raw=b"K\x01"), "an array without plain values"),
        (array(b"K\x02"), "an array without a shape"),
        (array(b"(" + b"K\x01" * 70 + b"t"), "an array without a shape"),
        (array(b"J\xff\xff\xff\xff\x85"), r"an array of impossible shape \(-1,\)"),
        (array(b"K\x03\x85"), r"an array of shape \(3,\) that needs 3 bytes but has 2"),
        (array(b"K\x01\x85", dtype(b"U1"), text(b"\0\0\x11\0")), "a character that Unicode does not have"),
        (b"c_codecs\nencode\nK\x01" + text(b"latin1") + b"\x86R", "text in an encoding other than Latin-1"),
        (b"c_codecs\nencode\n" + text(b"a") + text(b"utf8") + b"\x86R", "text in an encoding other than Latin-1"),
    ],
)
def test_everything_else_is_refused(tmp_path, content, message):
    path, call = read(tmp_path, content)
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert str(caught.value).startswith(f"read_pickle: {path}: ")


PIXELS = np.zeros((4, 3072), np.uint8)
IMAGES, LABELS = np.zeros((4, 5, 5), np.uint8), np.arange(4) % 2
PAIR = (IMAGES, LABELS)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "expected a dict or pairs of images and labels, found a int"),
        ([PAIR], r"expected \(train, validation, test\), each a pair of images and labels"),
        ([PAIR, IMAGES], r"expected \(train, validation, test\), each a pair of images and labels"),
        ([PAIR, (IMAGES[:, :4], LABELS), PAIR], r"validation images \(4, 4, 5\) do not fit train images \(4, 5, 5\)"),
        ([PAIR, (IMAGES, {}), PAIR], "expected an array, found a dict"),
        ([PAIR, (IMAGES, [1, "a", 2, 3]), PAIR], "expected an array, found a list"),
        ([PAIR, (IMAGES, [1, 2**63, 2, 3]), PAIR], "a number beyond 64 bits"),
        ([(np.array(1), np.array(2))] * 3, r"validation images \(\) do not fit train images \(\)"),
        ({"data": PIXELS, "labels": [0, 1, 0]}, r"expected images \(N, 3072\) and labels \(N,\), found"),
        ({"data": PIXELS, "labels": {}}, "'labels': expected an array, found a dict"),
    ],
)
def test_a_pickle_that_is_no_data_set_is_refused(tmp_path, value, message):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(ValueError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"load: {path}: ")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], "expected a dict, found a list"),
        ({"data": PIXELS}, "no 'labels'; there are data"),
        ({}, "no 'data'; there are none"),
        ({"data": IMAGES, "labels": LABELS}, r"expected images \(N, 3072\) and labels \(N,\), found \(4, 5, 5\)"),
    ],
)
def test_a_batch_of_cifar_that_is_none_is_refused(tmp_path, value, message):
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(value))
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path)
    assert f"load: {tmp_path}: data_batch_1: " in str(caught.value)


def test_batches_of_cifar_have_names_of_classes_and_a_test_batch(tmp_path):
    batch = {b"data": PIXELS, b"labels": LABELS.tolist()}
    for name, value in (("data_batch_1", batch), ("test_batch", batch), ("batches.meta", {"label_names": ["a", "b"]})):
        (tmp_path / name).write_bytes(pickle.dumps(value))
    data = load(tmp_path)
    assert data.class_names == ("a", "b")
    assert data.train_images.shape == data.test_images.shape == (4, 3, 32, 32)
