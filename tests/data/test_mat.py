"""MAT files agree with SciPy; what SciPy does not write is made by hand; the real mnist_all.mat is read."""

import struct
import zlib

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from data_files import MAT_CLASSES, mat_bytes, mat_element, mat_variable, shared
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastnn.data import load, read_idx, read_mat

SHAPES = hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=6)
REAL = st.sampled_from(sorted(MAT_CLASSES)).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))
COMPLEX = st.sampled_from(["c8", "c16"]).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))


@given(st.lists(REAL | COMPLEX, min_size=1, max_size=3), st.booleans())
def test_what_scipy_writes(tmp_path_factory, arrays, compressed):
    path = tmp_path_factory.getbasetemp() / "round_trip.mat"
    variables = {f"v{i}": array for i, array in enumerate(arrays)}
    scipy.io.savemat(path, variables, do_compression=compressed)
    out = read_mat(path)
    oracle = scipy.io.loadmat(path)
    assert list(out) == list(variables)
    for name, array in variables.items():
        assert out[name].dtype == array.dtype
        np.testing.assert_array_equal(out[name], array)
        np.testing.assert_array_equal(out[name], oracle[name])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", sorted(MAT_CLASSES))
def test_both_byte_orders_are_read(tmp_path, order, dtype):
    array = np.arange(15).astype(dtype).reshape(3, 5)
    path = tmp_path / "a.mat"
    path.write_bytes(mat_bytes([mat_variable("image", array, order), mat_variable("b", array.T, order)], order))
    out = read_mat(path)
    oracle = scipy.io.loadmat(path)
    for name, expected in (("image", array), ("b", array.T)):
        assert out[name].dtype == array.dtype
        assert out[name].dtype.isnative
        np.testing.assert_array_equal(out[name], expected)
        np.testing.assert_array_equal(out[name], oracle[name])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("dtype", "stored"), [("f8", "u1"), ("f8", "i4"), ("f4", "i2"), ("f4", "i4"), ("u2", "u1"), ("i4", "u2")]
)
def test_values_stored_as_a_smaller_type_keep_the_type_of_the_variable(tmp_path, order, dtype, stored):
    array = np.arange(100, 112).astype(dtype).reshape(2, 6)
    path = tmp_path / "a.mat"
    path.write_bytes(mat_bytes([mat_variable("a", array, order, stored)], order))
    out = read_mat(path)["a"]
    assert out.dtype == array.dtype
    np.testing.assert_array_equal(out, array)
    np.testing.assert_array_equal(out, scipy.io.loadmat(path, mat_dtype=True)["a"])


def test_other_kinds_of_variables_are_handled(tmp_path):
    path = tmp_path / "a.mat"
    flags = np.array([[True, False, True]])
    struct_, cell = {"x": 1.0}, np.array([[1, "a"]], dtype=object)
    variables = {
        "flags": flags,
        "struct": struct_,
        "cell": cell,
        "sparse": scipy.sparse.csc_matrix(np.eye(3)),
        "text": "digits",
        "rows": np.array(["ab", "cdé"]),
        "empty": "",
        "x": np.eye(2),
    }
    scipy.io.savemat(path, variables)
    out = read_mat(path)
    oracle = scipy.io.loadmat(path)
    assert set(out) == {"flags", "text", "rows", "empty", "x", "struct.x"}
    assert out["flags"].dtype == np.bool_
    oracle["struct.x"] = oracle["struct"]["x"][0, 0]
    for name, value in out.items():
        np.testing.assert_array_equal(value, oracle[name])
    assert list(read_mat(path, ["x"])) == ["x"]
    assert list(read_mat(path, ["struct"])) == ["struct.x"]
    for name, what in (("cell", "a cell array"), ("sparse", "a sparse array")):
        with pytest.raises(ValueError, match=f"'{name}' is {what}"):
            read_mat(path, [name])
    with pytest.raises(ValueError, match="no variable 'y'; there are"):
        read_mat(path, ["y"])


@pytest.mark.parametrize(("split", "prefix"), [("train", "train"), ("test", "t10k")])
def test_mnist_all_equals_idx_sorted_by_digit(split, prefix):
    folder = shared("mnist")
    arrays = read_mat(folder / "mnist_all.mat", [f"{split}{digit}" for digit in range(10)])
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz").reshape(-1, 784)
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
    for digit in range(10):
        assert np.array_equal(arrays[f"{split}{digit}"], images[labels == digit])


VALUES = np.arange(6, dtype=np.uint8).reshape(2, 3)
VARIABLE = mat_variable("a", VALUES, "<")
GOOD = mat_bytes([VARIABLE])


def compressed(content, size=None):
    body = zlib.compress(content)
    return struct.pack("<II", 15, len(body) if size is None else size) + body


