"""Bad input gives one clear line on standard error and status 2, without a traceback or any file."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fastnn.cli import main
from fastnn.trainer import Trainer


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder for the test, which fails if a training begins."""

    def fit(*_: object, **__: object) -> None:
        raise AssertionError("training began")

    monkeypatch.setattr(Trainer, "fit", fit)
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command line, which must refuse its arguments, and return the line that it prints."""
    try:
        status = main(arguments)
    except SystemExit as exit_:  # argparse refuses so
        status = exit_.code  # type: ignore[assignment]
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"fastnn {arguments[0]}: error: ")
    return line


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model mlp:16-foo-3", "unknown layer 'foo'"),
        ("--model mlp:16", "no outputs"),
        ("--model cnn:16-3", "unknown kind of network"),
        ("--model mlp:15-3", "has 15 inputs, but the images of toy have 16 pixels (4 x 4)"),
        ("--model mlp:16-4", "has 4 outputs, but toy has 3 classes (0, 1, 2)"),
        ("--activation foo", "unknown activation 'foo'"),
        ("--init foo", "init: expected one of"),
        ("--init normal(-1)", "init: "),
        ("--dtype float16", "invalid choice: 'float16'"),
        ("--epochs 0", "at least 1, got '0'"),
        ("--epochs many", "got 'many'"),
        ("--batch 0", "at least 1, got '0'"),
        ("--batch 1.5", "got '1.5'"),
        ("--optimizer foo", "invalid choice: 'foo'"),
        ("--learning-rate 0", "error: --learning-rate: expected a finite number above 0, got 0.0"),
        ("--learning-rate=-0.1", "error: --learning-rate: expected a finite number above 0, got -0.1"),
        ("--learning-rate nan", "error: --learning-rate: expected a finite number above 0, got nan"),
        ("--learning-rate inf", "error: --learning-rate: expected a finite number above 0, got inf"),
        ("--learning-rate fast", "expected a number, got 'fast'"),
        ("--weight-decay nan", "error: --weight-decay: expected a finite number of at least 0"),
        ("--weight-decay=-1", "error: --weight-decay: expected a finite number of at least 0"),
        ("--schedule plateau", "schedule: expected constant"),
        ("--schedule cosine:1,2,3,4", "schedule: 'cosine:1,2,3,4' does not fit"),
        ("--schedule cosine:0", "Cosine: epochs: expected a finite number above 0, got 0"),
        ("--schedule step", "schedule: 'step' does not fit"),
        ("--schedule step:1.5", "Step: every: expected a whole number of at least 1, got 1.5"),
        ("--schedule cosine+constant", "schedule: expected constant"),
        ("--schedule warmup:2+", "schedule: expected constant"),
        ("--schedule warmup:x+cosine", "schedule: expected constant"),
        ("--schedule exponential:", "schedule: expected constant"),
        ("--schedule exponential:x", "schedule: expected constant"),
        ("--schedule exponential:1.5", "decay: expected a number above 0 and at most 1, got 1.5"),
        ("--schedule exponential:nan", "decay: expected a number above 0 and at most 1, got nan"),
        ("--validation 1", "expected a share"),
        ("--validation nan", "expected a share"),
        ("--validation 0.001", "cannot be held out"),
        ("--validation 0.999", "cannot be held out"),
        ("--validation nowhere", "--validation: there is no file or folder nowhere"),
        ("--validation glyphs", "--validation: glyphs has images of shape (28, 28), but toy has (4, 4)"),
        ("--early-stopping 0", "at least 1, got '0'"),
        ("--early-stopping 3 --val 0", "--early-stopping: needs validation images"),
        ("--class-weight even", "expected balanced or weights such as 0=2.5, got 'even'"),
        ("--class-weight 0=-1", "--class-weight: 0: expected a finite number of at least 0, got -1.0"),
        ("--class-weight 0=2,7=3", "unknown class '7'; the classes are 0, 1, 2"),
        ("--seed=-1", "--seed: expected a whole number of at least 0 and below 2**64"),
        ("--seed 18446744073709551616", "--seed: expected a whole number of at least 0 and below 2**64"),
    ],
)
def test_train_refuses_bad_options(
    toy_data: Path, capsys: pytest.CaptureFixture[str], options: str, message: str
) -> None:
    assert message in refused(capsys, "train", "--data", str(toy_data), *options.split())
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("no_training")
def test_missing_data_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    assert "there is no file or folder nothing-here" in refused(capsys, "train", "--data", "nothing-here")
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    line = refused(capsys, "train", "--data", "mnist")
    assert f"MNIST is not at {tmp_path}/mnist and cannot be downloaded" in line
    assert "Three ways out" in line


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "counts", "negative", "nan", "complex", "gap", "none"])
def test_damaged_data_are_named(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    path = tmp_path / "damaged.npz"
    images, labels = np.load(toy_data)["images"], np.load(toy_data)["labels"]
    if kind in ("truncated", "empty", "text"):
        whole = toy_data.read_bytes()
        path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not a data set\n"}[kind])
    else:
        changed = {
            "counts": (images, labels[:-1]),
            "negative": (images, labels - 1),
            "nan": (images, np.where(labels == 1, np.nan, labels)),
            "complex": (images * 1j, labels),
            "gap": (images, labels * 2),
            "none": (images[:0], labels[:0]),
        }[kind]
        np.savez(path, images=changed[0], labels=changed[1])
    assert str(path) in refused(capsys, "train", "--data", str(path))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("no_training")
def test_output_that_is_a_file_is_refused(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    data = ("train", "--data", str(toy_data), "--output")
    assert "is not a folder" in refused(capsys, *data, "file")
    assert "cannot create the folder" in refused(capsys, *data, "file/below")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.usefixtures("no_training")
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where nobody can write, root included")
@pytest.mark.parametrize("folder", ["/proc/fastnn-run", "/proc/self"])
def test_output_that_cannot_be_written_is_refused(
    toy_data: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    line = refused(capsys, "train", "--data", str(toy_data), "--output", folder)
    assert f"cannot create the folder {folder}" in line or f"cannot write in {folder}" in line


@pytest.mark.usefixtures("no_training")
def test_folders_that_were_made_in_vain_are_removed(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    line = refused(capsys, "train", "--data", str(toy_data), "--output", "a/b")
    assert "cannot write in a/b (No space left on device)" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_bad_model_files_are_refused(
    command: str, run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (run_folder / "model.safetensors").read_bytes()
    for name, content in {"cut": whole[:100], "half": whole[: len(whole) // 2], "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        line = refused(capsys, command, str(tmp_path / name), "--data", str(toy_data))
        assert f"{tmp_path / name} is not a readable safetensors file" in line
    line = refused(capsys, command, str(tmp_path), "--data", str(toy_data))
    assert f"no model file at {tmp_path / 'model.safetensors'}" in line


def test_evaluate_refuses_data_of_another_shape(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "glyphs has 10 classes" in refused(capsys, "evaluate", str(run_folder), "--data", "glyphs")
    images, labels = np.zeros((30, 5, 5), np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "d.npz", images=images, labels=labels)
    line = refused(capsys, "evaluate", str(run_folder), "--data", str(tmp_path / "d.npz"))
    assert "x must have shape (N, 16)" in line


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 5, 5), np.uint8), "x must have shape (N, 16)"),
        (np.zeros((0, 4, 4), np.uint8), "at least one sample"),
        (np.full((2, 16), np.nan), "NaN or infinite"),
        (np.zeros((2, 16), complex), "dtype '<c16'"),
    ],
)
def test_predict_refuses_images_that_do_not_fit(
    run_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    images: np.ndarray,
    message: str,
) -> None:
    np.save(tmp_path / "i.npy", images)
    line = refused(capsys, "predict", str(run_folder), "--data", str(tmp_path / "i.npy"))
    assert message in line


def test_predict_refuses_an_output_that_it_cannot_write(
    run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("predict", str(run_folder), "--data", str(toy_data), "-o")
    assert "is a folder, expected a file" in refused(capsys, *command, str(tmp_path))
    assert "cannot write in" in refused(capsys, *command, str(tmp_path / "no" / "p.csv"))
    assert "no images without labels" in refused(capsys, *command, "-", "--part", "unlabelled")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("mlp:4-foo-2", "unknown layer 'foo'"),
        ("mlp:4-2 --tolerance 0", "tolerance: expected a finite number above 0"),
        ("mlp:4-2 --tolerance nan", "tolerance: expected a finite number above 0"),
        ("mlp:4-2 --batch 0", "at least 1"),
        ("mlp:4-2 --plot no/where.png", "cannot write in no"),
    ],
)
def test_gradcheck_refuses_bad_options(options: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refused(capsys, "gradcheck", *options.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: <subcommand>"),
        (["fly"], "invalid choice: 'fly'"),
        (["train", "--wings", "2"], "fastnn train: error: unrecognized arguments: --wings (fastnn train --help"),
        (["train", "--lr", "0.1"], "unrecognized arguments: --lr; did you mean '--learning-rate'? (fastnn train"),
        (["train", "--batch-size=8"], "unrecognized arguments: --batch-size=8; did you mean '--batch'?"),
        (["data", "info", "there", "--taget", "x"], "fastnn data info: error: unrecognized arguments: --taget x; did"),
        (["predict"], "required: MODEL"),
    ],
)
def test_unknown_commands_and_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_missing_safetensors_is_reported_before_training(
    toy_data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    assert "pip install safetensors" in refused(capsys, "train", "--data", str(toy_data))


def test_too_large_a_model_is_refused(toy_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = "mlp:16-16000000-16000000-3"
    assert "not enough memory" in refused(capsys, "train", "--data", str(toy_data), "--model", wide)
