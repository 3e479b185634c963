"""The regressor of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from fastnn.losses import MeanSquaredError, Quantile
from fastnn.model.schema import Field, check_fields, is_number, is_text, is_whole, list_of, or_none
from fastnn.tabular.base import TableEstimator

Array = NDArray[Any]


def _is_range(value: Any) -> bool:
    return list_of(is_number)(value) and len(value) == 2 and value[0] <= value[1]


_STATE = {
    "center": Field("a number", is_number),
    "spread": Field("a number above 0", lambda value: is_number(value) and value > 0),
    "range": Field("two numbers, the smaller one first", _is_range),
    "best_epochs": Field("a list of whole numbers", list_of(is_whole)),
    "target": Field("text or null", or_none(is_text), required=False),
}


class TableRegressor(RegressorMixin, TableEstimator):  # type: ignore[misc]
    """Networks that learn a number of each row of a table, from numbers, categories, dates and what is missing.

    A table is a data frame of pandas, polars or Arrow, or a NumPy array. Numbers are scaled robustly, categories
    become one-hot inputs, dates their parts, and what is missing has an input of its own. Targets are standardised for
    the training, and predictions stay within the range of the targets of the training.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of the hidden layers of a member.
    quantiles : sequence of float, optional
        Levels above 0 and below 1 in rising order, 0.5 among them: the networks learn these quantiles, which do not
        cross, `predict_quantiles` gives them, and `predict` the median. Default: they learn the mean.
    **parameters
        See `fastnn.tabular.base.TableEstimator`.

    Attributes
    ----------
    members_ : list of Sequential
        The networks.
    inputs_ : TableInputs
        How a table becomes their inputs.
    best_epochs_ : list of int
        After how many epochs each member was best.

    Notes
    -----
    Scaling and clipping, and the choice of weight decay and a falling rate: Holzmüller, Grinsztajn & Steinwart, "Better
    by default: strong pre-tuned MLPs and boosted trees on tabular data", 2024. There, columns of more than 8
    categories are embedded, as `category_encoding` does where it is asked to.

    Examples
    --------
    >>> from fastnn.tabular import TableRegressor
    >>> table = [[metres, place] for metres in range(20, 120) for place in ("town", "village")]
    >>> rent = [metres * (20 if place == "town" else 10) for metres, place in table]
    >>> net = TableRegressor((32,), n_estimators=2, random_state=0).fit(table, rent)
    >>> bool(net.score(table, rent) > 0.95)
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        *,
        quantiles: Sequence[float] | None = None,
        n_estimators: int = 5,
        categorical: str | Sequence[str | int] = "auto",
        numeric: str = "auto",
        category_encoding: str = "auto",
        activation: str = "silu",
        dropout: float = 0.0,
        learning_rate_init: float = 0.01,
        alpha: float = 0.01,
        batch_size: int | str = "auto",
        max_iter: int | str = "auto",
        n_iter_no_change: int | str = "auto",
        validation_fraction: float = 0.15,
        random_state: Any = None,
        verbose: bool | str = False,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            n_estimators=n_estimators,
            categorical=categorical,
            numeric=numeric,
            category_encoding=category_encoding,
            activation=activation,
            dropout=dropout,
            learning_rate_init=learning_rate_init,
            alpha=alpha,
            batch_size=batch_size,
            max_iter=max_iter,
            n_iter_no_change=n_iter_no_change,
            validation_fraction=validation_fraction,
            random_state=random_state,
            verbose=verbose,
        )
        self.quantiles = quantiles

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the networks.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
        y : (N,) array
            Numbers.
        sample_weight : (N,) array of float, or float, optional
            Factors on the losses of the rows; those of weight 0 are left out. A row of weight 2 and a row that is
            there twice have one meaning but not one result: batches and the rows held out are drawn from the rows.

        Returns
        -------
        Self
            The estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter, the table or the targets do not fit.
        ImportError
            If X is a data frame and the package narwhals is missing.
        """
        levels = self._levels()
        table = self._table(X, fitting=True)
        given, weights = self._targets(table, y, sample_weight)
        if given.dtype.kind in "OUS":
            wrong = next((k for k, value in enumerate(given.tolist()) if isinstance(value, str | bytes)), None)
            if wrong is not None:
                raise ValueError(
                    f"TableRegressor: y: expected numbers, got {str(given[wrong])!r:.40} in row {wrong}; "
                    "TableClassifier predicts classes"
                )
        targets = check_array(given, ensure_2d=False, dtype=np.float64, input_name="y")
        counted = targets if weights is None else targets[weights > 0]
        self.center_ = float(np.average(targets, weights=weights))
        spread = float(np.sqrt(np.average((targets - self.center_) ** 2, weights=weights)))
        self.spread_ = spread if spread > 0 and np.isfinite(spread) else 1.0
        self.range_ = float(counted.min()), float(counted.max())
        scaled = (targets - self.center_) / self.spread_
        loss = MeanSquaredError() if levels is None else Quantile(levels)
        self._fit(table, scaled, len(levels or [0]), loss, weights=weights, rising=levels is not None)
        return self

    def _levels(self) -> list[float] | None:
        """The levels of the quantiles, checked."""
        if self.quantiles is None:
            return None
        if not isinstance(self.quantiles, Iterable) or isinstance(self.quantiles, str):
            raise TypeError(
                f"TableRegressor: quantiles: expected numbers in a list, as [0.1, 0.5, 0.9], got {self.quantiles!r}"
            )
        levels = Quantile(list(self.quantiles)).levels
        assert isinstance(levels, list)
        if 0.5 not in levels:
            raise ValueError(f"TableRegressor: quantiles: expected 0.5 among them, got {levels}")
        return levels

    def _numbers(self, X: Any) -> Array:
        """The outputs of each member in the unit of the targets, (members, N, outputs)."""
        return np.clip(self._outputs(X) * self.spread_ + self.center_, *self.range_)

    def predict(self, X: Any) -> Array:
        """The number of each row: the mean of the members, or of their medians.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
            With the columns of the training.

        Returns
        -------
        (N,) float64
        """
        levels = self._levels()
        return np.asarray(self._numbers(X)[:, :, 0 if levels is None else levels.index(0.5)].mean(axis=0))

    def predict_quantiles(self, X: Any) -> Array:
        """The quantiles of each row, in rising order.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
            With the columns of the training.

        Returns
        -------
        (N, levels) float64

        Raises
        ------
        ValueError
            If the estimator was made without `quantiles`.
        """
        if self.quantiles is None:
            raise ValueError("TableRegressor: predict_quantiles: expected an estimator with quantiles=[…], got none")
        return np.asarray(self._numbers(X).mean(axis=0))

    def spread(self, X: Any) -> Array:
        """How far the members disagree: the standard deviation of their predictions, in the unit of the targets.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
            With the columns of the training.

        Returns
        -------
        (N,) float64
        """
        levels = self._levels()
        return np.asarray(self._numbers(X)[:, :, 0 if levels is None else levels.index(0.5)].std(axis=0))

    def state(self) -> dict[str, Any]:
        """What a file keeps besides inputs and members, as JSON holds it."""
        return {
            "center": self.center_,
            "spread": self.spread_,
            "range": list(self.range_),
            "best_epochs": self.best_epochs_,
            "target": self.target_name_,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set what `state` returned.

        Raises
        ------
        ValueError
            If it is something else, or the members have other outputs.
        """
        check_fields("state", state, _STATE)
        outputs = (len(self._levels() or [0]),)
        if self.members_[0].output_shape != outputs:
            raise ValueError(f"state: expected members of {outputs} outputs, got {self.members_[0].output_shape}")
        self.center_, self.spread_, self.range_ = state["center"], state["spread"], tuple(state["range"])
        self.best_epochs_, self.target_name_ = state["best_epochs"], state.get("target")
