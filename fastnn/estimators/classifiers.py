"""Classifiers, for one class or several labels per sample."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from fastnn import functional
from fastnn.estimators import parameters
from fastnn.estimators.base import Estimator
from fastnn.estimators.losses import ClassCrossEntropy, LabelsCrossEntropy, PenalisedLoss
from fastnn.estimators.weights import check_class_weight, sample_weights, weights_by_class
from fastnn.model.outputs import refuse_nan

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A fully connected network for classification, or for several labels per sample if y is a matrix of 0 and 1.

    Parameters
    ----------
    **parameters
        Those of `sklearn.neural_network.MLPClassifier`, with their meaning there, and ``dropout``, ``batch_norm`` and
        ``class_weight``, see
        `fastnn.estimators.base.Estimator`.

    Attributes
    ----------
    classes_ : (C,) array
        The classes in order, or the indices of the labels.
    loss_curve_ : list of float
        Mean loss in nats of the steps of each epoch, with the L2 term, see `fastnn.estimators`.
    validation_curve_ : list of float
        Mean loss in nats on the validation set after each epoch, without the L2 term.
    validation_scores_ : list of float or None
        Accuracy on the validation set after each epoch, with ``early_stopping``.
    coefs_, intercepts_ : list of array
        Weights (inputs, units) and biases (units,) of the dense layers.
    model_ : Sequential
        The network. ``model_.save(path)`` writes it to a file that can be loaded without scikit-learn.

    Examples
    --------
    >>> from fastnn.estimators import MLPClassifier
    >>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["same", "other", "other", "same"]
    >>> MLPClassifier((8,), solver="lbfgs", random_state=1).fit(x, y).predict([[1, 0], [0, 0]]).tolist()
    ['other', 'same']
    """

    def _loss(self, alpha: float) -> PenalisedLoss:
        return ClassCrossEntropy(alpha) if self.out_activation_ == "softmax" else LabelsCrossEntropy(alpha)

    def _targets(self, y: Array, first: bool) -> Array:
        check_classification_targets(y)
        y = np.asarray(y)
        multilabel = type_of_target(y).startswith("multilabel")
        if not multilabel and y.ndim == 2:
            y = column_or_1d(y, warn=True) if y.shape[1] == 1 else y
        if y.ndim == 2 and not multilabel:
            raise ValueError(f"{type(self).__name__}: y must be labels (N,) or zeros and ones (N, K), got {y.shape}")
        if first:
            self._multilabel = multilabel
            known: Array | None = np.arange(y.shape[1]) if multilabel else getattr(self, "_announced_classes", None)
            self.classes_: Array = unique_labels(y) if known is None else known
            binary = not multilabel and len(self.classes_) <= 2
            self.n_outputs_ = 1 if binary else len(self.classes_)
            self.out_activation_ = "softmax" if not (binary or multilabel) else "logistic"
        if self._multilabel:
            if y.ndim != 2 or y.shape[1] != self.n_outputs_:
                raise ValueError(f"{type(self).__name__}: y must have {self.n_outputs_} columns, got shape {y.shape}")
            return y.astype(np.float64)
        if y.ndim == 2:
            raise ValueError(f"{type(self).__name__}: y must be labels (N,), as in the first fit, got shape {y.shape}")
        indices = np.searchsorted(self.classes_, y)
        if not self._are_of(indices, y):
            unknown = np.setdiff1d(y, self.classes_)
            raise ValueError(f"{type(self).__name__}: y has {unknown[0]}, which is not in classes_ {self.classes_}")
        return self._targets_of(indices)

    def _are_of(self, indices: Array, y: Array) -> bool:
        """Whether the classes of these indices are the given ones."""
        return bool((self.classes_.take(indices, mode="clip") == y).all())

    def _targets_of(self, indices: Array) -> Array:
        return indices.reshape(-1, 1).astype(np.float64) if self.n_outputs_ == 1 else indices.astype(np.int64)

    def _known_targets(self, y: Array) -> Array | None:
        if self._multilabel:
            return y.astype(np.float64) if bool(((y == 0) | (y == 1)).all()) else None
        indices = self.classes_.searchsorted(y)
        return self._targets_of(indices) if y.ndim == 1 and self._are_of(indices, y) else None

    def _one_class_each(self) -> bool:
        return not self._multilabel

    def _check_same_classes(self, y: ArrayLike) -> None:
        found = np.unique(np.asarray(y))
        if self._one_class_each() and len(found) != len(self.classes_):
            raise ValueError(
                f"{type(self).__name__}: warm_start: expected the classes of the last fit, {self.classes_}, got {found}"
            )

    def _weights(self, y: Array, sample_weight: ArrayLike | None) -> Array | None:
        owner = type(self).__name__
        weights, class_weight = super()._weights(y, sample_weight), check_class_weight(owner, self.class_weight)
        if class_weight is None:
            return weights
        if self._multilabel:
            raise ValueError(f"{owner}: class_weight: expected None for several labels a sample; use sample_weight")
        of_classes = weights_by_class(owner, class_weight, y.reshape(-1), self.classes_)
        with np.errstate(all="ignore"):
            products = of_classes if weights is None else weights * of_classes
        return sample_weights(owner, products, len(y))

    @available_if(parameters.in_batches)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one pass over some samples, continuing after the last call.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, real
            Samples.
        y : (N,) or (N, K) array
            Classes, or a matrix of zeros and ones for several labels per sample.
        sample_weight : (N,) array of float, or float, optional
            Weights of the samples, finite and at least 0.
        classes : (C,) array
            All classes that will occur in any call; required in the first call. A call need not have samples of each.

        Returns
        -------
        Self
            The estimator.

        Raises
        ------
        ValueError
            If `classes` is missing in the first call or differs in a later one, if y has another class, or if the
            parameters do not allow partial fits: `early_stopping` and balanced classes need all samples at once.
        NonFiniteLossError
            If the training diverges. It is a ValueError as well.
        AttributeError
            If the solver is "lbfgs": the estimator then has no `partial_fit`.
        """
        first = not hasattr(self, "model_")
        if first and classes is None and not type_of_target(np.asarray(y)).startswith("multilabel"):
            raise ValueError("partial_fit: classes: the first call must list all classes")
        announced: Array | None = None if classes is None else np.asarray(classes)
        if announced is not None and (first or not np.array_equal(self.classes_, announced)):
            announced = unique_labels(announced)
            if not first and not np.array_equal(self.classes_, announced):
                raise ValueError(f"partial_fit: classes is {classes!r}, but the first call had {self.classes_}")
        self._announced_classes = announced
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            del self._announced_classes

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return probabilities (N, C), of the classes in the order of ``classes_`` or of each label."""
        if self.n_members:
            return self._mean_of_members(X, "predict_proba")
        scores = self._scores(X)
        if self.out_activation_ == "softmax":
            return functional.softmax_forward(scores)[0]
        p: Array = functional.sigmoid_forward(scores)[0]
        if self._multilabel:
            return p
        return np.hstack([1 - p, p]) if len(self.classes_) == 2 else np.ones_like(p)

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Return the logarithms (N, C) of the probabilities, in nats."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> Array:
        """Return the predicted classes (N,), or labels (N, K) of zeros and ones, int64."""
        if self.n_members:
            chances = self.predict_proba(X)
            if self._multilabel:
                return (chances > 0.5).astype(np.int64)
            return np.asarray(self.classes_[chances.argmax(axis=1)])
        scores = self._scores(X)
        if self._multilabel:
            return (scores > 0).astype(np.int64)
        if self.n_outputs_ == 1:
            second = (scores[:, 0] > 0) & (len(self.classes_) == 2)
            return np.asarray(self.classes_[second.astype(int)])
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy, or for several labels the share of samples whose labels are all right.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, real
            Samples.
        y : (N,) or (N, K) array
            Their classes, or labels.
        sample_weight : (N,) array of float, or float, optional
            Weights of the samples, finite and at least 0.

        Returns
        -------
        float
            At least 0 and at most 1.

        Raises
        ------
        ValueError, TypeError
            If an array does not fit.
        """
        if sample_weight is None and type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "iu":
            found = self.predict(X)  # whole numbers need none of the checks of `accuracy_score`, which take longer
            if found.shape == y.shape and found.dtype.kind in "iu":
                return float(np.mean(found == y))
        return float(super().score(X, y, sample_weights(type(self).__name__, sample_weight, len(np.asarray(y)))))

    def _scores(self, X: ArrayLike) -> Array:
        """Return the raw outputs, from which a class can be told."""
        x = self._inputs(X)
        scores: Array = self.model_.forward(x)
        refuse_nan(type(self).__name__, "X", self.model_, x, np.isnan(scores).any(axis=1))
        return scores

    def score_of(self, targets: Array, outputs: Array, weights: Array | None = None) -> float:
        if self.n_outputs_ > 1 and not self._multilabel:
            right = outputs.argmax(axis=1) == targets
        else:
            right = np.all((outputs > 0) == targets, axis=1)
        return float(np.average(right, weights=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
