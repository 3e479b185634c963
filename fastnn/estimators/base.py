"""What the estimators share: their parameters, and fitting a network to checked arrays."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnn import layers
from fastnn.estimators import parameters
from fastnn.estimators.lbfgs import minimise
from fastnn.estimators.losses import PenalisedLoss
from fastnn.estimators.network import build
from fastnn.estimators.optimizers import optimizer_of, schedule_of
from fastnn.estimators.stopping import ContinuedTraining, EpochRules, Progress
from fastnn.estimators.workers import share_of_threads
from fastnn.trainer import Trainer
from fastnn.trainer.preparation import specify

Array = NDArray[Any]
_SPARSE, _DTYPES = ("csr", "csc", "coo"), (np.float64, np.float32)  # the formats and dtypes that X may have
Hidden = int | tuple[int, ...] | list[int]


class Estimator(BaseEstimator):  # type: ignore[misc]
    """Base class of the estimators.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, \
shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, \
beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn, with the same defaults.
    dropout : float, default 0
        Share of the units of each hidden layer that is dropped in training.
    batch_norm : bool, default False
        Apply batch normalisation before the activation of each hidden layer.
    class_weight : dict, "balanced" or None
        Factor of the loss of a sample, by its class; "balanced" gives every class the same total weight. Classifiers
        only.
    """

    def __init__(
        self,
        hidden_layer_sizes: Hidden = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool = False,
        class_weight: Any = None,
    ) -> None:
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.solver, self.alpha = solver, alpha
        self.batch_size, self.learning_rate = batch_size, learning_rate
        self.learning_rate_init, self.power_t = learning_rate_init, power_t
        self.max_iter, self.shuffle = max_iter, shuffle
        self.random_state, self.tol, self.verbose = random_state, tol, verbose
        self.warm_start, self.momentum = warm_start, momentum
        self.nesterovs_momentum, self.early_stopping = nesterovs_momentum, early_stopping
        self.validation_fraction, self.beta_1, self.beta_2 = validation_fraction, beta_1, beta_2
        self.epsilon, self.n_iter_no_change = epsilon, n_iter_no_change
        self.max_fun, self.dropout, self.batch_norm = max_fun, dropout, batch_norm
        self.class_weight = class_weight

    _continued: ContinuedTraining | None = None  # the optimiser with which `partial_fit` continues

    # --- what the subclasses define ---

    def _first_layers(self) -> tuple[list[layers.Layer], tuple[int, ...]]:
        """Return the layers before the hidden layers, and the shape of a sample."""
        return [], (self.n_features_in_,)

    def _loss(self, alpha: float) -> PenalisedLoss:
        """Return what is minimised, with an L2 term of coefficient `alpha`."""
        raise NotImplementedError(f"{type(self).__name__}: _loss is missing")

    def _targets(self, y: Array, first: bool) -> Array:
        """Convert y to the targets of the loss. If `first`, also set the attributes that are derived from y."""
        raise NotImplementedError(f"{type(self).__name__}: _targets is missing")

    def score_of(self, targets: Array, outputs: Array, weights: Array | None = None) -> float:
        """Return the score, as `score` defines it, of raw outputs of the network (N, outputs) for their targets."""
        raise NotImplementedError(f"{type(self).__name__}: score_of is missing")

    # --- fitting ---

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, real
            Samples. float32 samples are trained on in float32, all others in float64.
        y : (N,) or (N, K) array
            Targets: classes, a matrix of zeros and ones for several labels per sample, or numbers for a regressor.
        sample_weight : (N,) array of float, optional
            Weights of the samples: a weight of k has the effect of k equal samples, 0 leaves a sample out.
        validation : pair (X, y), optional
            Validation set. Its loss after each epoch is in ``validation_curve_``. With ``early_stopping`` it is used
            instead of a share of the training set.

        Returns
        -------
        Self
            The estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or an array does not fit.
        """
        parameters.check(self)
        fresh = not (self.warm_start and hasattr(self, "model_"))
        x, targets, weights = self._checked(X, y, sample_weight, first=fresh)
        self._random_state = check_random_state(self.random_state)
        if fresh or self.model_.input_shape != self._first_layers()[1]:
            self._begin(x.dtype)
        self.n_iter_ = 0
        self._continue_curves()
        held_out = self._validation(validation, x.dtype)
        if self.early_stopping and held_out is None:
            x, targets, weights, held_out = self._split(x, targets, weights)
        self._seed = int(self._random_state.randint(2**31 - 1))
        self._continued = None
        if self.solver == "lbfgs":
            self._fit_lbfgs(x, targets, weights)
        else:
            self._continued = ContinuedTraining(self.solver)
            self._train(x, targets, weights, held_out, self.max_iter, warn_unconverged=True)
        return self

    def _partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Self:
        parameters.check(self)
        first = not hasattr(self, "model_")
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit: solver 'lbfgs' needs all samples at once; use 'adam' or 'sgd'")
        if self.early_stopping:
            raise ValueError("partial_fit: early_stopping needs all samples at once; use fit")
        x, targets, weights = self._checked(X, y, sample_weight, first=first)
        if first:
            self._random_state = check_random_state(self.random_state)
            self._begin(x.dtype)
            self._seed = int(self._random_state.randint(2**31 - 1))
        self._continue_curves()
        if self._continued is None or self._continued.solver != self.solver:
            self._continued = ContinuedTraining(self.solver)
        self._train(x, targets, weights, None, self._continued.epochs + 1, warn_unconverged=False)
        return self

    def _checked(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        first: bool,
    ) -> tuple[Array, Array, Array | None]:
        x, y_ = validate_data(
            self,
            X,
            y,
            accept_sparse=_SPARSE,
            multi_output=True,
            dtype=_DTYPES,
            y_numeric=not hasattr(self, "predict_proba"),
            reset=first,
        )
        x, targets = _dense(x), self._targets(y_, first)
        if sample_weight is None:
            return x, targets, None
        weights = np.asarray(_check_sample_weight(sample_weight, x, dtype=x.dtype), np.float64)
        counted = weights > 0
        if not counted.any():
            raise ValueError(f"{type(self).__name__}: every sample has weight 0")
        return x[counted], targets[counted], weights[counted]

    def _validation(self, validation: Any, dtype: Any) -> tuple[Array, Array] | None:
        if validation is None:
            return None
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise TypeError(f"{type(self).__name__}: validation must be a pair (X, y)")
        x = validate_data(self, validation[0], accept_sparse=_SPARSE, dtype=dtype, reset=False)
        return _dense(x), self._targets(np.asarray(validation[1]), False)

    def _split(
        self, x: Array, targets: Array, weights: Array | None
    ) -> tuple[Array, Array, Array | None, tuple[Array, Array]]:
        """Hold out a validation pair, stratified by class if each sample has one class; return it last."""
        labels = targets if targets.ndim == 1 and targets.dtype.kind == "i" else None
        training, validation = train_test_split(
            np.arange(len(x)), test_size=self.validation_fraction, random_state=self._random_state, stratify=labels
        )
        training_weights = None if weights is None else weights[training]
        return x[training], targets[training], training_weights, (x[validation], targets[validation])

    def _begin(self, dtype: Any) -> None:
        """Make a new network, and forget how the one before did."""
        before, shape = self._first_layers()
        self.model_ = build(self, before, shape, dtype, self._random_state)
        self.n_iter_, self.t_, self._continued, self.progress_ = 0, 0, None, Progress()
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] = []
        self.best_loss_: Any = None
        self.validation_scores_: Any = None
        self.best_validation_score_: Any = None

    def _continue_curves(self) -> None:
        """Make ready what stopping is decided by. scikit-learn sets what early stopping does not use to None."""
        if not self.early_stopping:
            self.best_loss_ = np.inf if self.best_loss_ is None else self.best_loss_
        elif self.validation_scores_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf

    def _batch(self, samples: int) -> int:
        return min(200 if self.batch_size == "auto" else int(self.batch_size), samples)

    def _train(
        self,
        x: Array,
        targets: Array,
        weights: Array | None,
        held_out: tuple[Array, Array] | None,
        epochs: int,
        *,
        warn_unconverged: bool,
    ) -> None:
        assert self._continued is not None
        continued, loss, batch = self._continued, self._loss(self.alpha / _mean(weights)), self._batch(len(x))
        validation = held_out and (self._shaped(held_out[0]), held_out[1])
        optimizer = optimizer_of(self)
        if self.learning_rate == "adaptive" and continued.learning_rate is not None:
            optimizer.learning_rate = continued.learning_rate
        trainer = Trainer(
            self.model_,
            optimizer=optimizer,
            schedule=schedule_of(self, len(x), batch, continued.epochs, continued.steps),
            loss=loss,
            batch_size=batch,
            epochs=epochs,
            seed=self._seed,
            shuffle=self.shuffle,
            callbacks=[continued, EpochRules(self, loss, validation, warn_unconverged=warn_unconverged)],
            progress=False,
        )
        try:
            with share_of_threads():
                trainer.fit(self._shaped(x), targets, sample_weight=_mean_one(weights))
        finally:
            self._set_fitted_attributes()  # after Ctrl-C too

    def _fit_lbfgs(self, x: Array, targets: Array, weights: Array | None) -> None:
        loss = self._loss(self.alpha / _mean(weights))
        trainer = Trainer(self.model_, loss=loss, batch_size=None, seed=self._seed, progress=False)
        problem = specify(trainer, self._shaped(x), targets, sample_weight=_mean_one(weights)).problem
        self.model_.task = loss.task
        with share_of_threads():
            curve, self.n_iter_ = minimise(problem, max_iter=self.max_iter, max_fun=self.max_fun, tol=self.tol)
        self.loss_curve_ += curve
        self.loss_ = self.best_loss_ = curve[-1]
        self._set_fitted_attributes()

    def _set_fitted_attributes(self) -> None:
        """Set the attributes that scikit-learn's networks have after `fit`."""
        dense = [layer for layer in self.model_.layers if isinstance(layer, layers.Dense)]
        self.coefs_ = [layer.w.value for layer in dense]
        self.intercepts_ = [np.zeros(d.units, d.w.value.dtype) if d.b is None else d.b.value for d in dense]
        self.n_layers_ = len(dense) + 1

    # --- predicting ---

    def _shaped(self, x: Array) -> Array:
        return x.reshape(len(x), *self._first_layers()[1])

    def _inputs(self, X: ArrayLike) -> Array:
        check_is_fitted(self, "model_")
        return self._shaped(_dense(validate_data(self, X, accept_sparse=_SPARSE, dtype=_DTYPES, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(x: Any) -> Array:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)


def _mean(weights: Array | None) -> float:
    return 1.0 if weights is None else float(weights.mean())


def _mean_one(weights: Array | None) -> Array | None:
    """Scale weights to a mean of 1, because the loss of a batch is divided by its number of samples."""
    return None if weights is None else weights / weights.mean()
