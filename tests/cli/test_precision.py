"""The option --precision."""

from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli import main
from fastnn.kernels.precisions import PRECISIONS


@pytest.fixture
def wide_data(tmp_path: Path) -> Path:
    """Samples and layers large enough for products of another precision."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4
    images = np.clip(rng.normal(100, 40, (400, 10, 10)) + 20 * labels[:, None, None], 0, 255).astype(np.uint8)
    np.savez(tmp_path / "d.npz", x_train=images[:300], y_train=labels[:300], x_test=images[300:], y_test=labels[300:])
    return tmp_path / "d.npz"


def trained(data: Path, folder: Path, *options: str) -> fastnn.Sequential:
    command = ["train", str(data), "--model", "mlp:100-64-32-4", "--epochs", "2", "--batch", "100", "--quiet"]
    assert main([*command, "--output", str(folder), *options]) == 0
    return fastnn.load(folder / "model.safetensors")


def test_training_and_predictions_have_the_precision_of_the_option(
    amx: None, wide_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("safetensors")
    params = {name: trained(wide_data, tmp_path / name, "--precision", name).params for name in PRECISIONS}
    assert len({array.tobytes() for array in params.values()}) == len(PRECISIONS)
    for name in PRECISIONS:
        assert np.abs(params[name] - params["float32"]).max() < 0.05
    capsys.readouterr()
    shown = {}
    for name in (None, *PRECISIONS):
        option = [] if name is None else ["--precision", name]
        assert main(["predict", str(tmp_path / "float32"), str(wide_data), "--probabilities", *option]) == 0
        shown[name] = capsys.readouterr().out
        assert main(["evaluate", str(tmp_path / "float32"), str(wide_data), "--quiet", *option]) == 0
        assert "test accuracy" in capsys.readouterr().out
    assert shown[None] == shown["float32"] != shown["bf16"]


def test_several_networks_have_none(wide_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("safetensors")
    command = ["train", str(wide_data), "--model", "mlp:100-8-4", "--epochs", "1", "--quiet", "--ensemble", "2"]
    assert main([*command, "--output", str(tmp_path / "many")]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "many"), str(wide_data), "--precision", "fast"]) != 0
    assert "--precision: expected float32 for a model of several networks, got fast" in capsys.readouterr().err
    assert main([*command, "--output", str(tmp_path / "none"), "--precision", "fast"]) != 0
    assert "precision" in capsys.readouterr().err
