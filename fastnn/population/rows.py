"""Which samples each member of a population is trained on and validated with."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.population.samples import Samples
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.preparation import held_out_rows

Index = NDArray[np.int64]


def training_rows(rows: Sequence[ArrayLike] | None, count: int, samples: Samples) -> list[Index]:
    """The rows of the samples of each of `count` members.

    Raises
    ------
    ValueError, TypeError
        If an entry is no array of numbers of samples, or is empty.
    """
    every = np.arange(samples.count)
    chosen = [every] * count if rows is None else [_numbers(k, of, samples.count) for k, of in enumerate(rows)]
    if samples.of_each is None:
        return chosen
    return [of + k * samples.count for k, of in enumerate(chosen)]


def _numbers(k: int, rows: ArrayLike, count: int) -> Index:
    if isinstance(rows, tuple) and len(rows) == 2 and not any(np.ndim(part) == 0 for part in rows):
        raise TypeError(
            f"fit_many: rows[{k}]: expected the numbers of its samples, got a pair of arrays; of splits that is "
            "[train for train, test in splits], and validation='rest' takes the others"
        )
    found = np.asarray(rows)
    if found.dtype == bool and found.shape == (count,):
        found = np.flatnonzero(found)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(
            f"fit_many: rows[{k}]: expected numbers of samples, or a mask ({count},) of bool, got {found.dtype} "
            f"{found.shape}"
        )
    if not len(found):
        raise ValueError(f"fit_many: rows[{k}]: expected at least one sample, got none")
    if found.min() < 0 or found.max() >= count:
        raise ValueError(
            f"fit_many: rows[{k}]: expected numbers from 0 to {count - 1}, got {found.min()} to {found.max()}"
        )
    return found.astype(np.int64)


def validation_rows(
    validation: Any,
    rows: list[Index],
    samples: Samples,
    trainer: BaseTrainer,
    seeds: list[int],
) -> tuple[list[Index], list[Index] | None, Samples]:
    """The rows that are left for training, those to validate with (None: no validation), and all samples.

    Raises
    ------
    ValueError, TypeError
        If there is nothing to validate with, or the argument is something else.
    """
    if validation is None:
        return rows, None, samples
    if isinstance(validation, str) and validation == "rest":
        return rows, [_rest(k, of, samples) for k, of in enumerate(rows)], samples
    if isinstance(validation, numbers.Real) and not isinstance(validation, bool):
        return *_shares(float(validation), rows, samples, trainer, seeds), samples
    if isinstance(validation, tuple | list) and len(validation) == 2:
        both = samples.with_validation(trainer.model, trainer.loss, *validation)
        last = np.arange(len(samples.inputs), len(both.inputs))
        return rows, [last] * len(rows), both
    raise TypeError(
        "fit_many: validation: expected a pair (x, y), 'rest' or a share of the samples, got "
        f"{type(validation).__name__}"
    )


def _rest(k: int, rows: Index, samples: Samples) -> Index:
    begin = 0 if samples.of_each is None else k * samples.count
    left = np.ones(samples.count, bool)
    left[rows - begin] = False
    if not left.any():
        raise ValueError(
            f"fit_many: validation: member {k} is trained on all samples, so none is left to validate with"
        )
    return np.flatnonzero(left) + begin


def _shares(
    share: float, rows: list[Index], samples: Samples, trainer: BaseTrainer, seeds: list[int]
) -> tuple[list[Index], list[Index]]:
    """Parts of each member's rows, drawn with its seed."""
    kept: list[Index] = []
    held_out: list[Index] = []
    known: dict[int, tuple[Index, Index]] = {}
    for of, seed in zip(rows, seeds, strict=True):
        key = seed if samples.of_each is None else len(kept)
        if key not in known:
            parts = held_out_rows(samples.labels_or_targets[of], share, seed, trainer.loss.task)
            known[key] = of[parts[0]], of[parts[1]]
        kept.append(known[key][0])
        held_out.append(known[key][1])
    return kept, held_out
