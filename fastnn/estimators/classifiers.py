"""Classifiers, for one class or several labels per sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from fastnn import functional, layers
from fastnn.estimators import parameters
from fastnn.estimators.base import Estimator
from fastnn.estimators.losses import ClassCrossEntropy, LabelsCrossEntropy, PenalisedLoss
from fastnn.estimators.signature import with_parameters_of

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
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"{type(self).__name__}: y has {unknown[0]}, which is not in classes_ {self.classes_}")
        indices = np.searchsorted(self.classes_, y)
        return indices.reshape(-1, 1).astype(np.float64) if self.n_outputs_ == 1 else indices.astype(np.int64)

    def _checked(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, first: bool) -> Any:
        if self.class_weight is not None:
            if isinstance(self.class_weight, dict):
                unknown = [c for c in self.class_weight if c not in np.unique(np.asarray(y))]
                if unknown:
                    raise ValueError(f"{type(self).__name__}: class_weight names {unknown[0]!r}, which y does not have")
            by_class = compute_sample_weight(self.class_weight, y)
            sample_weight = by_class if sample_weight is None else by_class * np.asarray(sample_weight)
        return super()._checked(X, y, sample_weight, first)

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
        sample_weight : (N,) array of float, optional
            Weights of the samples.
        classes : (C,) array
            All classes that will occur in any call; required in the first call.

        Returns
        -------
        Self
            The estimator.

        Raises
        ------
        ValueError
            If `classes` is missing in the first call or differs in a later one, if y has another class, or if the
            parameters do not allow partial fits.
        """
        first = not hasattr(self, "model_")
        if first and classes is None and not type_of_target(np.asarray(y)).startswith("multilabel"):
            raise ValueError("partial_fit: classes: the first call must list all classes")
        self._announced_classes = None if classes is None else unique_labels(classes)
        if not first and classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"partial_fit: classes is {classes!r}, but the first call had {self.classes_}")
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            del self._announced_classes

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return probabilities (N, C), of the classes in the order of ``classes_`` or of each label."""
        scores = self.model_forward(X)
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
        scores = self.model_forward(X)
        if self._multilabel:
            return (scores > 0).astype(np.int64)
        if self.n_outputs_ == 1:
            second = (scores[:, 0] > 0) & (len(self.classes_) == 2)
            return np.asarray(self.classes_[second.astype(int)])
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def model_forward(self, X: ArrayLike) -> Array:
        """Return the raw outputs of the network (N, outputs)."""
        x = self._inputs(X)
        return self.model_.forward(x)

    def score_of(self, targets: Array, outputs: Array, weights: Array | None = None) -> float:
        if self.n_outputs_ > 1 and not self._multilabel:
            return float(np.average(outputs.argmax(axis=1) == targets, weights=weights))
        return float(np.average(np.all((outputs > 0) == targets, axis=1), weights=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@with_parameters_of(Estimator)
class ConvNetClassifier(MLPClassifier):
    """A network of convolutions, max-pools and fully connected layers for the classification of images.

    Parameters
    ----------
    image_shape : (C, H, W), optional
        Shape of the image that a flat row forms, by default 1 × 1 × D. Samples may also be images (N, H, W) or
        (N, C, H, W), which determine the shape.
    conv_layers : sequence of int or pair of int
        For each convolution the number of filters, of 3 × 3, or a pair (filters, size). A convolution preserves height
        and width and is followed by a max-pool.
    pool : int
        Size of the max-pools, 1 for none.
    **parameters
        Those of `MLPClassifier`, which here describe the layers after the convolutions.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.estimators import ConvNetClassifier
    >>> x, y = fastnn.data.glyphs(300, seed=0)
    >>> net = ConvNetClassifier(image_shape=(1, 28, 28), conv_layers=(4,), hidden_layer_sizes=(), tol=0.1)
    >>> net = net.set_params(random_state=0, learning_rate_init=0.02, n_iter_no_change=2).fit(x / 255, y)
    >>> bool(net.score(x / 255, y) > 0.5)
    True
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int] | None = None,
        conv_layers: Sequence[Any] = (32,),
        pool: int = 2,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.image_shape = image_shape
        self.conv_layers = conv_layers
        self.pool = pool

    _fitted_shape: tuple[int, ...] | None = None  # shape of the images passed to `fit`, None for rows

    def _first_layers(self) -> tuple[list[layers.Layer], tuple[int, ...]]:
        given = self._fitted_shape if self.image_shape is None else tuple(self.image_shape)
        shape = given or (1, 1, self.n_features_in_)
        if len(shape) != 3 or int(np.prod(shape)) != self.n_features_in_:
            raise ValueError(
                f"{type(self).__name__}: image_shape must be (C, H, W) with {self.n_features_in_} values, got {shape}"
            )
        stack: list[layers.Layer] = []
        height, width = shape[1:]
        for filters, size in parameters.conv_layers(self):
            stack.append(layers.Conv2D(filters, size, pad="same", bias=not self.batch_norm))
            if self.batch_norm:
                stack.append(layers.BatchNorm())
            stack.append(layers.ReLU())
            rows, columns = min(self.pool, height), min(self.pool, width)
            if (rows, columns) != (1, 1):
                stack.append(layers.MaxPool2D((rows, columns)))
                height, width = height // rows, width // columns
        return [*stack, layers.Flatten()], shape

    def _flat(self, X: Any, first: bool = False) -> Any:
        """Convert images to rows. If `first`, remember their shape."""
        if first:
            self._fitted_shape = None
        array = X if hasattr(X, "toarray") or hasattr(X, "columns") else np.asarray(X)
        if getattr(array, "ndim", 2) in (3, 4):
            shape = tuple(array.shape[1:]) if array.ndim == 4 else (1, *array.shape[1:])
            if self.image_shape is not None and tuple(self.image_shape) != shape:
                raise ValueError(f"{type(self).__name__}: image_shape is {self.image_shape} but X has images {shape}")
            if first:
                self._fitted_shape = shape
            elif self.image_shape is None and self._fitted_shape != shape:
                fitted = f"images {self._fitted_shape}" if self._fitted_shape else "rows"
                raise ValueError(f"{type(self).__name__}: X has images {shape} but was fitted on {fitted}")
            return array.reshape(len(array), -1)
        return X

    def _checked(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, first: bool) -> Any:
        return super()._checked(self._flat(X, first), y, sample_weight, first)

    def _inputs(self, X: ArrayLike) -> Array:
        return super()._inputs(self._flat(X))
