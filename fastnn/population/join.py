"""One population of several, as parts that were trained in several places make it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.population.members import checked_models
from fastnn.population.population import Population
from fastnn.population.state import Figures


def joined(parts: Sequence[Population]) -> Population:
    """The members of several populations, one part after the other.

    A member has the same bits whatever others there are, so that the parts can be trained on several machines.

    Parameters
    ----------
    parts : sequence of Population
        Of one architecture, with the same statistics of a first `Standardize`.

    Raises
    ------
    ValueError, TypeError
        If they are not, or there is none.

    Examples
    --------
    With Dask, where ``client`` is that of a cluster::

        def part(seeds):
            return fastnn.fit_many(model, x, y, seeds=seeds, progress=False)

        seeds = [range(begin, begin + 500) for begin in range(0, 10_000, 500)]
        population = fastnn.population.joined(client.gather(client.map(part, seeds)))

    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(100, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> parts = [fastnn.fit_many(model, x, y, seeds=seeds, epochs=1, progress=False) for seeds in ([0, 1], [2])]
    >>> fastnn.population.joined(parts).seeds
    [0, 1, 2]
    """
    if not parts or not all(isinstance(part, Population) for part in parts):
        raise TypeError(f"joined: parts: expected populations, at least one, got {parts!r:.80}")
    checked_models([part.model for part in parts], "joined: parts")
    counts = [len(part) for part in parts]
    names = dict.fromkeys(name for part in parts for figures in part.epochs for name in figures)
    epochs: list[Figures] = []
    for i in range(max(len(part.epochs) for part in parts)):
        found = [part.epochs[i] if i < len(part.epochs) else {} for part in parts]
        missing = [np.full(count, np.nan) for count in counts]
        columns = {n: [f.get(n, m) for f, m in zip(found, missing, strict=True)] for n in names}
        epochs.append({name: np.concatenate(column) for name, column in columns.items()})
    first = np.cumsum([0, *counts[:-1]]).tolist()
    failed = {k + begin: step for part, begin in zip(parts, first, strict=True) for k, step in part.failed.items()}
    return Population(
        parts[0].model,
        np.concatenate([part.params for part in parts]),
        [seed for part in parts for seed in part.seeds],
        epochs,
        np.concatenate([part.epochs_done for part in parts]),
        np.concatenate([part.best_epoch for part in parts]),
        failed,
    )
