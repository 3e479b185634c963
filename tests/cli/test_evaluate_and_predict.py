"""``fastnn evaluate`` and ``fastnn predict``."""

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli import main


def test_evaluate_prints_the_accuracy_of_each_class(
    run_folder: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(run_folder), "--data", str(toy_data)]) == 0
    *table, _, last = capsys.readouterr().out.splitlines()
    data = fastnn.data.load(toy_data)
    figures = fastnn.load(run_folder / "model.safetensors").evaluate(*data.test)
    right = round(figures["accuracy"] * 40)
    assert last == (f"test accuracy {figures['accuracy']:.2%} ({right} of 40 images), loss {figures['loss']:.4f} nats")
    assert [int(row.split()[1]) for row in table[1:]] == np.bincount(data.test_labels).tolist()
    assert sum(int(row.split()[2]) for row in table[1:]) == right


def test_evaluate_can_use_the_training_images(
    run_folder: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(run_folder / "model.safetensors")
    assert main(["evaluate", model, "--data", str(toy_data), "--part", "train", "--quiet"]) == 0
    assert re.fullmatch(r"train accuracy .*% \(\d+ of 200 images\), loss .* nats\n", capsys.readouterr().out)


def test_evaluate_shows_which_classes_are_confused(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.zeros((12, 4, 4), np.uint8)
    images.reshape(12, 16)[:, :5] = 200  # all look like class 0
    labels = np.arange(12) % 3
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images[:6], y_test=labels[:6])
    assert main(["evaluate", str(run_folder), "--data", str(tmp_path / "d.npz")]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split() == ["0", "2", "2", "100.00%"]
    assert rows[2].split() == ["1", "2", "0", "0.00%", "0", "(2)"]
    assert rows[-1].startswith("test accuracy 33.33% (2 of 6 images)")


def test_evaluate_says_that_it_compares_numbers_with_names(
    run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fastnn.load(run_folder / "model.safetensors")
    model.class_names = ("x", "y", "z")
    model.save(tmp_path / "m.safetensors")
    command = ["evaluate", str(tmp_path / "m.safetensors"), "--data", str(toy_data)]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert "classes: by number (the model was trained on classes x, y, z, the data have the numbers 0, 1, 2;" in said


def predictions(text: str) -> list[tuple[int, str]]:
    """The ids and categories in a table."""
    header, *rows = csv.reader(io.StringIO(text))
    assert header == ["Id", "Category"]
    return [(int(number), name) for number, name in rows]


def test_predict_takes_the_test_images(
    run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "p.csv"
    assert main(["predict", str(run_folder), "--data", str(toy_data), "-o", str(table)]) == 0
    *decisions, last = capsys.readouterr().err.splitlines()
    assert last == f"40 predictions of the test images of toy in {table}"
    assert [line.split(":")[1] for line in decisions] == [" test split"]
    images = fastnn.data.load(toy_data).test_images
    expected = fastnn.load(run_folder / "model.safetensors").predict(images)
    assert predictions(table.read_text()) == [(i, str(k)) for i, k in enumerate(expected.tolist(), 1)]


@pytest.mark.parametrize("kind", ["npy", "npz", "rows"])
def test_predict_takes_images_without_labels(
    run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    images = np.load(toy_data)["images"][:5]
    path = tmp_path / ("i.npz" if kind == "npz" else "i.npy")
    if kind == "npz":
        np.savez(path, whatever=images)
    else:
        np.save(path, images.reshape(5, -1) if kind == "rows" else images)
    assert main(["predict", str(run_folder), "--data", str(path)]) == 0
    assert predictions(capsys.readouterr().out) == [(i + 1, str(i % 3)) for i in range(5)]


def test_predict_prefers_images_without_labels(
    run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = np.load(toy_data)
    unlabelled = stored["images"][[2, 0]]
    path = tmp_path / "d.npz"
    np.savez(path, x_train=stored["images"], y_train=stored["labels"], x_test=unlabelled)
    command = ["predict", str(run_folder), "--data", str(path)]
    assert main(command) == 0
    assert predictions(capsys.readouterr().out) == [(1, "2"), (2, "0")]
    assert main([*command, "--part", "train"]) == 0
    assert len(predictions(capsys.readouterr().out)) == 200


def test_predict_writes_class_names(
    run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fastnn.load(run_folder / "model.safetensors")
    model.class_names = ("left", "middle, of course", "right")
    model.save(tmp_path / "m.safetensors")
    np.save(tmp_path / "i.npy", np.load(toy_data)["images"][:3])
    command = ["predict", str(tmp_path / "m.safetensors"), "--data", str(tmp_path / "i.npy")]
    assert main(command) == 0
    assert predictions(capsys.readouterr().out) == [(1, "left"), (2, "middle, of course"), (3, "right")]


def test_a_reader_that_stops_early_is_no_error(run_folder: Path, toy_data: Path, tmp_path: Path) -> None:
    images = np.repeat(np.load(toy_data)["images"], 200, axis=0)  # more than a pipe holds
    np.save(tmp_path / "i.npy", images)
    command = [sys.executable, "-m", "fastnn", "predict", str(run_folder), "--data", str(tmp_path / "i.npy")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"Id,Category\n"
        process.stdout.close()
        assert process.stderr.read() == b""
