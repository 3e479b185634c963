"""Notebooks of the courses run when their import lines are changed, and nothing else.

The notebooks in ``notebooks/`` are written for this test: they use the names, spellings and arguments of the public
assignments of 2016 to 2024, under the courses' own module names. Cells that mount a drive, compile the hand-out's own
extension, or use a framework are not among them.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from notebooks import cells_of, execute

pytest.importorskip("matplotlib")

NOTEBOOKS = sorted((Path(__file__).parent / "notebooks").glob("*.py"))
COURSES = "cs231n|cs189|csc411|ece421|ift6135"
IMPORT = re.compile(rf"^(\s*(?:from|import) )({COURSES})\b", re.MULTILINE)


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images (N, 3, 32, 32) of uint8, each class with a colour and stripes of its own, and labels (N,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    tint = np.random.default_rng(0).uniform(60, 190, (10, 3))
    waves = np.sin(np.arange(32) * (1 + np.arange(10))[:, None] / 4)
    clean = tint[labels][:, :, None, None] + 35 * waves[labels][:, None, None, :]
    return np.clip(clean + rng.normal(0, 20, (count, 3, 32, 32)), 0, 255).astype(np.uint8), labels


def write_cifar10(folder: Path) -> None:
    """Files in the format of CIFAR-10: five batches of 100 images to train with, and one to test with."""
    folder.mkdir(parents=True)
    for number, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        pixels, labels = images(100, number)
        batch = {b"data": pixels.reshape(100, -1), b"labels": labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


def write_letters(path: Path) -> None:
    """A file as notMNIST.npz, with 18,724 images in which each class has its own bright square."""
    rng = np.random.default_rng(0)
    labels = np.arange(18_724) % 10
    letters = rng.integers(0, 60, (len(labels), 28, 28), np.uint8)
    for k in range(10):
        letters[labels == k, 2 * k : 2 * k + 8, 2 * k : 2 * k + 8] = 230
    np.savez(path, images=letters, labels=labels)


def as_cells(path: Path) -> list[str]:
    """The cells of a notebook with its import lines changed and its magics in force."""
    text = IMPORT.sub(r"\1fastnn.compat.\2", path.read_text(encoding="utf-8"))
    return [re.sub(r"^# (?=%)", "", cell, flags=re.MULTILINE) for cell in cells_of(text)]


LONG = {"cs231n_a1_2016", "cs231n_a2_2016", "ece421"}  # the others have most of their names


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in LONG)) for path in NOTEBOOKS],
)
def test_every_cell_passes(path: Path, tmp_path: Path) -> None:
    if path.stem.startswith("cs231n"):
        write_cifar10(tmp_path / "cs231n" / "datasets" / "cifar-10-batches-py")
    elif path.stem == "ece421":
        write_letters(tmp_path / "notMNIST.npz")
    cells = as_cells(path)
    done = execute(cells, tmp_path)
    print(f"{path.stem}: {len(cells) - len(done.failures())} of {len(cells)} cells pass")
    assert done.failures() == []


def test_the_notebooks_are_there() -> None:
    assert {path.stem for path in NOTEBOOKS} >= {"cs189", "csc411", "ece421", "ift6135"}
    assert sum(len(as_cells(path)) for path in NOTEBOOKS) > 100


def test_only_import_lines_are_changed() -> None:
    for path in NOTEBOOKS:
        before = path.read_text(encoding="utf-8").splitlines()
        after = IMPORT.sub(r"\1fastnn.compat.\2", "\n".join(before)).splitlines()
        changed = [line for line, new in zip(before, after, strict=True) if line != new]
        assert changed
        assert all(line.startswith(("from ", "import ")) for line in changed)
