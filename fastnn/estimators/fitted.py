"""What all estimators do around a training: threads, errors, and the attributes that are set after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import layers
from fastnn.estimators.arrays import ArrayEstimator
from fastnn.estimators.signature import parameter_names
from fastnn.estimators.workers import share_of_threads
from fastnn.model.sequential import Sequential
from fastnn.trainer import NonFiniteLossError


class FittedEstimator(ArrayEstimator):
    """An estimator that has, or will have, a network.

    Attributes
    ----------
    model_ : Sequential
    loss_ : float
    """

    model_: Sequential
    loss_: float
    estimators_: list[Any]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool
            Whether the parameters of estimators among the values are included.
        """
        found = {name: getattr(self, name) for name in parameter_names(self.__class__)}
        if deep and any(hasattr(value, "get_params") for value in found.values()):
            found = super().get_params(deep=True)
        return found  # scikit-learn reads the signature anew in each of many calls

    @contextmanager
    def _trains(self) -> Iterator[None]:
        """A context for training: its share of the threads, and the errors in the name of the estimator."""
        try:
            with share_of_threads(), np.errstate(all="ignore"):
                yield
        except NonFiniteLossError as error:
            raise NonFiniteLossError(f"{type(self).__name__}: {error.explanation}") from None

    def __getstate__(self) -> Any:
        """What copies and pickles have: all but what is kept for further calls."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_passes"}

    @property
    def n_members(self) -> int:
        """How many networks an ensemble has; 0 for a single one."""
        return len(getattr(self, "estimators_", ()))

    def _mean_of_members(self, X: Any, method: str) -> NDArray[Any]:
        """The mean of what a method of each network of an ensemble gives."""
        return np.asarray(np.mean([getattr(member, method)(X) for member in self.estimators_], axis=0))

    def _check_finite(self) -> None:
        """Refuse a network that has diverged in its last step."""
        if not (np.isfinite(self.loss_) and np.isfinite(self.model_.params).all()):
            raise NonFiniteLossError(
                f"{type(self).__name__}: the training has diverged: its loss ended at {self.loss_:g}, and "
                f"{np.count_nonzero(~np.isfinite(self.model_.params))} parameters are not finite. Likely cause: X, y, "
                "alpha or learning_rate_init is too large; scale X to a standard deviation of 1."
            )

    def _set_fitted_attributes(self) -> None:
        """Set the attributes that scikit-learn's networks have after `fit`."""
        dense = [layer for layer in self.model_.layers if isinstance(layer, layers.Dense)]
        self.coefs_ = [layer.w.value for layer in dense]
        self.intercepts_ = [np.zeros(d.units, d.w.value.dtype) if d.b is None else d.b.value for d in dense]
        self.n_layers_ = len(dense) + 1
