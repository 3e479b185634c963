"""What the actions of ``fastnn alexnet`` share: options of the computing, folders of photos, and the run's files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.alexnet import DESCRIPTIONS, ImageFiles, image_files
from fastnn.alexnet.torch_device import PRECISIONS
from fastnn.cli.options import whole
from fastnn.data import train_test_split

CLASSIFIER_FILE = "classifier.safetensors"
HELD_OUT = ("validation", "val", "valid", "test")  # folders beside "train"
SHARE = 0.2  # held out where no folder is
LIKE = f"who trained the weights, where their file does not tell: {', '.join(DESCRIPTIONS)}"


def add_computing(parser: argparse.ArgumentParser) -> None:
    """Add the options of where and how is computed."""
    group = parser.add_argument_group("computing")
    group.add_argument("--device", default="cpu", help="cpu, or by PyTorch cuda, cuda:1 (default: %(default)s)")
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="of the products on cuda; bf16 is the fastest (default: %(default)s)",
    )
    group.add_argument(
        "--feature-batch", type=whole(at_least=1), default=64, metavar="N", help="photos at once (default: %(default)s)"
    )
    group.add_argument("--cache", metavar="FOLDER", help="where features are kept (default: in the user's cache)")
    group.add_argument("--strict", action="store_true", help="end at a damaged photo, instead of skipping it")


def computing(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of an `Extractor` that those options stand for."""
    return {
        "device": options.device,
        "precision": options.precision,
        "batch_size": options.feature_batch,
        "cache": True if options.cache is None else options.cache,
    }


def by_class_in(option: str, folder: str) -> ImageFiles:
    """The photos in a folder that has one for each class.

    Raises
    ------
    ValueError, OSError
        If it has none.
    """
    found = image_files(folder)
    if found.labels is None:
        raise ValueError(
            f"{option}: expected a folder of photos for each class, got photos without classes in {folder}"
        )
    return found


def split(data: str, share: float | None, seed: int) -> tuple[ImageFiles, ImageFiles, str]:
    """Photos to train on, others, and in words which those are: a folder of their own, or a share of each class.

    Raises
    ------
    ValueError, OSError
        If there are no photos by class, their classes differ, a class has fewer than two photos, or a share is asked
        for where the others have a folder.
    """
    top = Path(data).expanduser()
    beside = [name for name in HELD_OUT if (top / name).is_dir()]
    if (top / "train").is_dir() and beside:
        if share is not None:
            raise ValueError(f"--validation: expected none, because {top / beside[0]} holds photos for it; got {share}")
        train, held = by_class_in("--data", str(top / "train")), by_class_in("--data", str(top / beside[0]))
        if train.class_names != held.class_names:
            raise ValueError(
                f"--data: expected the classes {', '.join(train.class_names)} in {top / beside[0]}, "
                f"got {', '.join(held.class_names)}"
            )
        return train, held, f"those of {beside[0]}/"
    found = by_class_in("--data", data)
    assert found.labels is not None
    counts = np.bincount(found.labels)
    alone = [name for name, count in zip(found.class_names, counts, strict=True) if count < 2]
    if alone:
        raise ValueError(f"--data: expected two photos or more of each class, got one of {', '.join(alone)}")
    share = SHARE if share is None else share
    parts = train_test_split(found.labels, share, seed=seed)
    train, held = (
        ImageFiles(tuple(found.paths[i] for i in part), found.labels[part], found.class_names)
        for part in map(np.sort, parts)
    )
    return train, held, f"{share:g} of each class"
