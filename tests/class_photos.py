"""Folders of photos by class, made of noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def photos(folder: Path, n: int, seed: int = 0, classes: Sequence[str] = ("dark", "light")) -> Path:
    """`n` PNG files for each class, dark and light noise."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    for k, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            grey = rng.integers(0, 90, (30, 40, 3)) + 160 * k
            Image.fromarray(grey.astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder
