"""Which column of a table holds the labels: evidence decides, or the user does."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data import load, read_csv

RANDOM = np.random.default_rng(3)
DECIMALS = np.round(RANDOM.normal(size=(60, 3)), 4) + 0.00003
CLASSES = np.arange(60) % 3


def table(tmp_path: Path, *columns: object, names: str = "") -> Path:
    path = tmp_path / "a.csv"
    rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([names, *rows] if names else rows) + "\n")
    return path


@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize("start", [-1, 0, 1, 7])
def test_class_numbers_are_found_first_or_last_among_decimals(tmp_path: Path, place: int, start: int) -> None:
    columns: list[object] = list(DECIMALS.T)
    columns.insert(place, CLASSES + start)
    found = read_csv(table(tmp_path, *columns))
    assert found.class_names == tuple(str(start + k) for k in range(3))
    np.testing.assert_array_equal(found.values, DECIMALS)
    (decision,) = found.decisions
    assert "3 different whole numbers in 60 rows" in str(decision)


def test_numbers_as_savetxt_writes_them_sort_by_value(tmp_path: Path) -> None:
    classes = np.arange(60) % 12
    np.savetxt(tmp_path / "a.csv", np.column_stack([DECIMALS, classes]), delimiter=",")
    found = read_csv(tmp_path / "a.csv")
    assert found.class_names == tuple(map(str, range(12)))
    np.testing.assert_array_equal(found.labels, classes)


def test_two_columns_that_qualify_equally_are_not_guessed(tmp_path: Path) -> None:
    path = table(tmp_path, RANDOM.permutation(CLASSES), *DECIMALS.T, CLASSES)
    with pytest.raises(
        ValueError, match=r"the first column .* and the last column .* may each be the labels; give label="
    ):
        load(path)
    for label, expected in ((-1, CLASSES), ("4", CLASSES), ("-1", CLASSES)):
        np.testing.assert_array_equal(read_csv(path, label=label).labels, expected)


def test_a_number_that_hardly_recurs_is_no_class(tmp_path: Path) -> None:
    for names in ("", "a,b,c"):
        with pytest.raises(ValueError, match="no column of labels"):
            load(table(tmp_path, *DECIMALS.T, names=names))
    for name in ("y", "target"):
        with pytest.raises(ValueError, match=f"column '{name}' has 60 different numbers in 60 rows"):
            load(table(tmp_path, *DECIMALS.T, names=f"a,b,{name}"))
    with pytest.raises(ValueError, match="60 different numbers in 60 rows"):
        load(table(tmp_path, *DECIMALS.T, names="a,b,price"), label="price")


def test_a_column_of_names_is_not_the_labels(tmp_path: Path) -> None:
    people = [f"person {k}" for k in range(60)]
    with pytest.raises(ValueError, match="'person 0' is not a finite number"):
        read_csv(table(tmp_path, people, *DECIMALS.T, names="who,a,b,c"))
    words = [("ant", "bee", "cat")[k] for k in CLASSES]
    with pytest.raises(ValueError, match="'person 0' is not a finite number"):
        read_csv(table(tmp_path, people, *DECIMALS.T, words, names="who,a,b,c,what"))


@pytest.mark.parametrize("names", ["", "sex,a,b,c,what"])
def test_words_do_not_outdo_class_numbers_at_the_end(tmp_path: Path, names: str) -> None:
    path = table(tmp_path, ["fm"[k] for k in RANDOM.permutation(CLASSES) % 2], *DECIMALS.T, CLASSES, names=names)
    with pytest.raises(ValueError, match="may each be the labels; give label="):
        load(path)


@pytest.mark.parametrize("mark", ["NA", "", "?", "nan"])
def test_a_missing_number_in_the_first_row_does_not_make_labels(tmp_path: Path, mark: str) -> None:
    ages = [mark, *(str(20 + k % 7) for k in range(59))]
    with pytest.raises(ValueError, match=r"is not a finite number|no column of labels"):
        load(table(tmp_path, ages, *DECIMALS.T, names="age,a,b,c"))


@pytest.mark.parametrize("name", ["P2", "P3", "P5", "P6"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_column_called_like_an_image_format_is_a_column(
    tmp_path: Path, name: str, delimiter: str, packed: bool
) -> None:
    import gzip

    text = f"{name},b,label\n" + "".join(f"{k / 4},2.5,{k % 2}\n" for k in range(20))
    data = text.replace(",", delimiter).encode()
    (tmp_path / "a.csv").write_bytes(gzip.compress(data) if packed else data)
    assert load(tmp_path / "a.csv").column_names == (name, "b")
    assert load(tmp_path).column_names == (name, "b")


@given(order=st.permutations(range(60)))
def test_the_order_of_the_rows_does_not_matter(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    path = table(tmp_path_factory.mktemp("rows"), *DECIMALS[order].T, CLASSES[order])
    found = read_csv(path)
    assert found.class_names == ("0", "1", "2")
    np.testing.assert_array_equal(found.labels, CLASSES[order])


def test_an_argument_for_files_of_another_kind_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((8, 4)), y=np.arange(8) % 2)
    with pytest.raises(ValueError, match="load: label: expected a table with a column of that name, got 'y'"):
        load(tmp_path / "a.npz", label="y")
    with pytest.raises(ValueError, match="load: size, mode and background: expected image files to convert"):
        load(tmp_path / "a.npz", size=2)
    for argument in ({"label": "y"}, {"size": 8}, {"mode": "grey"}):
        with pytest.raises(ValueError, match=f"reads no files and takes no {next(iter(argument))}"):
            load("glyphs", **argument)  # type: ignore[arg-type]
