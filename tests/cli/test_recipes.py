"""``fastnn train --recipe`` takes options that go well together, and those of the command line override them."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import architecture
from fastnn.cli import main, parser
from fastnn.recipes import RECIPES


@pytest.fixture
def small_mnist(tmp_path: Path) -> Path:
    """A file with 160 images of 28 x 28 in ten classes, by which rows are bright."""
    random = np.random.default_rng(0)
    labels = np.arange(160) % 10
    images = random.integers(0, 60, (160, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 5] += 150
    np.savez(tmp_path / "small.npz", images=images, labels=labels)
    return tmp_path / "small.npz"


@pytest.mark.parametrize("name", RECIPES)
def test_every_option_of_a_recipe_is_one_of_the_command_line(name: str) -> None:
    known = vars(parser().parse_args(["train"]))
    options = RECIPES[name].options
    assert {option.replace("-", "_") for option in options} <= set(known)
    assert architecture.parse(options["model"]).output_shape == (10,)


def test_a_recipe_trains_on_the_data_that_is_named(small_mnist: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", str(small_mnist), "--recipe", "mnist-99", "--output", str(run), "--quiet"]
    assert main([*arguments, "--epochs", "3", "--batch", "16"]) == 0
    written = tomllib.loads((run / "config.toml").read_text())
    recipe = RECIPES["mnist-99"].options
    for name in ("model", "optimizer", "learning-rate", "validation", "no-standardize"):
        assert written[name] == recipe[name]
    assert (written["epochs"], written["batch"], written["data"]) == (3, 16, str(small_mnist))
    assert "recipe" not in written
    again = tmp_path / "again"
    assert main(["train", "--config", str(run / "config.toml"), "--output", str(again), "--quiet"]) == 0
    both = [fastnn.load(folder / "model.safetensors").params for folder in (run, again)]
    np.testing.assert_array_equal(*both)


def test_a_recipe_is_the_only_source_of_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.toml").write_text("epochs = 2\n")
    assert main(["train", "--recipe", "mnist-99", "--config", str(tmp_path / "run.toml")]) == 2
    assert "--recipe: expected no other source of options, got --config and --recipe" in capsys.readouterr().err


def test_the_average_and_the_smoothed_labels_are_those_of_the_trainer(toy_data: Path, tmp_path: Path) -> None:
    found = {}
    for name, more in {"plain": (), "both": ("--average", "ema:0.9", "--label-smoothing", "0.1")}.items():
        options = ["--model", "mlp:16-9-3", "--learning-rate", "0.1", "--epochs", "2", "--no-standardize", *more]
        assert main(["train", str(toy_data), *options, "--quiet", "--output", str(tmp_path / name)]) == 0
        found[name] = fastnn.load(tmp_path / name / "model.safetensors").params
        written = tomllib.loads((tmp_path / name / "config.toml").read_text())
        assert (written.get("average"), written["label-smoothing"]) == (("ema:0.9", 0.1) if more else (None, 0.0))
    assert not np.array_equal(found["plain"], found["both"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--average", "swa"], "average: expected None, 'ema' or 'ema:SHARE', got 'swa'"),
        (
            ["--precision", "bf16", "--dtype", "float64"],
            "precision: expected 'float32' for a model of float64, got 'bf16'",
        ),
        (["--label-smoothing", "1"], "label_smoothing: expected a number of at least 0 and below 1, got 1.0"),
    ],
)
def test_other_values_are_refused(
    toy_data: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(toy_data), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_regression_has_no_smoothed_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "prices.csv"
    table.write_text("size,price\n" + "".join(f"{i},{i * 1.5}\n" for i in range(40)))
    assert main(["train", str(table), "--target", "price", "--label-smoothing", "0.1"]) == 2
    assert "--label-smoothing: expected none for a regression, got 0.1" in capsys.readouterr().err
