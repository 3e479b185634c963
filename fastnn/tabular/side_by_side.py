"""Members of an ensemble that are trained side by side, where that is faster than one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.model.sequential import Sequential
from fastnn.optim import AdamW
from fastnn.population import fit_many
from fastnn.schedules import Cosine
from fastnn.tabular.members import Fold, Member, Recipe, Rows, train
from fastnn.trainer import EarlyStopping

Array = NDArray[Any]
FEW_MEMBERS, MANY_MEMBERS = 4, 16  # for small networks, and for all
SMALL_NETWORK = 32  # hidden units


def together(recipe: Recipe, rows: Rows, members: int) -> bool:
    """Whether members are trained side by side: where that can be, and is faster than one after the other.

    A vector has the same weight of 16 members, so that few members leave most of it empty; a step of a small network
    is so short that calling it takes most of its time, which many members share.

    Parameters
    ----------
    recipe : Recipe
    rows : Rows
    members : int
        Of the ensemble.
    """
    can = rows.weights is None and not rows.rising
    small = sum(recipe.hidden) <= SMALL_NETWORK and members >= FEW_MEMBERS
    return can and (small or members >= MANY_MEMBERS)


def train_many(
    recipe: Recipe,
    networks: Sequence[Sequential],
    x: Array,
    rows: Rows,
    folds: Sequence[Fold],
    seeds: Sequence[int],
) -> list[Member]:
    """Train members side by side, as `train` does one after the other.

    Parameters
    ----------
    recipe : Recipe
    networks : sequence of Sequential
        With their first weights.
    x : (N, D) float32
    rows : Rows
        Without weights.
    folds : sequence of pairs of index arrays
        Of each, the rows to train on are all but those that stop it.
    seeds : sequence of int
    """
    length = len(folds[0][0])
    epochs = recipe.epochs_of(length)
    targets = rows.targets if rows.loss.classifies or rows.targets.ndim > 1 else rows.targets[:, None]
    found = fit_many(
        networks,
        x,
        targets,
        seeds=seeds,
        rows=[own for own, _ in folds],
        validation="rest",
        optimizer=AdamW(recipe.rate, weight_decay=recipe.decay),
        loss=rows.loss,
        schedule=Cosine(epochs),
        batch_size=recipe.batch_of(length),
        epochs=epochs,
        callbacks=[EarlyStopping(patience=recipe.patience or -(-epochs // 3))],
        progress=False,
        on_nonfinite="ignore",
    )
    losses = found.column("val_loss")
    members = []
    for k, network in enumerate(networks):
        best = int(found.best_epoch[k])
        if not best or not np.isfinite(losses[best - 1, k]):  # which says at which step and why
            members.append(train(recipe, network, x, rows, folds[k], seeds[k]))
        else:
            members.append(Member(found[k], float(losses[best - 1, k]), best, found.histories[k]))
    return members
