"""The members that are trained on one way of encoding a table, one after the other or side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from fastnn.tabular.inputs import TableInputs
from fastnn.tabular.members import Fold, Member, Recipe, Rows, train
from fastnn.tabular.side_by_side import together, train_many

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
        if not self.inputs.codes and together(recipe, rows, len(folds)) and len(self.members) < len(folds) > TRIALS:
            return self._train_together(recipe, rows, folds, seeds, say)
        for k in range(len(self.members), len(folds)):
            network = recipe.network(self.inputs, rows.outputs, seeds[k], rows.rising)
            try:
                member = train(recipe, network, self.x, rows, folds[k], seeds[k])
            except KeyboardInterrupt:
                return True
            self.members.append(member)
            say(k, member)
        return False

    def _train_together(
        self,
        recipe: Recipe,
        rows: Rows,
        folds: Sequence[Fold],
        seeds: Sequence[int],
        say: Callable[[int, Member], None],
    ) -> bool:
        """As `train`, all members that are left side by side."""
        first = len(self.members)
        left = range(first, len(folds))
        networks = [recipe.network(self.inputs, rows.outputs, seeds[k]) for k in left]
        try:
            members = train_many(recipe, networks, self.x, rows, folds[first:], seeds[first : len(folds)])
        except KeyboardInterrupt:
            return True
        for k, member in zip(left, members, strict=True):
            self.members.append(member)
            say(k, member)
        return False
