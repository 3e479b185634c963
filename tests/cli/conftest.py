"""A small data set and a model trained on it, for the tests of the command line."""

from pathlib import Path

import numpy as np
import pytest

from fastnn.cli import main


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with 240 images of 4 x 4 in three classes, by which third of the image is bright."""
    random = np.random.default_rng(0)
    labels = np.arange(240) % 3
    images = random.integers(0, 60, (240, 16), np.uint8)
    for number, label in enumerate(labels):
        images[number, 5 * label : 5 * label + 5] += 150
    path = tmp_path_factory.mktemp("data") / "toy.npz"
    np.savez(path, images=images.reshape(-1, 4, 4), labels=labels)
    return path


@pytest.fixture(scope="session")
def run_folder(toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training on the toy data."""
    folder = tmp_path_factory.mktemp("run") / "toy-run"
    assert main(["train", "--data", str(toy_data), "--output", str(folder), "--batch", "16", "--quiet"]) == 0
    return folder
