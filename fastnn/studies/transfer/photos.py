"""The photos, the weights that lie beside them, and features of the photos."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet import DESCRIPTIONS, Extractor, Preprocessing, Weights, image_files, load_weights
from fastnn.alexnet.images import decode_part
from fastnn.alexnet.views import VIEWS
from fastnn.data import Dataset, load, train_test_split
from fastnn.decisions import Decision
from fastnn.studies.sources import Source
from fastnn.studies.study import Run

Pair = tuple[NDArray[Any], NDArray[np.int64]]

_SIDE = 256  # pixels of the squares that photos are brought to, out of which the network sees a part
_LAST = "conv5.pool"  # the weights up to here are needed
_SUFFIXES = (".safetensors", ".npz", ".npy", ".pth", ".pt")


@dataclass(frozen=True, eq=False)
class Photos(Dataset):
    """Photos by class, and the weights of the AlexNet that looks at them.

    Parameters
    ----------
    weights : Weights or None
        Never None; a dataclass wants a default behind those of `Dataset`.
    files : tuple of (tuple of Path, tuple of Path), optional
        Of the training and the test photos. AlexNet looks at the files where there are such: the arrays, squares that
        all have one size, lack the ends of the longer sides.
    """

    weights: Weights | None = None
    files: tuple[tuple[Path, ...], tuple[Path, ...]] | None = None

    def sha256(self) -> str:
        """Return the sources of the photos and of the weights."""
        assert self.weights is not None
        return hashlib.sha256(f"{super().sha256()}{self.weights.digest(_LAST)}".encode()).hexdigest()


def _read(path: Path) -> Dataset:
    """Photos in train/ and val/ of a folder, and weights in the folder, in alexnet/ in it, or in alexnet/ beside it."""
    weights, decisions = _weights_near(path)
    pairs, names, paths = [], [], []
    for part in ("train", "val"):
        files = image_files(path / part)
        if files.labels is None:
            raise ValueError(f"{path / part} holds no folder of photos for each class")
        square = partial(decode_part, preprocessing=Preprocessing(resize=_SIDE), crop=_SIDE)
        images = [square(file.read_bytes(), str(file)).transpose(1, 2, 0) for file in files.paths]
        pairs.append((np.stack(images), files.labels))
        names.append(files.class_names)
        paths.append(files.paths)
    if names[0] != names[1]:
        raise ValueError(f"{path}: train has the classes {', '.join(names[0])}, val {', '.join(names[1])}")
    (x, y), (xv, yv) = pairs
    return Photos(
        x, y, xv, yv, names[0], 1 / 255, "photos", decisions=decisions, weights=weights, files=(paths[0], paths[1])
    )


def _weights_near(path: Path) -> tuple[Weights, tuple[Decision, ...]]:
    folders = [path, path / "alexnet", path.parent / "alexnet"]
    files = [f for folder in folders if folder.is_dir() for f in sorted(folder.iterdir()) if f.suffix in _SUFFIXES]
    found: list[tuple[Path, str | None, Weights]] = []
    wrong: list[str] = []
    for file in files:
        like = next((name for name in DESCRIPTIONS if name in file.stem), None)
        try:
            told = None if file.suffix in (".safetensors", ".pth", ".pt") else like
            weights = load_weights(file, told)
            weights.model(_LAST)  # says what is missing
            found.append((file, told, weights))
        except (ValueError, OSError) as error:
            wrong.append(str(error))
    if len(found) != 1:
        what = "; ".join(wrong) if not found else ", ".join(str(file) for file, _, _ in found)
        where = ", ".join(map(str, folders))
        raise ValueError(f"expected the weights of one AlexNet in {where}; got {len(found)} ({what or 'no file'})")
    file, told, weights = found[0]
    taken = f"{file.name}, like {told}" if told else file.name
    why = "the name of the file has that of those who trained them" if told else "the only file of weights there"
    how = "fastnn alexnet convert --like, and the result in place of the file"
    return weights, (Decision("weights", taken, why, how),)


def _substitute() -> Dataset:
    """Synthetic letters instead of photos, and random weights."""
    d = load("glyphs", train=120, test=60)
    arrays = (d.train_images, d.train_labels, d.test_images, d.test_labels)
    weights = Weights.random("theano", seed=0, up_to=_LAST)
    return Photos(*arrays, d.class_names, d.scale, d.name, weights=weights)


PHOTOS = Source(
    "photos by class (train/, val/) with AlexNet's weights (alexnet/)",
    ("", "photos"),
    _read,
    _substitute,
    "synthetic letters, seen through an AlexNet with random weights",
    "The reports used photos of six actors, which can no longer be downloaded, and torchvision's weights. Here the "
    "photos and classes are others, and so may the form of the network be; only the trends can be compared.",
    "photos of six actors",
)


def weights_of(run: Run) -> Weights:
    """The weights beside the photos."""
    assert isinstance(run.data, Photos)
    assert run.data.weights is not None
    return run.data.weights


def features(run: Run, cut: str | None, part: Literal["train", "test"], views: int = 1) -> NDArray[np.float32]:
    """Features (N · views, D) of the photos to train on or to test with, computed once and kept in the user's cache."""
    assert isinstance(run.data, Photos)
    of_train = part == "train"
    if run.data.files is not None:
        images: Any = run.data.files[0 if of_train else 1]
    else:
        images = run.data.train_images if of_train else run.data.test_images
    return Extractor(weights_of(run), cut, progress=False)(images, strict=True, views=VIEWS[views]).features


def parts_of_train(labels: NDArray[np.int64], seed: int, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the training photos to train on, and the share of each class that settings are chosen on."""
    rows, held = train_test_split(labels, share, seed=seed)
    return np.sort(rows), np.sort(held)
