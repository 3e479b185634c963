"""A table of which one network predicts a number, from the command line: an option asks for one."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli import main
from fastnn.data import table_text
from fastnn.decisions.task import decide_task

ONE = ["--optimizer", "adam"]  # an option of one network


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 240 houses whose price follows from two columns, in units far from each other."""
    random = np.random.default_rng(0)
    rooms, area = random.integers(1, 8, 240), random.uniform(20, 200, 240)
    price = 100_000 + 20_000 * rooms + 1_500 * area + random.normal(0, 4_000, 240)
    lines = ["rooms,area,price", *(f"{r},{a:.2f},{p:.2f}" for r, a, p in zip(rooms, area, price, strict=True))]
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def trained(houses: Path) -> Path:
    folder = houses.parent / "run"
    assert main(["train", str(houses), "--target", "price", *ONE, "--output", str(folder), "--quiet"]) == 0
    return folder


def test_a_table_of_numbers_becomes_a_model_a_picture_and_predictions(trained: Path) -> None:
    assert sorted(path.name for path in trained.iterdir()) == [
        *("config.json", "config.toml", "history.csv", "learning_curve.png", "model.safetensors"),
        *("predictions.csv", "residuals.png"),
    ]
    with (trained / "predictions.csv").open() as file:
        head, *rows = csv.reader(file)
    assert head == ["Id", "target", "predicted"]
    assert len(rows) == 40
    targets, predicted = np.array(rows, float)[:, 1:].T
    errors = json.loads((trained / "config.json").read_text())["result"]["test"]
    off = targets - predicted
    assert errors["mean_absolute"] == pytest.approx(np.abs(off).mean())
    assert errors["root_mean_square"] == pytest.approx(np.sqrt(np.square(off).mean()))
    assert errors["r_squared"] == pytest.approx(1 - np.square(off).sum() / np.square(targets - targets.mean()).sum())
    assert errors["r_squared"] > 0.97


def test_the_model_predicts_in_the_units_of_the_target(
    trained: Path, houses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fastnn.load(trained / "model.safetensors")
    assert (model.task, model.column_names, model.reading) == ("regression", ("rooms", "area"), {"label": "price"})
    assert model.predict([[4, 100.0]])[0, 0] == pytest.approx(330_000, rel=0.08)
    assert main(["evaluate", str(trained), str(houses)]) == 0
    assert capsys.readouterr().out.startswith("all rows: mean absolute error ")
    lines = houses.read_text().splitlines()
    turned = [",".join(line.split(",")[1::-1]) for line in lines[1:4]]
    (tmp_path / "new.csv").write_text("\n".join(["area,rooms", *turned]))
    assert main(["predict", str(trained), str(tmp_path / "new.csv")]) == 0
    head, *rows = csv.reader(capsys.readouterr().out.splitlines())
    assert head == ["Id", "price"]
    assert [float(row[1]) for row in rows] == pytest.approx([float(line.split(",")[2]) for line in lines[1:4]], rel=0.1)
    assert main(["predict", str(trained), str(tmp_path / "new.csv"), "--top", "2"]) == 2
    assert "expected a model of classes" in capsys.readouterr().err


def test_the_run_is_repeated_from_its_file(trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main(["train", "--config", str(trained / "config.toml"), "--output", str(again), "--quiet"]) == 0
    models = [fastnn.load(folder / "model.safetensors").params.tobytes() for folder in (trained, again)]
    assert models[0] == models[1]


def test_what_a_column_of_numbers_is_is_said(houses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", str(houses), "--target", "price", *ONE, "--epochs", "1", "--output", str(tmp_path / "r")]
    assert main(command) == 0
    assert "task: regression (240 different numbers in 240 rows; to change it: --task)" in capsys.readouterr().err
    command = ["train", str(houses), "--target", "rooms", "--epochs", "1", "--output", str(tmp_path / "c")]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "task: classification (7 different whole numbers in 240 rows; to change it: --task)" in err
    assert out.splitlines()[-1].startswith("test accuracy ")


def test_numbers_are_classes_where_they_are_few_or_numbered() -> None:
    for values, task in (
        ([str(k % 3) for k in range(30)], "classification"),
        ([str(3 + k % 6) for k in range(60)], "classification"),  # qualities from 3 to 8
        ([str(k % 40) for k in range(400)], "classification"),  # people, numbered from 0
        ([str(20 + k % 60) for k in range(400)], "regression"),  # ages
        ([str(k) for k in range(100)], "regression"),
        ([f"{k}.5" for k in range(12)], "regression"),
        (["a", "b", "a"], "classification"),
    ):
        found, decision = decide_task(values)
        assert found == task, values[:5]
        assert (decision is None) == (values[0] == "a")


def test_options_that_do_nothing_and_targets_that_are_no_numbers_are_refused(
    houses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(houses), "--target", "price", *ONE, "--output", str(tmp_path / "r")]
    for option, message in (
        (["--class-weight", "balanced"], "--class-weight: expected none for a regression"),
        (["--size", "8"], "--size: expected none for a regression"),
        (["--model", "mlp:2-3-2"], "expected 2 inputs and 1 output for a regression"),
    ):
        assert main([*command, *option]) == 2
        assert message in capsys.readouterr().err
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(f"{k},{'?' if k == 3 else k / 2}" for k in range(20)))
    assert main(["train", str(tmp_path / "t.csv"), "--task", "regression", *ONE]) == 2
    assert "sample 3: expected a number to be predicted, got '?'" in capsys.readouterr().err
    assert main(["train", "glyphs", "--task", "regression"]) == 2
    assert "--task: expected a table for a regression, got glyphs" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["price", "rooms"])
def test_a_table_is_read_once(houses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    reads = []
    monkeypatch.setattr(table_text, "read_text", lambda path, where: reads.append(path) or path.read_text())
    assert (
        main(["train", str(houses), "--target", target, *ONE, "--epochs=1", "--quiet", "--output", str(tmp_path / "r")])
        == 0
    )
    assert reads == [houses]


def test_the_table_of_epochs_has_no_column_of_right_answers(
    houses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(houses), "--target", "price", *ONE, "--epochs", "2", "--output", str(tmp_path / "r")]
    assert main(command) == 0
    (head,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert head.split() == ["epoch", "loss", "val", "loss"]
