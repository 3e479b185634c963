"""``fastnn data info`` and ``fastnn data preview``."""

from pathlib import Path

import pytest
from PIL import Image

from fastnn.cli import main


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
