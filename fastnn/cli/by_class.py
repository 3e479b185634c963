"""The table of the right and wrong predictions of each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def by_class(
    names: tuple[str, ...], labels: NDArray[np.int64], predicted: NDArray[np.int64], noun: str = "images"
) -> tuple[str, str]:
    """Return a table of the samples, the right answers and the most frequent wrong answer of each class.

    The second one, for narrow terminals, has the samples and the accuracies alone.
    """
    classes = len(names)
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    wrong = counts - np.diag(np.diag(counts))
    width = max(5, *map(len, names))
    lines = [f"{'class':<{width}}  {noun:>7}  {'right':>7}  accuracy  most often taken for"]
    narrow = [f"{'class':<{width}}  {noun:>7}  accuracy"]
    for k, name in enumerate(names):
        total, right, other = int(counts[k].sum()), int(counts[k, k]), int(wrong[k].argmax())
        accuracy = f"{right / total:8.2%}" if total else f"{'-':>8}"
        confused = f"  {names[other]} ({wrong[k, other]})" if wrong[k, other] else ""
        lines.append(f"{name:<{width}}  {total:7d}  {right:7d}  {accuracy}{confused}")
        narrow.append(f"{name:<{width}}  {total:7d}  {accuracy}")
    return "\n".join(lines), "\n".join(narrow)
