"""Dialects of text tables: read right, or refused with a sentence that says what to do."""

from pathlib import Path

import numpy as np
import pytest

from fastnn.data import load, read_csv

PLAIN = "a,b,label\n1.5,2,ant\n2.5,3,bee\n3.5,4,ant\n"


def read(tmp_path: Path, text: str | bytes):
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(path)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + PLAIN,
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n", "\n\n"),
        PLAIN + "\n \n,,\n",
        "# measured by hand, in spring\n# twice\n" + PLAIN,
        "\n\n" + PLAIN,
        PLAIN.replace("2.5", "# a remark in between\n2.5"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        "\ufeffsep=,\r\n" + PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        "sep=|\n" + PLAIN.replace(",", "|"),
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.replace(",", "\t").replace(".", ","),
        PLAIN.replace("\n", ",\n"),
        PLAIN.replace("\n", ",\n").replace("label,", "label"),
        PLAIN.replace("label", "label,"),
        PLAIN.replace("ant", '"ant"').replace("1.5", '"1.5"'),
        PLAIN.replace(",", ", "),
        PLAIN.replace(",ant", ', "ant"'),
    ],
)
def test_every_dialect_is_the_same_table(tmp_path: Path, text: str | bytes) -> None:
    table = read(tmp_path, text)
    assert table.values.tolist() == [[1.5, 2], [2.5, 3], [3.5, 4]]
    assert [table.class_names[k] for k in table.labels] == ["ant", "bee", "ant"]
    assert table.column_names == ("a", "b")
    assert load(tmp_path / "a.csv", test_fraction=1 / 3).column_names == ("a", "b")


def test_names_and_classes_in_quotes_may_have_delimiters(tmp_path: Path) -> None:
    table = read(tmp_path, '"width, cm",b,label\n1,2,"ant, red"\n2,3,"say ""bee"""\n')
    assert table.column_names == ("width, cm", "b")
    assert table.class_names == ("ant, red", 'say "bee"')


def test_a_comment_above_the_rows_may_have_the_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = np.column_stack([np.arange(12) / 7, np.arange(12) % 5, np.arange(12) % 2])
    np.savetxt(path, rows, delimiter=",", header="width,label,age", fmt="%g")
    table = read_csv(path)
    assert table.column_names == ("width", "age")
    assert table.class_names == tuple("01234")
    assert "the comment above the rows" in " ".join(map(str, table.decisions))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a,label\n"1,234",ant\n', "'1,234' is not a finite number; write numbers without separators of thousands"),
        ("a,label\n1 234,ant\n", "write numbers without separators of thousands"),
        ("a;label\n1,234;ant\n2,345;bee\n", "may be a decimal comma or separate thousands; write numbers with a"),
        ("a;b;label\n1,5;2.5;ant\n", r"numbers with a comma \(1,5\) and with a point; write all with a point"),
        ('a,label\n1,"ant\n2,bee\n', 'a value begins with " and does not end'),
        ('a,label\n1,"ant\n2,"bee\n', "line 3: "),
        ('a,label\n1,"ant\nred"\n2,bee\n', "line 3: a quoted value goes on over the end of the line"),
        ("b,label\nrow1,1,ant\nrow2,2,bee\n", "names 2 columns, but the next one has 3 values; if the rows begin with"),
        (b"a,label\n1,caf\xe9\n", "save the table as UTF-8"),
        ("a,label\n1,ant\n# a remark, of two\n2,bee\n", "'# a remark' is not a finite number"),
        ("a,b,label\n1,2,ant\n1,2\n", "line 3: 2 values, but the first row has 3"),
        ("a,b,label\n1,2,ant,\n1,2,bee,7\n", "line 3: "),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_a_class_that_begins_with_a_hash_is_no_comment(tmp_path: Path) -> None:
    table = read(tmp_path, "label,a\nred,1\n#ff0000,2\nred,3\n")
    assert table.class_names == ("#ff0000", "red")


def test_an_accent_has_one_spelling(tmp_path: Path) -> None:
    table = read(tmp_path, "h\u00f6he,label\n1,caf\u00e9\n2,cafe\u0301\n")
    assert table.class_names == ("caf\u00e9",)
    assert read(tmp_path, "ho\u0308he,label\n1,caf\u00e9\n").column_names == table.column_names


def test_a_table_with_spaces_between_its_values_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1.5 2 0\n2.5 3 1\n")
    with pytest.raises(ValueError, match="a table has commas, semicolons, tabs or bars between its values"):
        load(tmp_path / "a.csv")
