"""``fastnn train --checkpoint`` and ``--resume``."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastnn
from fastnn.cli import main

BASE = ["--model", "mlp:16-12-3", "--batch", "16", "--quiet"]


def weights(folder: Path) -> bytes:
    return fastnn.load(folder / "model.safetensors").params.tobytes()


def train(data: Path, folder: Path, *options: str) -> int:
    return main(["train", "--data", str(data), "--output", str(folder), *BASE, *options])


def names(folder: Path) -> list[str]:
    return sorted(path.name.removeprefix("checkpoint-").lstrip("0") for path in (folder / "checkpoints").iterdir())


def test_a_finished_run_continues_with_more_epochs(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = ["--schedule", "exponential:0.9"]
    assert train(toy_data, tmp_path / "whole", "--epochs", "6", *schedule) == 0
    assert train(toy_data, tmp_path / "run", "--epochs", "3", "--checkpoint", "1", *schedule) == 0
    assert names(tmp_path / "run") == ["12.safetensors", "24.safetensors", "36.safetensors"]
    assert weights(tmp_path / "run") != weights(tmp_path / "whole")
    assert main(["train", "--resume", str(tmp_path / "run"), "--epochs", "6", "--quiet"]) == 0
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")
    rows = [(tmp_path / name / "history.csv").read_text().splitlines() for name in ("run", "whole")]
    columns = [[row.rpartition(",")[0] for row in table] for table in rows]  # without the seconds
    assert columns[0] == columns[1]
    assert "test accuracy" in capsys.readouterr().out


def test_a_killed_run_resumes_to_the_same_weights(toy_data: Path, tmp_path: Path) -> None:
    options = ["--epochs", "3000", "--checkpoint", "40steps", "--schedule", "constant"]
    command = [sys.executable, "-m", "fastnn", "train", "--data", str(toy_data), "--output", "run", *BASE, *options]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ.copy(), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("run/checkpoints/checkpoint-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    run = tmp_path / "run"
    assert not (run / "model.safetensors").exists()
    done = int(max((run / "checkpoints").iterdir()).stem.rpartition("-")[2])
    epochs = str(done // 12 + 2)
    assert main(["train", "--resume", str(run), "--epochs", epochs]) == 0
    assert train(toy_data, tmp_path / "whole", "--epochs", epochs, "--schedule", "constant") == 0
    assert weights(run) == weights(tmp_path / "whole")


def test_early_stopping_and_class_weights_continue(toy_data: Path, tmp_path: Path) -> None:
    more = ["--early-stopping", "4", "--class-weight", "0=2,1=0.5", "--schedule", "constant", "--learning-rate", "0.05"]
    assert train(toy_data, tmp_path / "whole", "--epochs", "200", *more) == 0
    assert train(toy_data, tmp_path / "run", "--epochs", "5", "--checkpoint", "1", *more) == 0
    assert main(["train", "--resume", str(tmp_path / "run"), "--epochs", "200", "--quiet"]) == 0
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")


def test_a_run_without_checkpoints_cannot_be_resumed(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (run_folder, tmp_path / "nothing"):
        assert main(["train", "--resume", str(folder)]) == 2
        assert f"--resume: {folder} is not the folder of a run with checkpoints" in capsys.readouterr().err


def test_other_options_are_refused_and_nothing_is_overwritten(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train(toy_data, run, "--epochs", "1", "--checkpoint", "1") == 0
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for options, message in (
        (["--model", "mlp:16-13-3"], "of another architecture"),
        (["--batch", "8"], "batch_size was 16, is 8"),
        (["--validation", "0.3"], "was trained with other data"),
        (["--data", "digits", "--model", "mlp:784-12-10"], "of another architecture"),
    ):
        assert main(["train", "--resume", str(run), *options]) == 2
        assert message in capsys.readouterr().err
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_damaged_checkpoint_is_refused(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert train(toy_data, run, "--epochs", "1", "--checkpoint", "1") == 0
    (file,) = (run / "checkpoints").iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    assert main(["train", "--resume", str(run)]) == 2
    assert f"{file} is not a readable safetensors file" in capsys.readouterr().err


def test_a_new_run_replaces_the_checkpoints_of_an_old_one(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train(toy_data, run, "--epochs", "3", "--checkpoint", "1") == 0
    assert train(toy_data, run, "--epochs", "1", "--checkpoint", "1") == 2
    assert "already holds" in capsys.readouterr().err
    assert len(names(run)) == 3
    assert train(toy_data, run, "--epochs", "1", "--checkpoint", "1", "--overwrite") == 0
    assert names(run) == ["12.safetensors"]
