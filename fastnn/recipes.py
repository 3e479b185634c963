"""Options of ``fastnn train`` that are known to go well together, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """What a recipe is for, and its options by their names on the command line.

    Parameters
    ----------
    what : str
    options : mapping of str to value
        As in a file of options (`fastnn.cli.run_config`).
    """

    what: str
    options: Mapping[str, Any]


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "mnist-99": Recipe(
            "99 % of MNIST's test images after two passes over the training images",
            MappingProxyType(
                {
                    "data": "mnist",
                    "model": "conv:1x28x28,6x5p0,bn,pool2,relu,12x5p0,bn,pool2,relu,fc64,bn,relu,fc10",
                    "no-standardize": True,
                    "epochs": 2,
                    "batch": 128,
                    "optimizer": "muon",
                    "learning-rate": 0.02,
                    "schedule": "onecycle",
                    "validation": 0,
                }
            ),
        ),
    }
)
