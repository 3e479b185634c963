"""A trained model is not lost, whatever becomes of the output; and what is printed fits a narrow terminal."""

import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

import fastnn
from fastnn.cli import main, record, streams
from fastnn.cli.output import Output
from fastnn.model import Sequential

OPTIONS = ["--epochs", "2", "--model", "mlp:16-4-3", "--learning-rate", "0.01"]


def command(data: Path, folder: Path) -> list[str]:
    return ["train", str(data), *OPTIONS, "--output", str(folder)]


def test_a_folder_that_vanishes_comes_back_for_the_model(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = record.write

    def vanish(output: Output, *arguments: object) -> object:
        shutil.rmtree(output.folder)
        return whole(output, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(record, "write", vanish)
    assert main(command(toy_data, tmp_path / "run")) == 0
    assert fastnn.load(tmp_path / "run" / "model.safetensors").output_shape == (3,)


def test_a_model_that_cannot_be_written_in_the_folder_is_written_elsewhere(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save, folder, here = Sequential.save, tmp_path / "run", tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def full(model: Sequential, path: os.PathLike[str]) -> None:
        if Path(path).parent == folder:
            raise OSError(28, "No space left on device")
        save(model, path)

    monkeypatch.setattr(Sequential, "save", full)
    assert main(command(toy_data, folder)) == 0
    out, err = capsys.readouterr()
    (kept,) = here.glob("fastnn-model-*.safetensors")
    assert fastnn.load(kept).output_shape == (3,)
    assert f"{folder / 'model.safetensors'}: No space left on device; the model is in {kept}" in err
    assert f"the model is in {kept}" in out.splitlines()[-1]
    monkeypatch.setattr(Sequential, "save", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert main(["train", str(toy_data), *OPTIONS, "--output", str(tmp_path / "other")]) == 2
    assert "the model cannot be written anywhere" in capsys.readouterr().err


def test_a_picture_or_a_file_that_fails_is_named_and_the_others_are_written(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no fonts")

    monkeypatch.setattr(record, "save_figure", fail)
    assert main(command(toy_data, tmp_path / "run")) == 1
    assert f"no {tmp_path / 'run' / 'learning_curve.png'}: RuntimeError: no fonts" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "config.json",
        "config.toml",
        "history.csv",
        "model.safetensors",
    ]


def test_a_checkpoint_that_cannot_be_written_leaves_the_model_so_far(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "checkpoint-2")

    monkeypatch.setattr(streams.EpochTable, "on_train_end", full)  # as a callback that writes
    assert main(command(toy_data, tmp_path / "run")) == 2
    error = capsys.readouterr().err
    model = tmp_path / "run" / "model.safetensors"
    assert f"checkpoint-2: No space left on device; the model after 2 epochs is in {model}" in error
    assert fastnn.load(model).output_shape == (3,)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's pipe")
def test_a_closed_pipe_ends_the_output_and_not_the_training(toy_data: Path, tmp_path: Path) -> None:
    code = "import sys; from fastnn.cli import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, *command(toy_data, tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()  # before the first line
        assert process.wait(60) == 1
    assert fastnn.load(tmp_path / "run" / "model.safetensors").output_shape == (3,)


def test_lines_fit_forty_columns(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(streams, "is_terminal", lambda stream: stream is not None)
    assert main(["train", str(toy_data), "--epochs", "30", "--quiet", "--output", "q"]) == 0
    assert main(["train", str(toy_data), "--output", "run", "--explain"]) == 0
    assert main(["evaluate", "run", str(toy_data)]) == 0
    assert main(["data", "info", str(toy_data)]) == 0
    Path("houses.csv").write_text("rooms,a rather long name of a column,price\n" + "3,,75.5\n" * 20)
    assert main(["data", "preview", "houses.csv"]) == 0
    out, err = capsys.readouterr()
    for line in (out + err).splitlines():
        assert len(line) <= 40, line
        assert all(unicodedata.category(letter)[0] != "C" for letter in line)


def test_a_loss_that_does_not_move_is_said(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still = ["train", str(toy_data), "--epochs", "2", "--learning-rate", "1e-9", "--init", "zeros"]
    assert main([*still, "--output", str(tmp_path / "still")]) == 0
    assert "the loss has not moved: it is 1.1, and 1.1 for a guess by the frequency" in capsys.readouterr().err
    assert main(["train", str(toy_data), "--output", str(tmp_path / "run")]) == 0
    assert "the loss has not moved" not in capsys.readouterr().err


def test_inputs_of_any_scale_train_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns in other units are the same table to a network whose inputs are standardised."""
    rows = [(k % 3, (k % 3) * 0.5 + (k % 7) * 0.1, (k % 5) * 0.2) for k in range(90)]
    answers = []
    for name, factor, shift in (("a", 1, 0), ("b", 1024, 2048)):
        lines = ["kind,x,z", *(f"c{kind},{x * factor + shift},{z}" for kind, x, z in rows)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
        assert main(["train", str(tmp_path / f"{name}.csv"), "--output", str(tmp_path / name), "--quiet"]) == 0
        answers.append(capsys.readouterr().out.partition(";")[0])
    assert answers[0] == answers[1]
    raw = ["train", str(tmp_path / "b.csv"), "--no-standardize", "--output", str(tmp_path / "raw"), "--quiet"]
    assert main(raw) == 0
    layers = fastnn.load(tmp_path / "raw" / "model.safetensors").layers
    assert [type(layer).__name__ for layer in layers] == ["Dense", "ReLU", "Dense"]