def variable_with(class_=9, dims=(2, 3), stored=2, values=bytes(6), dims_type=5, flags_size=8):
    return mat_element(
        14,
        mat_element(6, struct.pack("<II", class_, 0)[:flags_size], "<")
        + mat_element(dims_type, struct.pack(f"<{len(dims)}i", *dims), "<")
        + mat_element(1, b"a", "<")
        + mat_element(stored, values, "<"),
        "<",
    )


NAME = mat_element(1, b"a", "<")


def matrix(class_, dims, *parts, name=NAME):
    flags = mat_element(6, struct.pack("<II", class_, 0), "<")
    shape = mat_element(5, struct.pack(f"<{len(dims)}i", *dims), "<")
    return mat_element(14, flags + shape + name + b"".join(parts), "<")


def cell(*inner):
    return matrix(1, (1, 1), *inner)


def nested(depth):
    return cell() if depth == 0 else cell(nested(depth - 1))


def struct_of(length, names, *inner):
    return matrix(2, (1, 1), mat_element(5, struct.pack("<i", length), "<"), mat_element(1, names, "<"), *inner)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("stored", "encoding"), [(1, "latin-1"), (4, "utf-16"), (17, "utf-16"), (18, "utf-32")])
def test_text_is_read_in_the_encoding_and_byte_order_that_it_is_stored_in(tmp_path, order, stored, encoding):
    path, text = tmp_path / "a.mat", "d\xe9"
    values = text.encode(encoding + {"<": "-le", ">": "-be"}[order] * encoding.startswith("utf"))
    parts = (6, struct.pack(f"{order}II", 4, 0)), (5, struct.pack(f"{order}2i", 1, 2)), (1, b"a"), (stored, values)
    body = b"".join(mat_element(kind, content, order) for kind, content in parts)
    path.write_bytes(mat_bytes([mat_element(14, body, order)], order))
    assert read_mat(path)["a"].tolist() == [text]


def test_fields_and_cells_may_be_empty_or_of_other_kinds(tmp_path):
    path, empty = tmp_path / "a.mat", mat_element(14, b"", "<")
    sparse, two = matrix(5, (1, 1)), matrix(2, (2, 1))
    fields = struct_of(4, b"a\0\0\0b\0\0\0c\0\0\0d\0\0\0", empty, sparse, two, VARIABLE)
    path.write_bytes(mat_bytes([fields]))
    found = read_mat(path)
    assert {name: values.shape for name, values in found.items()} == {"a.a": (0, 0), "a.d": (2, 3)}
    for field, kind in (("b", "a sparse array"), ("c", "a struct")):
        with pytest.raises(ValueError, match=f"'a.{field}' is {kind}; only arrays of numbers and text are read"):
            read_mat(path, [f"a.{field}"])
    path.write_bytes(mat_bytes([cell(empty)]))
    assert read_mat(path)["a"].tolist() == [[""]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no IM or MI at offset 126"),
        (GOOD[:127], "no IM or MI at offset 126"),
        (GOOD[:126] + b"XX" + GOOD[128:], "no IM or MI at offset 126"),
        (GOOD[:124] + b"\x00\x02" + GOOD[126:], "version 7.3 MAT file .* -v7"),
        (GOOD[:124] + b"\x00\x07" + GOOD[126:], "unknown MAT version 0x0700 at offset 124"),
        (GOOD[:128], "no variables"),
        (GOOD[:-1], "truncated: the variable at offset 128"),
        (GOOD + b"x", "truncated: 1 bytes at offset"),
        (GOOD + bytes(8), "element of type 0, expected 14 or 15"),
        (mat_bytes([VARIABLE, VARIABLE]), "variable 'a' occurs twice"),
        (
            mat_bytes([compressed(VARIABLE[:-1])]),
            "truncated: declares 72 bytes, but the compressed data holds 71",
        ),
        (mat_bytes([compressed(VARIABLE + b"x")]), "holds more"),
        (mat_bytes([compressed(VARIABLE)[:-1]]), "truncated: the variable at offset 128"),
        (mat_bytes([compressed(b"\x0f" + VARIABLE[1:])]), "holds an element of type 15"),
        (mat_bytes([compressed(VARIABLE[:4] + b"\xff\xff\xff\x7f" + VARIABLE[8:])]), "cannot hold that many"),
        (mat_bytes([struct.pack("<II", 15, 20) + bytes(20)]), "damaged compressed data"),
        (mat_bytes([variable_with(class_=77)]), "unknown array class 77"),
        (mat_bytes([variable_with(flags_size=4)]), "bad array flags"),
        (mat_bytes([variable_with(dims_type=6)]), "bad dimensions"),
        (mat_bytes([variable_with(dims=(6,))]), "bad dimensions"),
        (mat_bytes([variable_with(dims=(-2, -3))]), r"negative dimension in \(-2, -3\)"),
        (mat_bytes([variable_with(dims=(2, 4))]), r"shape \(2, 4\) of uint8 needs 8 bytes, but there are 6"),
        (mat_bytes([variable_with(dims=(2**31 - 1,) * 9)]), "but there are 6"),
        (mat_bytes([variable_with(dims=(0, *(2**31 - 1,) * 4), values=b"")]), "impossible shape"),
        (mat_bytes([variable_with(stored=14)]), "stored as type 14, which is not numeric"),
        (
            mat_bytes([variable_with(stored=9, values=bytes(48))]),
            "uint8 stored as float64, which does not fit",
        ),
        (mat_bytes([variable_with(class_=4, stored=16, values=b"\xff" * 6)]), "characters are not utf-8"),
        (mat_bytes([variable_with(class_=4, stored=16, values=b"abcde")]), "but 5 are stored"),
        (mat_bytes([variable_with(class_=4, stored=9, values=bytes(48))]), "characters stored as type 9"),
        (
            mat_bytes([variable_with(class_=4, dims=(2**31 - 1, 0), stored=16, values=b"")]),
            "more empty texts than bytes",
        ),
        (mat_bytes([matrix(9, (2, 3), mat_element(2, bytes(6), "<"), bytes(8))]), "8 trailing bytes after the values"),
        (mat_bytes([matrix(9, (2, 3), struct.pack("<I", 5 << 16 | 2) + bytes(4))]), "short element of 5 bytes"),
        (mat_bytes([matrix(9, (2, 3), b"", name=mat_element(9, b"a", "<"))]), r"bad name \(type 9\)"),
        (mat_bytes([cell(mat_element(2, bytes(6), "<"))]), "cell 0: element of type 2, expected 14"),
        (mat_bytes([cell()]), "cell 0: truncated"),
        (mat_bytes([nested(9)]), "more than 8 structs or cell arrays inside one another"),
        (mat_bytes([struct_of(0, b"x" * 8)]), r"bad field names \(type 1, 8 bytes\)"),
        (mat_bytes([struct_of(5, b"x" * 8)]), r"bad field names \(type 1, 8 bytes\)"),
    ],
)
def test_bad_files_are_refused(tmp_path, data, message):
    path = tmp_path / "broken.mat"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_mat(path)
    assert str(caught.value).startswith(f"read_mat: {path}: ")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_mat(tmp_path / "nowhere.mat")


