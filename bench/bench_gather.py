"""Gathering a batch of rows from a data set of 60,000."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Timed = Callable[..., None]

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


@pytest.mark.parametrize("batch", [8, 128, 1000])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_rows(timed: Timed, dtype: str, batch: int) -> None:
    rng = np.random.default_rng(0)
    source = rng.integers(0, 256, (60_000, 784), dtype=np.uint8).astype(dtype)
    rows = rng.integers(0, len(source), batch)
    out = np.empty((batch, 784), dtype=np.float32)
    traffic = batch * 784 * (source.itemsize + out.itemsize)
    timed("gather_rows", f"{dtype} {batch}x784", source, rows, out, 1 / 255, traffic=traffic)


@pytest.mark.parametrize("batch", [8, 1000])
def test_labels(timed: Timed, batch: int) -> None:
    rng = np.random.default_rng(0)
    labels, rows = rng.integers(0, 10, 60_000), rng.integers(0, 60_000, batch)
    timed("gather_labels", str(batch), labels, rows, np.empty(batch, dtype=np.int64))
