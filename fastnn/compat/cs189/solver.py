"""The training loop of the hand-out."""

from fastnn.compat.cs231n import solver

__all__ = ["Solver"]


class Solver(solver.Solver):
    """A `fastnn.compat.cs231n.solver.Solver` that measures the accuracies once more, before training."""

    measures_at_start = True
