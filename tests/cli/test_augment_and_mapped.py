"""``fastnn train --augment`` and ``--mapped``."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli import main
from fastnn.cli.options import parse_augmentation
from fastnn.data import Augmentation, load

BASE = ["--model", "mlp:16-12-3", "--batch", "16", "--schedule", "constant", "--quiet"]
AUGMENT = "shift=1,rotate=20,noise=3"


def weights(folder: Path) -> bytes:
    return fastnn.load(folder / "model.safetensors").params.tobytes()


def train(data: Path, folder: Path, *options: str) -> int:
    return main(["train", "--data", str(data), "--output", str(folder), *BASE, *options])


def test_the_text_is_parsed() -> None:
    text = "shift=2, rotate=10,scale=0.1,elastic=1.5,flip=horizontal,crop=0.9,noise=5,cutout=8,shape=3x8x9"
    expected = Augmentation(2, 10, 0.1, 1.5, "horizontal", 0.9, 5, 8, seed=4, shape=(3, 8, 9))
    assert parse_augmentation(text, seed=4) == expected
    assert parse_augmentation("seed=7", seed=4) == Augmentation(seed=7)


def test_it_augments_and_is_recorded_and_repeated(toy_data: Path, tmp_path: Path) -> None:
    first, plain, again, other = (tmp_path / name for name in ("first", "plain", "again", "other"))
    assert train(toy_data, first, "--epochs", "2", "--augment", AUGMENT) == 0
    assert train(toy_data, plain, "--epochs", "2") == 0
    assert weights(first) != weights(plain)
    assert tomllib.loads((first / "config.toml").read_text())["augment"] == AUGMENT
    repeat = ["train", "--config", str(first / "config.toml"), "--quiet", "--output"]
    assert main([*repeat, str(again)]) == 0
    assert weights(again) == weights(first)
    assert main([*repeat, str(other), "--augment", "shift=1"]) == 0
    assert weights(other) not in (weights(first), weights(plain))


def test_a_resumed_training_continues_with_it(toy_data: Path, tmp_path: Path) -> None:
    assert train(toy_data, tmp_path / "whole", "--epochs", "4", "--augment", AUGMENT) == 0
    assert train(toy_data, tmp_path / "run", "--epochs", "2", "--augment", AUGMENT, "--checkpoint", "1") == 0
    assert main(["train", "--resume", str(tmp_path / "run"), "--epochs", "4", "--quiet"]) == 0
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "twist=3",
            "--augment: expected some of shift, rotate, scale, elastic, flip, crop, noise, cutout, seed, shape",
        ),
        ("shift", "each once with its value, got 'shift'"),
        ("shift=1,shift=2", "got 'shift=2'"),
        ("", "got ''"),
        ("shift=1.5", "--augment: shift cannot be '1.5'; expected shift=PIXELS, rotate=DEGREES"),
        ("shape=8x", "--augment: shape cannot be '8x'"),
        ("scale=2", "--augment: Augmentation: scale: expected a number of at least 0 and below 1, got 2.0"),
        ("flip=up", "flip: expected 'none', 'horizontal', 'vertical' or 'both'"),
    ],
)
def test_other_texts_are_refused(
    toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert train(toy_data, tmp_path / "run", "--augment", text) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.fixture
def folder(toy_data: Path, tmp_path: Path) -> Path:
    """The toy set as .npy files."""
    data = load(toy_data)
    (tmp_path / "toy").mkdir()
    for name, array in (("x_train", data.train_images), ("x_test", data.test_images)):
        np.save(tmp_path / "toy" / f"{name}.npy", array)
    for name, array in (("y_train", data.train_labels), ("y_test", data.test_labels)):
        np.save(tmp_path / "toy" / f"{name}.npy", array)
    return tmp_path / "toy"


def test_a_mapped_set_gives_the_same_weights(folder: Path, tmp_path: Path) -> None:
    options = ["--validation", "0", "--epochs", "2"]
    assert train(folder, tmp_path / "plain", *options) == 0
    assert train(folder, tmp_path / "mapped", *options, "--mapped") == 0
    assert weights(tmp_path / "mapped") == weights(tmp_path / "plain")
    assert tomllib.loads((tmp_path / "mapped" / "config.toml").read_text())["mapped"] is True


def test_held_out_images_would_be_copied_so_they_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folder, tmp_path / "run", "--mapped") == 2
    assert "--mapped: needs --validation 0 or a path, because held-out images" in capsys.readouterr().err


def test_info_works_on_a_mapped_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for options in ([], ["--mapped"]):
        assert main(["data", "info", str(folder), *options]) == 0
        said.append(capsys.readouterr().out.splitlines()[-1])
    assert said[0].startswith("reading it takes about ")
    assert said[0].split("; ")[0].endswith(" kB of memory")
    assert said[1].startswith("reading it takes about 0 bytes of memory")


def test_a_set_that_does_not_fit_names_both_sizes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fastnn.data.memory.available_bytes", lambda: 1000)
    assert main(["data", "info", str(folder)]) == 2
    err = capsys.readouterr().err
    assert f"load: {folder}: takes " in err
    assert "but 1.0 kB are available; --mapped leaves the numbers in the file" in err
    assert main(["data", "info", str(folder), "--mapped"]) == 0
