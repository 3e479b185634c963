"""Measures of predicted classes: accuracy, balanced and top-k accuracy, figures by class, the confusion matrix.

Targets are labels (N,), or rows (N, C) whose largest element marks the class;
outputs are scores (N, C), or predicted labels (N,). Labels are integers, or bools for two classes. A row that marks no
class is an error, see `fastnn.decisions.rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import whole
from fastnn.decisions.rows import classes_of_rows
from fastnn.views import html_table, text_lines


def class_numbers(function: str, name: str, values: ArrayLike) -> NDArray[np.int64]:
    """The classes of labels (N,), or of rows (N, C) whose largest element marks the class.

    Parameters
    ----------
    function, name : str
        The function and the argument, for the message of an error.
    values : array_like

    Returns
    -------
    (N,) int64

    Raises
    ------
    ValueError, TypeError
        If they are no labels, or a row marks no class.

    Examples
    --------
    >>> from fastnn.metrics.classes import class_numbers
    >>> class_numbers("accuracy", "outputs", [[0.2, 0.8], [0.7, 0.3]])
    array([1, 0])
    """
    array = np.asarray(values)
    if array.ndim != 1:
        return classes_of_rows(function, name, array, unique=name == "targets")
    if array.dtype.kind not in "iub":
        raise TypeError(f"{function}: labels in {name} must be integers, got dtype {array.dtype}")
    if array.size and array.min() < 0:
        raise ValueError(f"{function}: labels in {name} must be at least 0, got {array.min()}")
    return array.astype(np.int64)


def _pair(function: str, targets: ArrayLike, outputs: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    true, predicted = class_numbers(function, "targets", targets), class_numbers(function, "outputs", outputs)
    if len(true) != len(predicted):
        raise ValueError(f"{function}: targets has {len(true)} samples but outputs has {len(predicted)}")
    if len(true) == 0:
        raise ValueError(f"{function}: expected at least one sample")
    return true, predicted


def accuracy(targets: ArrayLike, outputs: ArrayLike) -> float:
    """The share of samples whose class is predicted correctly.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N,) labels, or (N, C) scores

    Returns
    -------
    float
        At least 0 and at most 1.

    Raises
    ------
    ValueError, TypeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.accuracy([0, 1, 1, 0], [0, 1, 0, 0])
    0.75
    """
    true, predicted = _pair("accuracy", targets, outputs)
    return float(np.mean(true == predicted))


def balanced_accuracy(targets: ArrayLike, outputs: ArrayLike) -> float:
    """The mean over the classes that occur of the share of their samples that are predicted correctly.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N,) labels, or (N, C) scores

    Returns
    -------
    float
        At least 0 and at most 1.

    Raises
    ------
    ValueError, TypeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0])
    0.5
    """
    table = confusion_matrix(targets, outputs)
    support = table.sum(axis=1)
    return float(np.mean(np.diag(table)[support > 0] / support[support > 0]))


def top_k_accuracy(targets: ArrayLike, outputs: ArrayLike, k: int = 5) -> float:
    """The share of samples whose class is among the `k` largest scores.

    Parameters
    ----------
    targets : (N,) or (N, C)
    outputs : (N, C) scores
    k : int
        At least 1 and at most C.

    Returns
    -------
    float
        At least 0 and at most 1.

    Raises
    ------
    ValueError, TypeError
        If shapes, labels or k do not fit.

    Notes
    -----
    Of equal scores the first counts as the larger, as for `accuracy`, so that the two agree for k = 1.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.top_k_accuracy([2, 0], [[0.5, 0.2, 0.3], [0.1, 0.2, 0.7]], k=2)
    0.5
    """
    scores = np.asarray(outputs)
    if scores.ndim != 2:
        raise ValueError(f"top_k_accuracy: outputs must be scores (N, C), got {scores.shape}")
    true, _ = _pair("top_k_accuracy", targets, scores)
    k = whole("top_k_accuracy", "k", k, at_least=1, at_most=scores.shape[1])
    if true.max() >= scores.shape[1]:
        raise ValueError(f"top_k_accuracy: labels must lie in 0 to {scores.shape[1] - 1}, got {true.max()}")
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.mean((best == true[:, None]).any(axis=1)))


def confusion_matrix(targets: ArrayLike, outputs: ArrayLike, classes: int | None = None) -> NDArray[np.int64]:
    """How many samples of each class (rows) were predicted to be of each class (columns).

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N,) labels, or (N, C) scores
    classes : int, optional
        At least 1. Default: the number of columns of scores or rows, or one more than the largest label.

    Returns
    -------
    (classes, classes) int64

    Raises
    ------
    ValueError, TypeError
        If shapes, dtypes or labels do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    true, predicted = _pair("confusion_matrix", targets, outputs)
    widths = [array.shape[1] for array in (np.asarray(targets), np.asarray(outputs)) if array.ndim == 2]
    largest = int(max(true.max(), predicted.max()))
    given = max([*widths, largest + 1]) if classes is None else classes
    count = whole("confusion_matrix", "classes", given, at_least=1)
    if largest >= count:
        raise ValueError(f"confusion_matrix: labels must lie in 0 to {count - 1}, got {largest}")
    return np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)