SQUARES = np.random.default_rng(0).integers(0, 256, (12, 16), np.uint8)
CLASSES = np.arange(12, dtype=np.uint8)[:, None] % 3


def test_a_file_to_train_on_and_one_to_test_on_are_a_data_set(tmp_path):
    for split, rows in (("train", 12), ("test", 6)):
        scipy.io.savemat(tmp_path / f"{split}_set.mat", {"X": SQUARES[:rows], "y": CLASSES[:rows]})
    data = load(tmp_path)
    assert (len(data.train_labels), len(data.test_labels)) == (12, 6)


def test_fields_of_one_name_in_two_structs_are_told_apart(tmp_path):
    both = {"train": {"images": SQUARES, "labels": CLASSES}, "test": {"images": SQUARES[:6], "labels": CLASSES[:6]}}
    scipy.io.savemat(tmp_path / "a.mat", both)
    data = load(tmp_path / "a.mat")
    assert (len(data.train_labels), len(data.test_labels)) == (12, 6)


def test_rows_of_emnist_are_squares_also_without_a_test_split(tmp_path):
    path = tmp_path / "emnist-letters.mat"
    scipy.io.savemat(path, {"dataset": {"train": {"images": SQUARES, "labels": CLASSES}}})
    turned = {image.T.tobytes() for image in SQUARES.reshape(12, 4, 4)}
    assert {image.tobytes() for image in load(path).train_images} <= turned
    scipy.io.savemat(path, {"dataset": {"train": {"images": SQUARES[:, :10], "labels": CLASSES}}})
    with pytest.raises(ValueError, match=r"expected rows of square images, got shape \(12, 10\)"):
        load(path)


def test_functions_and_opaque_objects_are_left_out(tmp_path):
    objects = [
        mat_element(14, mat_element(6, struct.pack("<II", class_, 0), "<") + b"anything", "<") for class_ in (16, 17)
    ]
    path = tmp_path / "a.mat"
    path.write_bytes(mat_bytes([*objects, mat_variable("a", np.eye(2), "<")]))
    assert list(read_mat(path)) == ["a"]
