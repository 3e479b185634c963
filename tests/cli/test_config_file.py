"""``fastnn train --config`` takes options from a TOML file, and repeats a run from the file that it leaves."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastnn
from fastnn.cli import main, parser
from fastnn.cli.run_config import NOT_REPEATED


def weights(folder: Path) -> bytes:
    return fastnn.load(folder / "model.safetensors").params.tobytes()


OPTIONS = "--model mlp:16-9-elu-3 --init normal(0.2) --dtype float64 --epochs 3 --batch 7 --seed 11 --validation 0.2"


def test_a_run_is_repeated_from_the_file_it_leaves(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toy_data.parent)  # a relative path
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    assert main(["train", "--data", toy_data.name, *OPTIONS.split(), "--output", str(first), "--quiet"]) == 0
    monkeypatch.chdir(tmp_path)
    repeat = ["train", "--config", str(first / "config.toml"), "--quiet", "--output"]
    assert main([*repeat, str(again)]) == 0
    assert weights(again) == weights(first)
    assert (again / "config.toml").read_bytes() == (first / "config.toml").read_bytes()
    assert main([*repeat, str(other), "--seed", "12"]) == 0
    assert weights(other) != weights(first)


def test_every_option_is_in_the_file(run_folder: Path) -> None:
    written = tomllib.loads((run_folder / "config.toml").read_text())
    options = vars(parser().parse_args(["train"]))
    expected = {name.replace("_", "-") for name in options if name not in NOT_REPEATED}
    unset = {"augment", "average", "ensemble", "checkpoint", "early-stopping", "class-weight", "clip-norm"}
    unset |= {"categorical", "quantiles", "task", "label", "scale", "class-names", "size", "mode", "background", "axes"}
    assert set(written) | unset == expected | unset
    assert written["model"] == "mlp:16-200-3"
    assert written["learning-rate"] > 0  # what was found is kept
    assert written["epochs"] == 150
    assert written["early-stopping"] == 30
    assert written["schedule"].startswith("exponential:0.98")


def test_every_option_can_be_set_in_it(toy_data: Path, tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text(f"""
data = "{toy_data}"
model = "mlp:16-5-3"
activation = "tanh"
init = "he_normal"
dtype = "float64"
epochs = 2
batch = 20
optimizer = "momentum"
learning-rate = 0.01
weight_decay = 1e-4  # an underscore does as well
schedule = "exponential:0.5"
average = "ema:0.9"
precision = "float32"
label-smoothing = 0.05
validation = 0.25
augment = "shift=1"
mapped = false
skip-damaged = false
scale = 0.01
class-names = "left,middle,right"
seed = 5
output = "{tmp_path / "run"}"
checkpoint = 1
quiet = true
explain = false
overwrite = false
""")
    assert main(["train", "--config", str(config)]) == 0
    written = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert written == {
        "data": str(toy_data),
        "model": "mlp:16-5-3",
        "activation": "tanh",
        "init": "he_normal",
        "dtype": "float64",
        "epochs": 2,
        "batch": 20,
        "optimizer": "momentum",
        "learning-rate": 0.01,
        "weight-decay": 1e-4,
        "schedule": "exponential:0.5",
        "average": "ema:0.9",
        "precision": "float32",
        "label-smoothing": 0.05,
        "validation": 0.25,
        "augment": "shift=1",
        "mapped": False,
        "no-standardize": False,
        "skip-damaged": False,
        "scale": 0.01,
        "class-names": "left,middle,right",
        "seed": 5,
        "checkpoint": "1",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wings = 2", "has an unknown key 'wings'; expected some of data, task, categorical, quantiles, mapped, model"),
        ("resume = 'x'", "unknown key 'resume'"),
        ("config = 'x'", "unknown key 'config'"),
        ("run = 1", "unknown key 'run'"),
        ("[train]\nepochs = 2", "unknown key 'train'"),
        ("epochs = [1, 2]", "epochs must be text or a number, got [1, 2]"),
        ("epochs = true", "epochs must be text or a number, got True"),
        ("quiet = 1", "quiet must be true or false, got 1"),
        ("epochs = 0", "argument --epochs: expected a whole number of at least 1, got '0'"),
        ("epochs = 1.5", "argument --epochs: expected a whole number"),
        ("optimizer = 'foo'", "invalid choice: 'foo'"),
        ("checkpoint = '3 days'", "expected a number of epochs, or of steps or seconds such as 500steps or 60s"),
        ("checkpoint = 0", "expected a number of epochs"),
        ("epochs = ", "is not readable as TOML"),
        ("epochs = 1\nepochs = 2", "is not readable as TOML"),
    ],
)
def test_bad_files_are_refused(
    toy_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.toml").write_text(text)
    try:
        status = main(["train", "--data", str(toy_data), "--config", "run.toml"])
    except SystemExit as exit_:
        status = int(str(exit_.code))
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("fastnn train: error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]


def test_a_missing_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "nowhere.toml"]) == 2
    assert "there is no file nowhere.toml" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", "--config"])
    assert "expected one argument" in capsys.readouterr().err


def test_the_file_is_utf8_in_every_locale(toy_data: Path, tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text("# größe\nepochs = 1\n", "utf-8")
    ascii_alone = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [
        sys.executable,
        "-m",
        "fastnn",
        "train",
        "--config",
        config,
        "--data",
        toy_data,
        "--output",
        tmp_path / "x",
    ]
    done = subprocess.run(command, env=ascii_alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x" / "config.toml").exists()
