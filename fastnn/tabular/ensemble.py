"""The members that are trained on one way of encoding a table, as many at a time as there are threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from fastnn.population.share import Stopped, share_out
from fastnn.tabular.inputs import TableInputs
from fastnn.tabular.members import Fold, Member, Recipe, Rows, train

Array = NDArray[Any]
TRIALS = 2  # members that are trained for each encoding of numbers, to choose one


class Trained:
    """The members that were trained on the inputs that a table has by one way of encoding it.

    Parameters
    ----------
    inputs : TableInputs
    x : (N, D) float32 array
    """

    def __init__(self, inputs: TableInputs, x: Array) -> None:
        self.inputs, self.x = inputs, x
        self.members: list[Member] = []

    @classmethod
    def on(cls, inputs: TableInputs, table: Any, function: str) -> Trained:
        """Of a table, before any member; `function` begins the message of an error."""
        return cls(inputs, inputs.encode(function, table))

    @property
    def loss(self) -> float:
        """The mean loss of the members on the rows that they hold out."""
        return sum(member.loss for member in self.members) / len(self.members)

    def train(
        self,
        recipe: Recipe,
        rows: Rows,
        folds: Sequence[Fold],
        seeds: Sequence[int],
        say: Callable[[int, Member], None],
    ) -> bool:
        """Train a member for each fold that has none yet; return whether Ctrl-C ended that.

        Parameters
        ----------
        recipe : Recipe
        rows : Rows
        folds : sequence of pairs of index arrays
        seeds : sequence of int
            One for each fold at least.
        say : callable
            Is told the number of each member that was trained, and the member.
        """
        first = len(self.members)
        found: dict[int, Member] = {}
        told = Lock()

        def train_one(place: int, worker: int, stopped: Stopped) -> None:
            k = first + place
            network = recipe.network(self.inputs, rows.outputs, seeds[k], rows.rising)
            member = train(recipe, network, self.x, rows, folds[k], seeds[k], stopped)
            if member is not None:
                with told:
                    found[k] = member
                    say(k, member)

        try:
            share_out(train_one, len(folds) - first)
        except KeyboardInterrupt:
            return True
        finally:
            self.members += [found[k] for k in sorted(found)]
        return False
