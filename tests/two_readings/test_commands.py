"""What the commands say about what was decided, and that every option an error names is one that they have."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli import main, parser

PACKAGE = Path(fastnn.__file__).parent
READERS = ("train", "evaluate", "predict", "data info", "data preview")
TRAINING = ("cells.py", "task.py", "training.py")  # what only `train` decides, once the data are read


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    rows = [
        f"{k},{random.normal(k % 2 * 4):.3f},{random.normal():.3f},{'rose' if k % 2 else 'aster'}" for k in range(60)
    ]
    (tmp_path / "flowers.csv").write_text("\n".join(["id,width,height,kind", *rows]) + "\n")
    return tmp_path / "flowers.csv"


@pytest.fixture
def trained(flowers: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = flowers.parent / "run"
    assert main(["train", "--data", str(flowers), "--output", str(folder), "--epochs", "30", "--batch", "8"]) == 0
    return folder


def test_every_decision_is_one_line_beside_the_output(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = capsys.readouterr()
    subjects = [line.split(": ")[1] for line in err.splitlines()]
    assert subjects == ["labels", "columns", "test split", "inputs", "learning rate"]
    assert all(line.startswith("fastnn train: ") for line in err.splitlines())
    assert "to change it" not in out
    assert "flowers: 45 samples to train, 5 to validate, 10 to test; 2 classes" in out
    assert "image" not in out + err


def test_quiet_commands_print_the_result_alone(
    trained: Path, flowers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["evaluate", str(trained), "--data", str(flowers), "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"test accuracy \d+\.\d\d% \(\d+ of 10 samples\), loss .* nats\n", out)
    assert err == ""


def test_info_prints_all_decisions(flowers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "info", str(flowers)]) == 0
    out = capsys.readouterr().out
    assert "flowers: 50 train and 10 test samples of 2 values, float64, 2 classes" in out
    for words in ("labels: column 'kind'", "columns: column 'id' left out", "test split: 10 of the 60 samples"):
        assert words in out


def test_the_record_of_a_run_keeps_names_and_decisions(trained: Path) -> None:
    import json

    data = json.loads((trained / "config.json").read_text())["data"]
    assert data["column_names"] == ["width", "height"]
    assert len(data["decisions"]) == 3
    assert fastnn.load(trained / "model.safetensors").column_names == ("width", "height")


def test_predict_takes_every_row_in_order_with_labels_or_without(
    trained: Path, flowers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["predict", str(trained), "--data", str(flowers)]) == 0
    labelled = capsys.readouterr().out
    lines = flowers.read_text().splitlines()
    answers = [line.split(",")[1] for line in labelled.splitlines()[1:]]
    right = sum(line.endswith(answer) for line, answer in zip(lines[1:], answers, strict=True))
    assert len(answers) == 60
    assert right > 54
    turned = [",".join(line.split(",")[2:0:-1]) for line in lines]  # height,width
    (flowers.parent / "new.csv").write_text("\n".join(turned))
    assert main(["predict", str(trained), "--data", str(flowers.parent / "new.csv")]) == 0
    assert capsys.readouterr().out == labelled
    (flowers.parent / "new.csv").write_text("\n".join(",".join(line.split(",")[1:3]) for line in lines[1:]))
    assert main(["predict", str(trained), "--data", str(flowers.parent / "new.csv")]) == 0
    out, err = capsys.readouterr()
    assert out == labelled
    assert "columns: the 2 by position (this table has no names" in err


@pytest.mark.parametrize("option", ["--target=x", "--scale=2", "--class-names=a,b", "--size=8", "--mode=grey"])
def test_an_option_that_does_nothing_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "info", "glyphs", option]) == 2
    assert f"error: {option.partition('=')[0]}: glyphs reads no files" in capsys.readouterr().err


def test_what_was_decided_about_validation_data_is_said(
    trained: Path, flowers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    (flowers.parent / "more.csv").write_text(flowers.read_text().replace("width", "Width"))
    command = ["train", "--data", str(flowers), "--output", str(trained), "--overwrite", "--epochs", "1"]
    assert main([*command, "--validation", str(flowers.parent / "more.csv")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fastnn train: --validation: ")]
    assert ["taken Width as width" in line for line in said].count(True) == 1
    assert all("test split" not in line for line in said)


@pytest.mark.parametrize("option", ["--size=8", "--mode=grey", "--class-names=a,b"])
def test_an_option_that_does_nothing_to_a_table_is_refused(
    trained: Path, flowers: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    capsys.readouterr()
    assert main(["predict", str(trained), "--data", str(flowers), option]) == 2
    assert f"error: {option.partition('=')[0]}: expected another kind of file" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "x", "1/0", "nan", "inf"])
def test_a_scale_is_a_number_or_a_fraction(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", "info", "glyphs", f"--scale={text}"])
    assert "expected a number above 0, such as 1/255 or 0.01" in capsys.readouterr().err


def options_of(command: str) -> set[str]:
    found = parser()
    for word in command.split():
        (actions,) = (each for each in found._actions if hasattr(each, "choices") and isinstance(each.choices, dict))
        found = actions.choices[word]  # type: ignore[index]
    return {option for action in found._actions for option in action.option_strings}


def named_options(command: str) -> set[str]:
    """The options that texts of the modules below the command line name: errors and decisions of reading data."""
    texts = []
    for folder in ("data", "decisions"):
        for path in (PACKAGE / folder).glob("*.py"):
            if command != "train" and path.name in TRAINING:
                continue
            tree = ast.parse(path.read_text())
            texts += [
                node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is str
            ]
    return {option for text in texts for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)}


@pytest.mark.parametrize("command", READERS)
def test_every_option_that_reading_data_names_is_an_option_of_the_command(command: str) -> None:
    assert {"--target", "--scale", "--class-names"} <= named_options(command)
    assert named_options(command) - options_of(command) == set()
