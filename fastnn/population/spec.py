"""The specification of the training of a population: everything that is decided before its first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.lazy import lazy_attribute
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer
from fastnn.population.losses import LossTerms
from fastnn.population.rules import NoRule, Rule
from fastnn.population.stages import Stage
from fastnn.schedules import Schedule
from fastnn.trainer.description import fingerprint
from fastnn.trainer.spec import Shuffle

Array = NDArray[Any]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Members:
    """What is each member's own.

    Parameters
    ----------
    params : (K, P) of the model's dtype
        First values of the parameters.
    seeds : list of K int
        Of the order of samples and of dropout.
    rates, decays, l2 : (K,) float64
        Learning rates; weight decays of the optimiser; λ of the loss's term λ Σ w² / (2 n) in a step of n samples.
    rows, held_out : list of K int64 arrays
        The samples to train on and those to validate with; None for the latter if there is no validation.
    """

    params: Array
    seeds: list[int]
    rates: NDArray[np.float64]
    decays: NDArray[np.float64]
    l2: NDArray[np.float64]
    rows: list[Index]
    held_out: list[Index] | None = None

    def __len__(self) -> int:
        return len(self.params)


@dataclass(frozen=True)
class PopulationSpec:
    """What the training of a population does.

    Parameters
    ----------
    model : Sequential
        The architecture; its parameters count for nothing.
    stages : list of Stage
    optimizer : Optimizer
        Its rule and coefficients; rates and decays are the members'.
    loss : Loss
    terms : LossTerms
    inputs : (R, D) of the model's dtype, scaled
    targets : (R, 1) int64 labels, or (R, C) of the model's dtype
    members : Members
    epochs, batch_size : int
    shuffle : bool or "batches"
    order_seed : int or None
        The seed of an order of samples that all members share.
    schedule : Schedule
    rule : Rule
        Which members stop early, and which parameters they keep.
    ignore_nonfinite : bool
    progress : bool, optional
    print_every : int, optional
    fixed_step : int
        The number of every step for the update; 0: they are counted.
    configuration : mapping of str to JSON value
        The arguments of `fit_many`, as a checkpoint describes them.

    Attributes
    ----------
    validation : list of K int64 arrays or None
        The samples to validate with, if there are any.
    figures : list of str
        The names of what is measured in an epoch.
    data : dict of str to dict
        Fingerprints of all arrays that the training reads, by name; computed when they are first needed.
    """

    model: Sequential
    stages: list[Stage]
    optimizer: Optimizer
    loss: Loss
    terms: LossTerms
    inputs: Array
    targets: Array
    members: Members
    epochs: int
    batch_size: int
    shuffle: Shuffle
    order_seed: int | None
    schedule: Schedule
    rule: Rule = field(default_factory=NoRule)
    ignore_nonfinite: bool = False
    progress: bool | None = None
    print_every: int | None = None
    fixed_step: int = 0
    configuration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def validation(self) -> list[Index] | None:
        return self.members.held_out

    @property
    def figures(self) -> list[str]:
        return figure_names(self.loss, self.validation is not None)

    @lazy_attribute
    def data(self) -> dict[str, Any]:
        members = self.members
        arrays = {
            "inputs": self.inputs,
            "targets": self.targets,
            "seeds": np.array(members.seeds, np.uint64),
            "learning_rates": members.rates,
            "weight_decays": members.decays,
            **_joined("rows", members.rows),
            **_joined("validation rows", members.held_out or []),
        }
        return {name: fingerprint(array) for name, array in arrays.items()}


def figure_names(loss: Loss, validated: bool) -> list[str]:
    """What is measured in an epoch."""
    names = ["loss", *["accuracy"] * loss.classifies]
    return [*names, *(f"val_{name}" for name in names)] if validated else names


def _joined(name: str, rows: list[Index]) -> dict[str, Index]:
    """The rows of all members, one after the other, and how many each has; nothing for no members."""
    if not rows:
        return {}
    return {name: np.concatenate(rows), f"numbers of {name}": np.array([len(of) for of in rows])}
