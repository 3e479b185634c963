"""The letters and their split."""

from __future__ import annotations

import numpy as np

from fastnn.data import split_indices
from fastnn.studies.study import Run
from fastnn.studies.training import Pair

SEED = 421  # of the split, as the report's; the study's seed is added to it


def sets(run: Run, sizes: tuple[int, int, int]) -> dict[str, Pair]:
    """Images to train, validate and test, with the classes in the same proportions."""
    images = np.concatenate([run.data.train_images, run.data.test_images])
    labels = np.concatenate([run.data.train_labels, run.data.test_labels])
    share = min(1.0, len(labels) / sum(sizes))  # of a smaller data set, the same shares
    parts = split_indices(labels, [int(size * share) for size in sizes], seed=SEED + run.seed)
    x = images.reshape(len(images), -1)
    return {name: (x[part], labels[part]) for name, part in zip(("", "val", "test"), parts, strict=True)}
