"""``fastnn train``."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from strategies import Array
from trainings import NATIVE

import fastnn
from fastnn.cli import main

FILES = ["config.json", "config.toml", "history.csv", "learning_curve.png", "model.safetensors"]


def train(data: Path, *options: str) -> int:
    """Run the command on a data set, with a small network."""
    return main(["train", "--data", str(data), "--batch", "16", *options])


def test_it_writes_its_files(run_folder: Path) -> None:
    assert sorted(path.name for path in run_folder.iterdir()) == FILES
    assert (run_folder / "learning_curve.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_history_has_a_line_for_each_epoch(run_folder: Path) -> None:
    with (run_folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert float(rows[-1]["val_accuracy"]) > 0.9
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates[-1] == pytest.approx(rates[0] * 0.1 ** ((len(rows) - 1) / 149))


def test_config(run_folder: Path, toy_data: Path) -> None:
    config = json.loads((run_folder / "config.json").read_text())
    assert config["options"]["model"] == "mlp:16-200-3"
    assert config["options"]["learning_rate"] > 0
    assert config["environment"]["fastnn"] == fastnn.__version__
    assert config["model"]["class_names"] == ["0", "1", "2"]
    data = fastnn.data.load(toy_data)
    assert config["data"]["test_images"] == {"shape": [40, 4, 4], "dtype": "uint8"}
    assert config["data"]["sha256"] == data.sha256()


def test_the_model_file_has_the_reported_accuracy(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(toy_data, "--output", str(tmp_path / "r"), "--epochs", "1", "--quiet") == 0
    line = capsys.readouterr().out
    match = re.fullmatch(r"test accuracy ([\d.]+)% \((\d+) of 40 images\); in (.*)/: (.*)\n", line)
    assert match
    assert match[3] == str(tmp_path / "r")
    assert sorted(match[4].split(", ")) == FILES
    model, data = fastnn.load(tmp_path / "r" / "model.safetensors"), fastnn.data.load(toy_data)
    right = int((model.predict(data.test_images) == data.test_labels).sum())
    assert (int(match[2]), match[1]) == (right, f"{100 * right / 40:.2f}")
    assert model.input_scale == 1 / 255


def test_epochs_are_printed_as_a_table(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(toy_data, "--output", str(tmp_path / "r"), "--epochs", "3", "--explain") == 0
    out = capsys.readouterr().out
    assert out.startswith("toy: 180 images to train, 20 to validate, 40 to test; 3 classes\n")
    assert re.findall(r"^ +(\d+)  ", out, re.M) == ["1", "2", "3"]
    assert re.search(r"^dense2 +Dense ", out, re.M)
    assert ("affine" if NATIVE else "layer by layer") in out  # the plan
    assert out.splitlines()[-1].startswith("test accuracy ")


def test_the_same_seed_gives_the_same_bits(toy_data: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert train(toy_data, "--output", str(tmp_path / name), "--seed", seed, "--epochs", "2", "--quiet") == 0
    a, b, c = (fastnn.load(tmp_path / name / "model.safetensors").params.tobytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize("optimizer", fastnn.optim.OPTIMIZERS)
def test_each_optimizer_learns_with_its_own_rate(toy_data: Path, tmp_path: Path, optimizer: str) -> None:
    assert train(toy_data, "--output", str(tmp_path / "r"), "--optimizer", optimizer, "--quiet") == 0
    result = json.loads((tmp_path / "r" / "config.json").read_text())["result"]
    assert result["test"]["accuracy"] > 0.9


def test_options_reach_model_and_training(toy_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    options = "--model mlp:16-8-elu-6-3 --activation tanh --init normal(0.1) --dtype float64 --epochs 2"
    more = "--optimizer momentum --learning-rate 0.02 --weight-decay 0.001 --schedule exponential:0.5 --quiet"
    assert train(toy_data, "--output", str(folder), *options.split(), *more.split()) == 0
    config = json.loads((folder / "config.json").read_text())
    assert [layer["type"] for layer in config["model"]["layers"]] == [
        "Standardize",
        "Dense",
        "ELU",
        "Dense",
        "Tanh",
        "Dense",
    ]
    assert config["model"]["layers"][1]["init"] == "normal(0.1)"
    assert config["model"]["dtype"] == "float64"
    assert "Momentum(learning_rate=0.02, weight_decay=0.001" in config["optimizer"]
    assert config["result"]["last_epoch"]["learning_rate"] == 0.01


@pytest.mark.parametrize(
    ("given", "resolved", "expected"),
    [
        ("constant", "constant", "Constant()"),
        ("step:2,0.5", "step:2,0.5", "Step(every=2, decay=0.5)"),
        ("cosine", "cosine:3", "Cosine(epochs=3.0, floor=0.0"),
        ("onecycle", "onecycle:3", "OneCycle(epochs=3.0"),
        ("warmup:1+cosine", "warmup:1+cosine:2", "WarmUp(epochs=1.0, then=Cosine(epochs=2.0"),
    ],
)
def test_schedules(toy_data: Path, tmp_path: Path, given: str, resolved: str, expected: str) -> None:
    folder = tmp_path / "r"
    assert train(toy_data, "--output", str(folder), "--schedule", given, "--epochs", "3", "--quiet") == 0
    config = json.loads((folder / "config.json").read_text())
    assert config["options"]["schedule"] == resolved
    assert expected.split("(")[0] in config["schedule"]


def test_early_stopping_keeps_the_best_weights(toy_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    options = "--early-stopping 3 --epochs 400 --learning-rate 0.05 --schedule constant --val 0.2 --quiet"
    assert train(toy_data, "--output", str(folder), *options.split()) == 0
    with (folder / "history.csv").open() as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert len(losses) < 400
    assert losses.index(min(losses)) == len(losses) - 4


def test_class_weights(toy_data: Path, tmp_path: Path) -> None:
    results = []
    for name, weights in (("a", "1=0,2=0"), ("b", "balanced")):
        options = ["--output", str(tmp_path / name), "--class-weight", weights, "--quiet"]
        assert train(toy_data, *options) == 0
        results.append(json.loads((tmp_path / name / "config.json").read_text())["result"]["test"]["accuracy"])
    assert results[0] < 0.5 < 0.9 < results[1]


def test_a_convolutional_network(toy_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    text = "conv:6x3,relu,pool2,drop0.1,fc3"
    assert train(toy_data, "--output", str(folder), "--model", text, "--epochs", "20", "--quiet") == 0
    config = json.loads((folder / "config.json").read_text())
    assert config["model"]["input_shape"] == [1, 4, 4]
    assert config["model"]["class_names"] == ["0", "1", "2"]
    assert config["result"]["test"]["accuracy"] > 0.8
    again = tmp_path / "again"
    assert main(["train", "--config", str(folder / "config.toml"), "--output", str(again), "--quiet"]) == 0
    weights = [fastnn.load(f / "model.safetensors").params.tobytes() for f in (folder, again)]
    assert weights[0] == weights[1]


def test_without_validation(toy_data: Path, tmp_path: Path) -> None:
    assert train(toy_data, "--output", str(tmp_path / "r"), "--validation", "0", "--quiet") == 0
    assert "val_loss" not in (tmp_path / "r" / "history.csv").read_text()


def test_validation_images_are_not_trained_on(toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Array] = {}

    def fit(self: fastnn.Trainer, x: Array, y: Array, validation: tuple[Array, Array]) -> None:
        seen["train"], seen["validation"] = x, validation[0]
        raise KeyboardInterrupt

    monkeypatch.setattr(fastnn.Trainer, "fit", fit)
    assert train(toy_data, "--output", str(tmp_path / "r"), "--quiet", "--learning-rate", "0.01") == 130
    parts = [{image.tobytes() for image in seen[name]} for name in ("train", "validation")]
    test = {image.tobytes() for image in fastnn.data.load(toy_data).test_images}
    assert [len(part) for part in parts] == [180, 20]
    assert not parts[0] & parts[1]
    assert not (parts[0] | parts[1]) & test


def test_another_data_set_validates(toy_data: Path, tmp_path: Path) -> None:
    with np.load(toy_data) as toy:
        images, labels = toy["images"][:60] // 2, toy["labels"][:60]
    np.savez(tmp_path / "other.npz", images=images, labels=labels)
    (tmp_path / "run.toml").write_text(f'validation = "{tmp_path / "other.npz"}"\nepochs = 2\nquiet = true\n')
    first, again = tmp_path / "first", tmp_path / "again"
    assert train(toy_data, "--config", str(tmp_path / "run.toml"), "--output", str(first)) == 0
    with (first / "history.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    figures = fastnn.load(first / "model.safetensors").evaluate(images, labels)
    assert float(last["val_accuracy"]) == figures["accuracy"]
    assert float(last["val_loss"]) == pytest.approx(figures["loss"])
    assert main(["train", "--config", str(first / "config.toml"), "--output", str(again), "--quiet"]) == 0
    weights = [fastnn.load(f / "model.safetensors").params.tobytes() for f in (first, again)]
    assert weights[0] == weights[1]


def test_default_folders_are_numbered(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fastnn-run-2").mkdir()
    for _ in range(2):
        assert train(toy_data, "--epochs", "1", "--quiet") == 0
    assert re.findall(r"in (.*)/:", capsys.readouterr().out) == ["fastnn-run-1", "fastnn-run-3"]


def test_missing_parent_folders_are_made(toy_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    assert train(toy_data, "--output", str(folder), "--epochs", "1", "--quiet") == 0
    assert sorted(path.name for path in folder.iterdir()) == FILES


def test_an_earlier_run_is_kept_unless_asked(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "r"
    assert train(toy_data, "--output", str(folder), "--epochs", "1", "--quiet") == 0
    before = (folder / "model.safetensors").read_bytes()
    assert train(toy_data, "--output", str(folder), "--epochs", "2") == 2
    assert "already holds model.safetensors" in capsys.readouterr().err
    assert (folder / "model.safetensors").read_bytes() == before
    assert train(toy_data, "--output", str(folder), "--epochs", "2", "--overwrite", "--quiet") == 0
    assert (folder / "model.safetensors").read_bytes() != before


@pytest.mark.parametrize(("data", "first"), [("glyphs", "A"), ("digits", "0")])
def test_data_sets_that_need_no_files(tmp_path: Path, data: str, first: str) -> None:
    assert main(["train", "--data", data, "--epochs", "1", "--output", str(tmp_path / "r"), "--quiet"]) == 0
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert config["data"]["name"] == data
    assert config["model"]["class_names"][0] == first
    assert config["result"]["test"]["accuracy"] > 0.8


def test_a_diverging_training_says_why_and_leaves_nothing(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "r"
    assert train(toy_data, "--output", str(folder), "--optimizer", "sgd", "--learning-rate", "1e30") == 1
    assert "fastnn train: error: fit: the loss of step" in capsys.readouterr().err
    assert not folder.exists()


# --- Ctrl-C ---


def interrupted(folder: Path, *options: str, behind: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """Send SIGINT when a line that starts with `behind` is printed; also the seconds until the end."""
    command = [sys.executable, "-m", "fastnn", "train", "--output", str(folder), *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder.parent,
        env=os.environ.copy(),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.lstrip().startswith(behind):
                break
        process.send_signal(signal.SIGINT)
        sent = time.perf_counter()
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err), time.perf_counter() - sent


def test_ctrl_c_keeps_the_model(tmp_path: Path) -> None:
    done, _ = interrupted(tmp_path / "r", "--epochs", "5000", behind="2 ")
    assert done.returncode == 130, done.stderr
    assert re.search(r"fastnn train: interrupted after \d+ of 5000 epochs; the model", done.stderr)
    assert "Traceback" not in done.stderr
    model = fastnn.load(tmp_path / "r" / "model.safetensors")
    assert np.isfinite(model.params).all()
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert 2 <= config["result"]["epochs"] < 5000
    assert "test" not in config["result"]


def test_ctrl_c_keeps_the_model_of_a_regression(tmp_path: Path) -> None:
    table = tmp_path / "houses.csv"
    table.write_text("rooms,area,price\n" + "".join(f"{k % 7},{k}.5,{30 * (k % 7) + k}.25\n" for k in range(300)))
    options = ["--target", "price", "--optimizer", "adam", "--epochs", "50000"]
    done, _ = interrupted(tmp_path / "r", str(table), *options, behind="2 ")
    assert done.returncode == 130, done.stderr
    assert re.search(r"fastnn train: interrupted after \d+ of 50000 epochs; the model", done.stderr)
    assert np.isfinite(fastnn.load(tmp_path / "r" / "model.safetensors").predict([[3, 100.5]])).all()
    assert not (tmp_path / "r" / "predictions.csv").exists()
    assert "test" not in json.loads((tmp_path / "r" / "config.json").read_text())["result"]


def test_ctrl_c_in_the_first_epoch(tmp_path: Path) -> None:
    model = "mlp:784-2000-2000-10"
    done, seconds = interrupted(
        tmp_path / "r", "--model", model, "--batch", "1", "--learning-rate", "0.001", behind="epoch"
    )
    assert done.returncode == 130
    assert done.stderr.endswith("fastnn train: interrupted\n")
    assert not (tmp_path / "r").exists()
    assert seconds < 5  # a second, on an idle machine
