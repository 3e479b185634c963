"""The classifier of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted

from fastnn.data.binary import text_array
from fastnn.functional import log_softmax
from fastnn.losses import SoftmaxCrossEntropy
from fastnn.model.schema import Field, check_fields, is_flag, is_number, is_text, is_whole, list_of, or_none
from fastnn.tabular.base import TableEstimator
from fastnn.tabular.calibration import best_temperature

Array = NDArray[Any]

_STATE = {
    "classes": Field("a list of text and numbers", list_of(lambda one: is_text(one) or is_flag(one) or is_number(one))),
    "dtype": Field("text", is_text),
    "temperature": Field("a number above 0", lambda value: is_number(value) and value > 0),
    "best_epochs": Field("a list of whole numbers", list_of(is_whole)),
    "target": Field("text or null", or_none(is_text), required=False),
}


class TableClassifier(ClassifierMixin, TableEstimator):  # type: ignore[misc]
    """Networks that learn the class of each row of a table, from numbers, categories, dates and what is missing.

    A table is a data frame of pandas, polars or Arrow, or a NumPy array. Numbers are scaled robustly, categories
    become one-hot inputs, dates their parts, and what is missing has an input of its own. The probabilities of the
    members are averaged and calibrated by a temperature, which the rows that members did not see decide.

    Parameters
    ----------
    **parameters
        See `fastnn.tabular.base.TableEstimator`.

    Attributes
    ----------
    classes_ : (C,) array
        The classes in order.
    members_ : list of Sequential
        The networks.
    inputs_ : TableInputs
        How a table becomes their inputs.
    temperature_ : float
        By which scores are divided before the softmax.
    best_epochs_ : list of int
        After how many epochs each member was best.

    Notes
    -----
    Scaling and clipping, and the choice of weight decay and a falling rate: Holzmüller, Grinsztajn & Steinwart, "Better
    by default: strong pre-tuned MLPs and boosted trees on tabular data", 2024. There, columns of more than 8
    categories are embedded, as `category_encoding` does where it is asked to. Temperature: Guo, Pleiss, Sun &
    Weinberger, "On calibration of modern neural networks", 2017.

    Examples
    --------
    >>> from fastnn.tabular import TableClassifier
    >>> table = [[20, "dry"], [22, "wet"], [3, "dry"], [4, "wet"]] * 20
    >>> season = ["summer", "summer", "winter", "winter"] * 20
    >>> net = TableClassifier((16,), n_estimators=2, random_state=0).fit(table, season)
    >>> net.predict([[25, "wet"], [1, "dry"], [2, None]]).tolist()
    ['summer', 'winter', 'winter']
    """

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the networks.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
        y : (N,) array
            Classes.
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
            If a parameter, the table or the classes do not fit.
        ImportError
            If X is a data frame and the package narwhals is missing.
        """
        table = self._table(X, fitting=True)
        labels, weights = self._targets(table, y, sample_weight)
        check_classification_targets(labels)
        self.classes_ = unique_labels(labels)
        indices = np.searchsorted(self.classes_, labels).astype(np.int64)
        scores = self._fit(table, indices, len(self.classes_), SoftmaxCrossEntropy(), labels=indices, weights=weights)
        seen = self._held_out
        self.temperature_ = best_temperature(scores[seen], indices[seen], None if weights is None else weights[seen])
        return self

    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the classes.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
            With the columns of the training.

        Returns
        -------
        (N, C) float64
            In the order of `classes_`.
        """
        return np.asarray(self._probabilities(X).mean(axis=0))

    def _probabilities(self, X: Any) -> Array:
        """Those of each member, (members, N, C)."""
        scores = self._outputs(X) / self.temperature_
        rows = np.exp(log_softmax(scores.reshape(-1, scores.shape[2])))
        return np.asarray(rows.reshape(scores.shape))

    def predict(self, X: Any) -> Array:
        """The class of the highest probability.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
            With the columns of the training.

        Returns
        -------
        (N,) array
        """
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def spread(self, X: Any) -> Array:
        """How far the members disagree: the standard deviation of their probabilities.

        Parameters
        ----------
        X : (N, D) data frame or array, or mapping of D names to (N,) arrays
            With the columns of the training.

        Returns
        -------
        (N, C) float64
        """
        return np.asarray(self._probabilities(X).std(axis=0))

    def state(self) -> dict[str, Any]:
        """What a file keeps besides inputs and members, as JSON holds it."""
        check_is_fitted(self, "classes_")
        return {
            "classes": self.classes_.tolist(),
            "dtype": self.classes_.dtype.str,
            "temperature": self.temperature_,
            "best_epochs": self.best_epochs_,
            "target": self.target_name_,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set what `state` returned.

        Raises
        ------
        ValueError
            If it is something else, or the members tell other classes apart.
        """
        check_fields("state", state, _STATE)
        dtype, classes = np.dtype(state["dtype"]), state["classes"]
        if dtype.kind not in "biufUO":
            raise ValueError(f"state: dtype: expected one of numbers, text or objects, got {dtype}")
        # the length of text is that of the classes, whatever the dtype says of it
        is_text = dtype.kind == "U"
        self.classes_ = text_array([*map(str, classes)], "state: classes") if is_text else np.array(classes, dtype)
        outputs = self.members_[0].output_shape
        if len(set(classes)) < len(classes) or outputs != self.classes_.shape:
            raise ValueError(f"state: expected different classes for members of {outputs} outputs, got {classes!s:.80}")
        self.temperature_, self.best_epochs_ = state["temperature"], state["best_epochs"]
        self.target_name_ = state.get("target")
