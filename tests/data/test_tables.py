"""`read_csv`, and `load` on tables."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastnn.data import load, read_csv


def write(tmp_path, text, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@given(values=arrays.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=st.floats(-1e9, 1e9)))
def test_numbers_come_back_exactly(tmp_path_factory, values):
    labels = np.arange(len(values)) % 3
    rows = "\n".join(",".join([str(k), *map(repr, row)]) for k, row in zip(labels, values.tolist(), strict=True))
    table = read_csv(write(tmp_path_factory.mktemp("csv"), rows), label=0)
    np.testing.assert_array_equal(table.values, values)
    np.testing.assert_array_equal(np.array(table.class_names, int)[table.labels], labels)


def test_bytes_stay_bytes_over_many_rows(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (9000, 4), dtype=np.uint8)
    labels = np.arange(9000) % 12
    text = "\n".join(",".join(map(str, [label, *row])) for label, row in zip(labels, values.tolist(), strict=True))
    table = read_csv(write(tmp_path, text))
    assert table.values.dtype == np.uint8
    np.testing.assert_array_equal(table.values, values)
    np.testing.assert_array_equal(table.labels, labels)
    assert table.class_names == tuple(map(str, range(12)))
    mixed = read_csv(write(tmp_path, text + "\n0,1,2,3,4.5"))
    assert mixed.values.dtype == np.float64
    np.testing.assert_array_equal(mixed.values[:-1], values)


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("label,a,b\n1,2,3\n0,4,5\n", None, ([[2, 3], [4, 5]], ["1", "0"])),
        ("a,b,Species\n2,3,ant\n4,5,bee\n", None, ([[2, 3], [4, 5]], ["ant", "bee"])),
        ("2;3;ant\n4;5;bee", None, ([[2, 3], [4, 5]], ["ant", "bee"])),
        ("1\t2\t3\r\n0\t4\t5\r\n", None, ([[2, 3], [4, 5]], ["1", "0"])),
        ("1,2,3\n0,4,5", -1, ([[1, 2], [0, 4]], ["3", "5"])),
        ("a,b,c\n1,2,3\n0,4,5", "b", ([[1, 3], [0, 5]], ["2", "4"])),
        ('"a","label"\n"1","x, y"\n"2","z"\n\n', None, ([[1], [2]], ["x, y", "z"])),
        ("\ufefflabel,a\n07,1\n7.0,2", None, ([[1], [2]], ["7", "7"])),
        ("label,0,1\n1,2,3\n0,4,5\n", None, ([[2, 3], [4, 5]], ["1", "0"])),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_labels_are_found(tmp_path, text, label, expected, name):
    table = read_csv(write(tmp_path, text, name), label=label)
    assert table.values.tolist() == expected[0]
    assert [table.class_names[k] for k in table.labels] == expected[1]


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ("", None, "no rows"),
        ("label,a\n", None, "a line of names, but no rows"),
        ("label,a\n1,2\n1,2,3\n", None, "line 3: 3 values, but the first row has 2"),
        ("label,a\n1,2\n1,\n", None, "line 3: '' is not a finite number"),
        ("label,a\n1,2\n1,x\n", None, "line 3: 'x' is not a finite number"),
        ("label,a\n1,2\n1,nan\n", None, "line 3: 'nan' is not a finite number"),
        ("label,a\n1,2\n1,1e999\n", None, "line 3: '1e999' is not a finite number"),
        ("label,a\n1,2\n,2\n", None, "sample 1 has no label"),
        ("label,class,a\n1,2,3\n", None, "columns label, class may all be labels; give label="),
        ("a,b\n1,2\n", "c", "no column 'c'; there are a, b"),
        ("1,2\n", "c", "no column 'c'; there are no names"),
        ("1,2\n", 2, "no column 2; there are 2"),
        ("7\n", None, "rows of 1 values"),
        ("label,a\n1,\xff\n".encode("latin-1").decode("latin-1"), None, "is not a finite number"),
    ],
)
def test_refusals_name_the_line(tmp_path, text, label, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=message) as caught:
        read_csv(path, label=label)
    assert str(caught.value).startswith(f"read_csv: {path}: ")


def test_other_encodings_and_labels_of_other_types(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"label,a\n1,\xff\n")
    with pytest.raises(ValueError, match="not UTF-8 text: byte 0xff at offset 10"):
        read_csv(path)
    with pytest.raises(TypeError, match=r"label: expected a column's name or index, got 1\.5"):
        read_csv(path, label=1.5)


def rows(images, labels=None):
    lines = [",".join(map(str, image.reshape(-1))) for image in images]
    return "\n".join(lines if labels is None else (f"{k},{x}" for k, x in zip(labels, lines, strict=True)))


def test_load(tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    labels = np.arange(30) % 3
    write(tmp_path, rows(images, labels), "mnist_train.csv")
    write(tmp_path, rows(images[:6] // 2, labels[:6]), "mnist_test.csv")
    data = load(tmp_path)
    np.testing.assert_array_equal(data.train_images, images)
    np.testing.assert_array_equal(data.test_labels, labels[:6])
    assert load(tmp_path / "mnist_train.csv").train_images.shape == (25, 28, 28)


def test_a_test_table_without_labels_is_kept_apart(tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (30, 9), dtype=np.uint8)
    names = ",".join(f"pixel{k}" for k in range(9))
    write(tmp_path, f"label,{names}\n{rows(images, np.arange(30) % 3)}", "train.csv")
    write(tmp_path, f"{names}\n{rows(images[:4])}", "test.csv")
    data = load(tmp_path)
    np.testing.assert_array_equal(data.unlabelled_images, images[:4])


def test_names_of_classes_are_shared_by_the_splits(tmp_path):
    write(tmp_path, "x,label\n1,bee\n2,ant\n3,cat\n", "train.csv")
    write(tmp_path, "x,label\n3,cat\n1,bee\n", "test.csv")
    data = load(tmp_path)
    assert [data.class_names[k] for k in data.test_labels] == ["cat", "bee"]
    write(tmp_path, "x,label\n3,dog\n", "test.csv")
    with pytest.raises(ValueError, match="class 'dog' does not occur in the training split"):
        load(tmp_path)
