"""The arrays that are given to an estimator: checked, converted, divided into training and validation set."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from fastnn.checks import without_mask
from fastnn.estimators.holdout import hold_out
from fastnn.estimators.weights import sample_weights
from fastnn.frames import check_same_order, names_of
from fastnn.layers import Dense, Layer
from fastnn.model.sparse import SparseRows
from fastnn.trainer.finite import first_bad

Array = NDArray[Any]
Rows = Array | SparseRows
_SPARSE, _DTYPES = ("csr", "csc", "coo"), (np.float64, np.float32)  # the formats and dtypes that X may have
_DENSE_BYTES = 64 << 20  # a sparse matrix that is no larger than this once it is dense is made dense at once


class ArrayEstimator(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What all estimators do with their arrays before and after the training."""

    # --- what the subclasses define ---

    def _first_layers(self) -> tuple[list[Layer], tuple[int, ...]]:
        """Return the layers before the hidden layers, and the shape of a sample."""
        return [], (self.n_features_in_,)

    def _targets(self, y: Array, first: bool) -> Array:
        """Convert y to the targets of the loss. If `first`, also set the attributes that are derived from y."""
        raise NotImplementedError(f"{type(self).__name__}: _targets is missing")

    def _known_targets(self, y: Array) -> Array | None:
        """Convert a y whose shape and dtype have passed `_targets` before; None if that has to say what is wrong."""
        raise NotImplementedError(f"{type(self).__name__}: _known_targets is missing")

    def _one_class_each(self) -> bool:
        """Whether each sample is of one class."""
        return False

    # --- for fitting ---

    def _validated(self, dtype: Any, reset: bool, X: ArrayLike, *y: ArrayLike) -> Any:
        """Return X, or X and y, as scikit-learn's checks convert them. These would drop masks without a word."""
        X, *y_ = (without_mask(type(self).__name__, name, array) for name, array in zip("Xy", (X, *y), strict=False))
        with_y = {"multi_output": True, "y_numeric": not hasattr(self, "predict_proba")} if y else {}
        try:
            return validate_data(self, X, *y_, accept_sparse=_SPARSE, dtype=dtype, reset=reset, **with_y)
        except ValueError as error:
            text = _first_text(X) if "could not convert string" in str(error) else None
            if text is not None:
                raise ValueError(
                    f"{type(self).__name__}: X: expected numbers, got {text!r:.40}; the estimators of fastnn.tabular "
                    "take columns of text"
                ) from None
            bad = first_bad(np.asarray(X)) if re.match("Input X contains (NaN|infinity)", str(error)) else None
            if bad is None:
                raise
            first, *rest = str(error).splitlines()
            names = names_of(X)
            raise ValueError("\n".join([f"{first} The first is {bad.place(names)}.", *rest])) from None

    def _checked(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, first: bool) -> Any:
        """Return samples, targets and weights (None if all are 1), without the samples of weight 0."""
        check_same_order(type(self).__name__, X=X, y=y, sample_weight=sample_weight)
        x, y_ = self._validated(_DTYPES, first, X, y)
        x, targets = as_rows(x), self._targets(y_, first)
        weights = self._weights(y_, sample_weight)
        if weights is None:
            return x, targets, None
        counted = weights > 0
        return x[counted], targets[counted], weights[counted]

    def _weights(self, y: Array, sample_weight: ArrayLike | None) -> Array | None:
        """Return the factor on the loss of each sample, not all of them 0; None if all are 1."""
        return sample_weights(type(self).__name__, sample_weight, len(y))

    def _validation(self, validation: Any, dtype: Any) -> tuple[Rows, Array] | None:
        if validation is None:
            return None
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise TypeError(f"{type(self).__name__}: validation must be a pair (X, y)")
        x, y = self._validated(dtype, False, *validation)
        return as_rows(x), self._targets(y, False)

    def _split(self, targets: Array, fraction: float, random_state: Any) -> tuple[Array, Array]:
        """Return the rows to train on, and those of the share that is held out."""
        labels = targets.reshape(-1) if self._one_class_each() else None
        return hold_out(type(self).__name__, len(targets), fraction, labels, random_state)

    # --- for predicting ---

    def _shaped(self, x: Array) -> Array:
        return x.reshape(len(x), *self._first_layers()[1])

    def _samples(self, x: Rows) -> Any:
        """Return rows in the shape of the network's samples; those of a sparse matrix stay rows."""
        return x if isinstance(x, SparseRows) else self._shaped(x)

    def _inputs(self, X: ArrayLike) -> Any:
        check_is_fitted(self, "estimators_" if hasattr(self, "estimators_") else "model_")
        return self._samples(as_rows(self._validated(_DTYPES, False, X)))

    def transform(self, X: ArrayLike) -> Array:
        """Return what the last hidden layer makes of samples, as features for another estimator.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, real
            Samples.

        Returns
        -------
        (N, units) array
            The inputs of the output layer; the samples themselves if there is no hidden layer. Sizes beyond two axes
            are joined to one.

        Notes
        -----
        They are ``model_.features(X, at=…)``, which gives the outputs of any other layer.
        """
        samples = self._inputs(X)
        x = samples.dense() if isinstance(samples, SparseRows) else samples
        last = max(i for i, layer in enumerate(self.model_.layers) if isinstance(layer, Dense))
        if last == 0:
            return np.asarray(x.reshape(len(x), -1))
        return np.asarray(self.model_.features(x, at=self.model_.layers[last - 1].name).reshape(len(x), -1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _first_text(X: Any) -> str | None:
    """The first text that stands in an array or a table and is no number."""
    for value in np.asarray(X, object).reshape(-1):
        if isinstance(value, str):
            try:
                float(value)
            except ValueError:
                return value
    return None


def as_rows(x: Any) -> Rows:
    """The samples of a checked X: an array, unless it is a sparse matrix that would be large as an array."""
    if not hasattr(x, "toarray"):
        return np.asarray(x)
    rows = SparseRows(x)
    return rows if rows.dense_bytes > _DENSE_BYTES else rows.dense()
