"""The letters and their split."""

from __future__ import annotations

import numpy as np

from fastnn.data import split_indices
from fastnn.studies.study import Run
from fastnn.studies.training import Pair

SEED = 421  # the report's seed for the split, to which the seed of the study is added


def sets(run: Run, sizes: tuple[int, int, int]) -> dict[str, Pair]:
    """Split all images for training, validation and testing, with the classes in the same proportions."""
    images = np.concatenate([run.data.train_images, run.data.test_images])
    labels = np.concatenate([run.data.train_labels, run.data.test_labels])
    share = min(1.0, len(labels) / sum(sizes))  # a smaller data set is split in the same proportions
    parts = split_indices(labels, [int(size * share) for size in sizes], seed=SEED + run.seed)
    x = images.reshape(len(images), -1)
    return {name: (x[part], labels[part]) for name, part in zip(("", "val", "test"), parts, strict=True)}
