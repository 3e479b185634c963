"""The interface of what runs a model on many samples; `fastnn.program` implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastnn.model.sequential import Sequential

Array = NDArray[Any]


class ForwardEngine(Protocol):
    """Runs a model on many samples, a block at a time."""

    def __call__(self, model: Sequential, x: Array, kind: str) -> Array:
        """Compute "outputs", "scores" (rows of outputs), "probabilities" (rows) or "classes" (int64), as `kind` says.

        All but "outputs" raise ValueError for a sample whose outputs hold NaN.
        """


class QuickForward(Protocol):
    """Runs a model on samples of one shape and dtype, or returns None to leave it to the engine."""

    def __call__(self, model: Sequential, x: Array) -> Array | None: ...
