"""The estimator for regression."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from fastnn.checks import choice
from fastnn.estimators import parameters
from fastnn.estimators.base import Estimator, Hidden
from fastnn.estimators.holdout import LEAST
from fastnn.estimators.losses import HalfSquaredError, PenalisedLoss, SummedPoissonDeviance
from fastnn.estimators.signature import with_parameters_of
from fastnn.estimators.weights import sample_weights
from fastnn.metrics.regression import r_squared

Array = NDArray[Any]
_LOSSES = ("squared_error", "poisson")


@with_parameters_of(Estimator)
class MLPRegressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A fully connected network for regression, trained on the squared error or on the Poisson deviance.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
        What is minimised: half the squared error, or half the Poisson deviance of targets of at least 0, whose
        predicted mean is the exponential of the network's output.
    **parameters
        Those of `sklearn.neural_network.MLPRegressor`, with their meaning there, and ``dropout`` and ``batch_norm``,
        see `fastnn.estimators.base.Estimator`. ``class_weight`` must be None.

    Attributes
    ----------
    loss_curve_ : list of float
        Mean loss of the steps of each epoch, with the L2 term, see `fastnn.estimators`.
    validation_curve_ : list of float
        Mean loss on the validation set after each epoch, without the L2 term.
    validation_scores_ : list of float or None
        R² on the validation set after each epoch, with ``early_stopping``.
    coefs_, intercepts_ : list of array
        Weights (inputs, units) and biases (units,) of the dense layers.
    model_ : Sequential
        The network. ``model_.save(path)`` writes it to a file that can be loaded without scikit-learn. With "poisson"
        its outputs are the logarithms of the predicted means.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.estimators import MLPRegressor
    >>> x = np.linspace(-2, 2, 60).reshape(-1, 1)
    >>> net = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", random_state=0, max_iter=500).fit(x, x[:, 0] ** 2)
    >>> bool(net.score(x, x[:, 0] ** 2) > 0.99)
    True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Hidden = (100,),
        activation: str = "relu",
        **rest: Any,
    ) -> None:
        super().__init__(hidden_layer_sizes, activation, **rest)
        self.loss = loss

    def _loss(self, alpha: float) -> PenalisedLoss:
        if self.loss == "poisson":
            return SummedPoissonDeviance(alpha)
        # the search of lbfgs needs a value that belongs to the gradient
        return HalfSquaredError(alpha, mean=self.solver != "lbfgs")

    def _targets(self, y: Array, first: bool) -> Array:
        owner = type(self).__name__
        if y.dtype.kind in "US":
            text = str(y.reshape(-1)[0])
            raise ValueError(f"{owner}: y: expected numbers, got {text!r:.40}; MLPClassifier predicts classes")
        y = np.asarray(y, np.float64)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        if first:
            if not isinstance(self.loss, str):  # elsewhere the first argument is the layers
                hint = "; the layers go by name, hidden_layer_sizes=(100,)"
                raise ValueError(
                    f"{owner}: loss: expected {' or '.join(map(repr, _LOSSES))}, got {self.loss!r:.80}{hint}"
                )
            choice(owner, "loss", self.loss, _LOSSES)
            if self.class_weight is not None:
                raise ValueError(f"{owner}: class_weight needs classes; use sample_weight")
            self._flat_targets = y.ndim == 1
            self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
            self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        columns = 1 if y.ndim == 1 else y.shape[1]
        if columns != self.n_outputs_:
            raise ValueError(f"{type(self).__name__}: y must have {self.n_outputs_} columns, got shape {y.shape}")
        if self.out_activation_ == "exp" and y.size and y.min() < 0:
            raise ValueError(f"{type(self).__name__}: y: expected numbers of at least 0 for poisson, got {y.min():g}")
        return y.reshape(len(y), -1)

    def _known_targets(self, y: Array) -> Array | None:
        targets = y.astype(np.float64).reshape(len(y), -1)
        least = 0 if self.out_activation_ == "exp" else -np.inf
        return targets if bool((targets >= least).all() and np.isfinite(targets).all()) else None

    @available_if(parameters.in_batches)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one pass over some samples, continuing after the last call.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, real
            Samples.
        y : (N,) or (N, K) array, real
            Targets.
        sample_weight : (N,) array of float, or float, optional
            Weights of the samples, finite and at least 0.

        Returns
        -------
        Self
            The estimator.

        Raises
        ------
        ValueError, TypeError
            If an array does not fit, or the parameters do not allow partial fits.
        NonFiniteLossError
            If the training diverges. It is a ValueError as well.
        AttributeError
            If the solver is "lbfgs": the estimator then has no `partial_fit`.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: ArrayLike) -> Array:
        """Return the predicted numbers (N,), or (N, K) if y had K columns."""
        if self.n_members:
            return self._mean_of_members(X, "predict")
        x = self._inputs(X)
        out = self._means(self.model_.forward(x))
        return out[:, 0] if self._flat_targets else out

    def predict_std(self, X: ArrayLike) -> Array:
        """Return how far the networks of an ensemble differ: the standard deviation of their predictions.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, real
            Samples.

        Returns
        -------
        (N,) array, or (N, K) if y had K columns
            0 where all networks agree; in the units of y.

        Raises
        ------
        ValueError
            If the estimator was fitted with ``n_estimators=1``.
        """
        if not self.n_members:
            raise ValueError(f"{type(self).__name__}: predict_std: expected a fit with n_estimators above 1")
        return np.asarray(np.std([member.predict(X) for member in self.estimators_], axis=0))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R², the share of the variance of y that the predictions explain.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, real
            Samples.
        y : (N,) or (N, K) array, real
            Targets.
        sample_weight : (N,) array of float, or float, optional
            Weights of the samples, finite and at least 0.

        Returns
        -------
        float
            1 - Σ w (y - ŷ)² ÷ Σ w (y - ȳ)², the mean over the columns of y; at most 1.

        Raises
        ------
        ValueError, TypeError
            If an array does not fit.
        """
        return float(super().score(X, y, sample_weights(type(self).__name__, sample_weight, len(np.asarray(y)))))

    def _check_scorable(self, targets: Array) -> None:
        if len(targets) < LEAST:
            raise ValueError(
                f"{type(self).__name__}: validation: expected at least {LEAST} samples with early_stopping, because R² "
                f"of one is undefined, got {len(targets)}"
            )

    def _means(self, outputs: Array) -> Array:
        """The predicted numbers, from the raw outputs of the network."""
        if self.out_activation_ == "identity":
            return outputs
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(outputs))

    def score_of(self, targets: Array, outputs: Array, weights: Array | None = None) -> float:
        return r_squared(targets, self._means(outputs), weights)
