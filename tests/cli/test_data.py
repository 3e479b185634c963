"""``fastnn data info`` and ``fastnn data preview``."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnn.cli import main
from fastnn.cli.wording import in_options
from fastnn.decisions.cells import is_missing
from fastnn.plots import table_preview


def test_info_counts_each_class(toy_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "info", str(toy_data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "toy: 200 train and 40 test images of 4 x 4, uint8, 3 classes"
    counts = [int(word) for line in lines[2:5] for word in line.split()[1:]]
    assert sum(counts) == 240
    assert lines[-2].startswith("the smallest class has 9")
    assert lines[-1].startswith("reading it takes about ")


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_preview_writes_a_picture(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    path = tmp_path / f"grid.{suffix}"
    assert main(["data", "preview", str(toy_data), "-o", str(path), "--columns", "4"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    if suffix == "png":
        with Image.open(path) as picture:
            assert min(picture.size) > 100
    else:
        assert "<svg" in path.read_text()


def test_image_folders_are_resized(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ants", "bees"):
        (tmp_path / name).mkdir()
        for k in range(4):
            Image.new("RGB", (10 + k, 12), (k, 0, 0)).save(tmp_path / name / f"{k}.png")
    assert main(["data", "info", str(tmp_path)]) == 0
    assert "size: 64 x 64 (images differ in size, such as 12 x 10 and 12 x 11; " in capsys.readouterr().out
    assert main(["data", "info", str(tmp_path), "--size", "8", "--mode", "rgb"]) == 0
    assert "images of 3 x 8 x 8" in capsys.readouterr().out
    assert main(["data", "preview", str(tmp_path), "--size", "8", "-o", str(tmp_path / "a.png")]) == 0


def test_the_label_column_is_chosen_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,kind\n" + "".join(f"{k},1,{'xy'[k % 2]}{k % 2}\n" for k in range(12)))
    assert main(["data", "info", str(path), "--label", "kind"]) == 0
    assert "x0" in capsys.readouterr().out


HOUSES = "rooms,area,town,price\n3,70.5,Ulm,151.5\n4,,Bonn,206\n2,55,Ulm,\n5,120,n/a,300\n"


def test_a_table_is_previewed_with_its_gaps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, picture = tmp_path / "houses.csv", tmp_path / "a.svg"
    table.write_text(HOUSES)
    assert main(["data", "preview", str(table), "--target", "price", "-o", str(picture), "--columns", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:5]] == ["rooms", "area", "town", "price (target)"]
    assert [re.split("  +", line)[1:] for line in lines[1:5]] == [
        ["-", "2 to 5"],
        ["1", "55 to 120"],
        ["1", "2 different words"],
        ["1", "151.5 to 300"],
    ]
    assert lines[-2:] == ["4 rows; 3 cells are empty, in 3 columns", str(picture)]
    assert "<svg" in picture.read_text()


def test_the_picture_marks_the_cells_that_are_empty() -> None:
    rows = [line.split(",") for line in HOUSES.splitlines()]
    figure = table_preview(rows[0], rows[1:], is_empty=is_missing, target=3)
    cells = figure.axes[0].tables[0].get_celld()
    grounds = {place: cell.get_facecolor() for place, cell in cells.items()}
    marked = {place for place, ground in grounds.items() if ground == grounds[2, 1]}
    assert marked == {(2, 1), (3, 3), (4, 2)}
    assert all(cells[place].get_text().get_text() == "empty" for place in marked)


def test_long_numbers_are_rounded_and_long_words_cut() -> None:
    figure = table_preview(["a", "b"], [["-0.0446416365069889", "a rather long name"]])
    cells = figure.axes[0].tables[0].get_celld()
    assert [cells[1, k].get_text().get_text() for k in (0, 1)] == ["-0.044642", "a rather long n…"]


def test_info_has_the_columns_of_a_table_of_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "a.csv"
    table.write_text("when,mood,answer\n" + "\n".join(f"2024-01-{k:02},{'gb'[k % 2]},{k % 3}" for k in range(1, 21)))
    assert main(["data", "info", str(table), "--target", "answer"]) == 0
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()[1:4]] == ["when", "mood", "answer"]
    assert "answer (target)" in told.out
    assert told.out.endswith("\n20 rows\n")
    assert told.err == ""
    table.write_text(table.read_text().replace("2024-01-", "day "))
    table.write_text(table.read_text().replace(",1\n", ",one\n").replace(",2\n", ",two\n").replace(",0\n", ",none\n"))
    assert main(["data", "info", str(table)]) == 0
    told = capsys.readouterr()
    assert "20 rows" in told.out
    assert re.search(r"no classes are counted \(.* may each be the labels; give --target\)", told.err)
    assert main(["data", "info", str(table), "--target", "colour"]) == 2
    assert "no column 'colour'" in capsys.readouterr().err


def test_the_words_of_messages_are_those_of_the_command_line() -> None:
    for said, wanted in (
        ("(evidence; to change it: label=, --target)", "(evidence; to change it: --target)"),
        ("give size= to resize them", "give --size to resize them"),
        ("pass skip_damaged=True to leave it out", "pass --skip-damaged to leave it out"),
        ("give axes=, such as 'NHWC'", "give --axes, such as 'NHWC'"),
        ("pass mode='grey' or size=64", "pass --mode 'grey' or --size 64"),
        ("to change it: test_fraction= of fastnn.data.load, or a file", "to change it: a file"),
        ("read_csv: a/label=1.csv: n_size=3", "read_csv: a/label=1.csv: n_size=3"),
    ):
        assert in_options(said) == wanted


def test_rows_that_are_no_table_are_previewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(60.0).reshape(20, 3) / 7, y=np.arange(20) % 2)
    assert main(["data", "preview", str(tmp_path / "a.npz"), "-o", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_table_of_pixels_is_previewed_as_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{k % 3}," + ",".join(str((k * j) % 256) for j in range(784)) for k in range(1, 31)]
    (tmp_path / "a.csv").write_text("\n".join(["label," + ",".join(f"pixel{j}" for j in range(784)), *rows]))
    assert main(["data", "preview", str(tmp_path / "a.csv"), "-o", str(tmp_path / "a.png")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a.png'}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "nowhere"], "there is no file or folder nowhere"),
        (["preview", "glyphs", "-o", "a.txt"], "must end in .png, .svg or .pdf"),
        (["preview", "glyphs", "-o", "no/folder/a.png"], "cannot write in"),
    ],
)
def test_bad_arguments_are_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", *arguments]) == 2
    line = capsys.readouterr().err
    assert line.startswith("fastnn data: error: ")
    assert message in line