@dataclass(frozen=True)
class PerClass:
    """Precision, recall, F1 and support of every class; prints as a table.

    Attributes
    ----------
    precision, recall, f1 : (C,) float64 arrays
        At least 0 and at most 1; 0 where the denominator is 0.
    support : (C,) int64 array
        The number of samples of the class.
    names : tuple of str
        The names of the classes.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]
    names: tuple[str, ...]

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the classes."""
        return float(self.f1.mean())

    def __str__(self) -> str:
        return "\n".join(text_lines(self._cells(), left={0}))

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return html_table(self._cells(), left={0})

    def _cells(self) -> list[list[str]]:
        figures = zip(self.names, self.precision, self.recall, self.f1, self.support, strict=True)
        rows = [[name, *(f"{x:.4f}" for x in shares), str(n)] for name, *shares, n in figures]
        return [["class", "precision", "recall", "f1", "support"], *rows]


def per_class(targets: ArrayLike, outputs: ArrayLike, names: Sequence[str] | None = None) -> PerClass:
    """Precision, recall, F1 and support of every class.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N,) labels, or (N, C) scores
    names : sequence of str, optional
        Names of the classes; default: their numbers.

    Returns
    -------
    PerClass

    Raises
    ------
    ValueError, TypeError
        If shapes, dtypes, labels or the number of names do not fit.

    Notes
    -----
    Precision is the share of the samples predicted to be of the class that are of it; recall is the share of the
    samples of the class that are predicted to be; F1 is the harmonic mean of the two.

    Examples
    --------
    >>> from fastnn import metrics
    >>> print(metrics.per_class([0, 0, 1, 1], [0, 1, 1, 1], names=["cat", "dog"]))
    class  precision  recall      f1  support
    cat       1.0000  0.5000  0.6667        2
    dog       0.6667  1.0000  0.8000        2
    """
    table = confusion_matrix(targets, outputs, None if names is None else len(names))
    right, predicted, support = np.diag(table).astype(np.float64), table.sum(axis=0), table.sum(axis=1)
    precision, recall = right / np.maximum(predicted, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(predicted + support, 1)
    return PerClass(precision, recall, f1, support, tuple(map(str, range(len(table)) if names is None else names)))


def macro_f1(targets: ArrayLike, outputs: ArrayLike) -> float:
    """The mean of F1 over the classes, see `per_class`.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N,) labels, or (N, C) scores

    Returns
    -------
    float
        At least 0 and at most 1.

    Raises
    ------
    ValueError, TypeError
        If shapes, dtypes or labels do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> round(metrics.macro_f1([0, 0, 1, 1], [0, 1, 1, 1]), 4)
    0.7333
    """
    return per_class(targets, outputs).macro_f1
