"""The interface of what runs a model on many samples; `fastnn.program` implements it."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]
Model = Any  # a `Sequential`, which is built upon this interface


class ForwardEngine(Protocol):
    """Runs a model on many samples, a block at a time."""

    def run_forward(self, model: Model, x: Array, kind: str) -> Array:
        """Compute "outputs", "scores" (rows of outputs), "probabilities" (rows) or "classes" (int64), as `kind` says.

        All but "outputs" raise ValueError for a sample whose outputs hold NaN.
        """

    def explain_forward(self, model: Model, x: Array) -> str:
        """Compute the outputs and show the compiled pass."""


class QuickForward(Protocol):
    """Runs a model on samples of one shape and dtype, or returns None to leave it to the engine."""

    def run(self, model: Model, x: Array) -> Array | None:
        """The result of `ForwardEngine.run_forward`."""
