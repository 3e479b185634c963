"""Columns of tables: found by name, in any order, or refused by name."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn.data import load, read_csv

ROWS = [(1.5, 20, 0.25, "ant"), (2.5, 10, 0.75, "bee"), (3.5, 30, 0.5, "ant"), (4.5, 40, 0.125, "bee")] * 4
NAMES = ("width", "height", "age", "kind of insect")


def write(path: Path, order: tuple[int, ...], names: tuple[str, ...] | None = NAMES, rows: list = ROWS) -> Path:
    lines = [] if names is None else [",".join(names[k] for k in order)]
    path.write_text("\n".join([*lines, *(",".join(str(row[k]) for k in order) for row in rows)]))
    return path


def model(columns: tuple[str, ...] | None = NAMES[:3]) -> fastnn.Sequential:
    return fastnn.Sequential(
        [fastnn.layers.Dense(2)], input_shape=(3,), class_names=("ant", "bee"), column_names=columns
    )


@given(order=st.permutations(range(4)).map(tuple))
def test_any_order_of_named_columns_is_the_same_pair(tmp_path_factory: pytest.TempPathFactory, order: tuple) -> None:
    folder = tmp_path_factory.mktemp("pair")
    write(folder / "train.csv", (0, 1, 2, 3))
    write(folder / "test.csv", order)
    data = load(folder, label="kind of insect")
    np.testing.assert_array_equal(data.test_images, data.train_images)
    np.testing.assert_array_equal(data.test_labels, data.train_labels)
    assert data.column_names == NAMES[:3]


@given(order=st.permutations(range(4)).map(tuple))
def test_any_order_of_named_columns_is_the_same_to_a_model(
    tmp_path_factory: pytest.TempPathFactory, order: tuple
) -> None:
    table = read_csv(write(tmp_path_factory.mktemp("one") / "new.csv", order), like=model())
    assert table.column_names == NAMES[:3]
    assert table.values.tolist() == [list(row[:3]) for row in ROWS]
    assert table.labels is not None
    assert [table.class_names[k] for k in table.labels] == [row[3] for row in ROWS]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("width", "height", "weight", "label"), "lacks age and has weight besides"),
        (("width", "height", "height", "label"), "'height' occur more than once"),
        (("width", "age", "label"), "the first line names 3 columns, but the next one has 4 values"),
    ],
)
def test_missing_surplus_and_repeated_columns_are_named(tmp_path: Path, names: tuple, message: str) -> None:
    write(tmp_path / "train.csv", (0, 1, 2, 3), (*NAMES[:3], "label"))
    (tmp_path / "test.csv").write_text("\n".join([",".join(names), *(",".join(map(str, row)) for row in ROWS)]))
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


def test_a_surplus_column_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", (0, 1, 2, 3), (*NAMES[:3], "label"))
    write(tmp_path / "test.csv", (0, 1, 2, 3, 1), (*NAMES[:3], "label"))
    text = (tmp_path / "test.csv").read_text().replace("label,height", "label,weight")
    (tmp_path / "test.csv").write_text(text)
    with pytest.raises(ValueError, match=r"columns: expected those of train\.csv, but the table has weight besides"):
        load(tmp_path)


def test_names_that_differ_in_spelling_alone_are_matched_aloud(tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", (2, 1, 0, 3), ("WIDTH", "height", "Age", "kind"))
    table = read_csv(path, like=model())
    assert table.values[0].tolist() == [1.5, 20, 0.25]
    assert any("taken WIDTH as width, Age as age" in str(decision) for decision in table.decisions)


def test_two_names_that_differ_in_case_alone_are_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", (0, 1, 2, 3), ("AGE", "Age", "width", "label"))
    with pytest.raises(ValueError, match=r"lacks age and has AGE besides|lacks height, age"):
        read_csv(path, like=model(("width", "height", "age")))


def test_a_table_without_names_is_taken_by_position_aloud(tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", (0, 1, 2, 3), None)
    table = read_csv(path, like=model())
    assert table.column_names == NAMES[:3]
    assert "columns: the 3 by position (this table has no names" in " ".join(map(str, table.decisions))
    with pytest.raises(ValueError, match="2 values besides the label, but the model has 3"):
        read_csv(write(tmp_path / "new.csv", (0, 1, 3), None), like=model())


def test_a_column_that_numbers_the_rows_is_left_out_aloud(tmp_path: Path) -> None:
    numbered = [(k, *row) for k, row in enumerate(ROWS)]
    for names in (("", *NAMES), ("id", *NAMES), None):
        path = write(tmp_path / "a.csv", (0, 1, 2, 3, 4), names, numbered)
        table = read_csv(path)
        assert table.values.tolist() == [list(row[:3]) for row in ROWS]
        assert any("left out (it numbers the rows" in str(decision) for decision in table.decisions)
    recurring = [(k % 3, *row) for k, row in enumerate(ROWS)]
    assert read_csv(write(tmp_path / "a.csv", (0, 1, 2, 3, 4), ("id", *NAMES), recurring)).values.shape == (16, 4)


def test_a_row_that_counts_is_a_line_of_names_only_if_it_counts_the_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0,1,2\n" + "".join(f"{k / 7:.3f},{k / 3:.3f},{k % 2}\n" for k in range(12)))
    table = read_csv(tmp_path / "a.csv", label="2")
    assert (table.column_names, len(table.values)) == (("0", "1"), 12)
    (tmp_path / "a.csv").write_text("0,1,3\n" + "".join(f"{k / 7:.3f},{k / 3:.3f},{k % 2}\n" for k in range(12)))
    assert len(read_csv(tmp_path / "a.csv", label=-1).values) == 13


@pytest.mark.parametrize("first", ["0,1,kind", "2020,2021,kind"])
def test_names_may_be_numbers_beside_a_title_that_stands_nowhere_else(tmp_path: Path, first: str) -> None:
    rows = "".join(f"{k / 7:.3f},{k / 3:.3f},{'xy'[k % 2]}\n" for k in range(12))
    (tmp_path / "a.csv").write_text(f"{first}\n{rows}")
    table = read_csv(tmp_path / "a.csv")
    assert (table.column_names, table.class_names) == (tuple(first.split(",")[:2]), ("x", "y"))
    assert "'kind' occurs nowhere else" in " ".join(map(str, table.decisions))
    (tmp_path / "a.csv").write_text(rows)
    assert read_csv(tmp_path / "a.csv").column_names is None


def test_a_class_called_y_is_no_line_of_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1.5,2,y\n3.5,4,n\n2.5,1,y\n")
    table = read_csv(tmp_path / "a.csv")
    assert (table.class_names, len(table.values)) == (("n", "y"), 3)


def test_the_model_file_keeps_the_names(tmp_path: Path) -> None:
    model().save(tmp_path / "m.safetensors")
    assert fastnn.load(tmp_path / "m.safetensors").column_names == NAMES[:3]
    model(None).save(tmp_path / "m.safetensors")
    assert fastnn.load(tmp_path / "m.safetensors").column_names is None
    assert "column_names" not in model(None).config()
    assert model().cut("dense1").column_names == NAMES[:3]
    for wrong in (("a", "b"), ("a", "b", "a"), "abc"):
        with pytest.raises(ValueError, match="column_names: expected 3 different names"):
            model(wrong)  # type: ignore[arg-type]
