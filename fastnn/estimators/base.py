"""What the estimators share: parameters, and fitting a network to checked arrays."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnn import layers, optim
from fastnn.estimators import parameters
from fastnn.estimators.lbfgs import minimise
from fastnn.estimators.stopping import Continued, EpochRules
from fastnn.estimators.workers import share_of_threads
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.trainer import BestWeights, Callback, Trainer
from fastnn.trainer.preparation import specify

Array = NDArray[Any]
_SPARSE, _DTYPES = ("csr", "csc", "coo"), (np.float64, np.float32)  # what X may be
Hidden = int | tuple[int, ...] | list[int]


class Estimator(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators; parameters mean what they mean in scikit-learn, those that it lacks:

    Parameters
    ----------
    dropout : float
        Share of each hidden layer's units that is dropped.
    batch_norm : bool
        Normalise each hidden layer's sums before its activation.
    class_weight : dict, "balanced" or None
        What a sample's loss is multiplied by, by its class (classifiers only).
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.class_weight = class_weight

    _continued: Continued | None = None  # what `partial_fit` goes on from

    # --- what a kind of estimator says of itself ---

    def _more_layers(self) -> tuple[list[layers.Layer], tuple[int, ...]]:
        """Layers before the hidden ones, and the shape of a sample."""
        return [], (self.n_features_in_,)

    def _loss(self) -> Loss:
        raise NotImplementedError(f"{type(self).__name__}: _loss is missing")

    def _targets(self, y: Array, first: bool) -> Array:
        """Y as the loss takes it; the first call of a fit learns what there is to know of it."""
        raise NotImplementedError(f"{type(self).__name__}: _targets is missing")

    def score_of(self, targets: Array, outputs: Array) -> float:
        """`score` of the network's raw outputs."""
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
        X : (N, D) array or sparse matrix, float32 or what becomes float64
        y : (N,) or (N, K)
        sample_weight : (N,), optional
            A weight of k counts like k samples; 0 leaves a sample out.
        validation : pair (X, y), optional
            Its loss goes into ``validation_curve_``; with ``early_stopping`` it takes the place of the split.
        """
        parameters.check(self)
        fresh = not (self.warm_start and hasattr(self, "model_"))
        x, targets, weights = self._checked(X, y, sample_weight, first=fresh)
        if fresh or self.model_.input_shape != self._more_layers()[1]:
            self._begin(x.dtype)
        self.n_iter_, self.t_, self._continued = 0, 0, None
        self._forget_curves()
        held = self._validation(validation, x.dtype)
        if self.early_stopping and held is None:
            x, targets, weights, held = self._split(x, targets, weights)
        if self.solver == "lbfgs":
            self._fit_lbfgs(x, targets, weights)
        else:
            callbacks: list[Callback] = [EpochRules(self)]
            if self.early_stopping:
                callbacks.append(BestWeights("val_score", "max"))
            trainer = self._trainer(len(x), weights, callbacks, self.max_iter)
            self._train(trainer, x, targets, weights, held)
        return self

    def _partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Self:
        parameters.check(self)
        first = not hasattr(self, "model_")
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit: solver 'lbfgs' takes all samples at once; use 'adam' or 'sgd'")
        if self.early_stopping:
            raise ValueError("partial_fit: early_stopping needs all samples at once; use fit")
        x, targets, weights = self._checked(X, y, sample_weight, first=first)
        if first:
            self._begin(x.dtype)
            self.n_iter_, self.t_ = 0, 0
            self._forget_curves()
        if self._continued is None:
            self._continued = Continued()
        trainer = self._trainer(
            len(x), weights, [self._continued, EpochRules(self, to_convergence=False)], self._continued.passes + 1
        )
        self._train(trainer, x, targets, weights, None)
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
        """What to train on, and a pair to validate with; of every class alike where there is one a sample."""
        labels = targets if targets.ndim == 1 and targets.dtype.kind == "i" else None
        kept, others = train_test_split(
            np.arange(len(x)), test_size=self.validation_fraction, random_state=self._seed, stratify=labels
        )
        return x[kept], targets[kept], None if weights is None else weights[kept], (x[others], targets[others])

    def _begin(self, dtype: Any) -> None:
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        before, shape = self._more_layers()
        stack: list[layers.Layer] = list(before)
        kind = parameters.ACTIVATIONS[self.activation]
        for units in parameters.hidden_layers(self):
            stack.append(layers.Dense(units, bias=not self.batch_norm))
            if self.batch_norm:
                stack.append(layers.BatchNorm())
            if kind is not None:
                stack.append(getattr(layers, kind)())
            if self.dropout:
                stack.append(layers.Dropout(self.dropout))
        stack.append(layers.Dense(self.n_outputs_))
        self.model_ = Sequential(stack, input_shape=shape, dtype=dtype, seed=self._seed)

    def _forget_curves(self) -> None:
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] = []
        # scikit-learn leaves out the one that does not decide
        self.best_loss_: Any = None if self.early_stopping else np.inf
        self.validation_scores_: Any = [] if self.early_stopping else None
        self.best_validation_score_: Any = -np.inf if self.early_stopping else None

    def _trainer(self, samples: int, weights: Array | None, callbacks: list[Any], epochs: int) -> Trainer:
        batch = min(200, samples) if self.batch_size == "auto" else min(int(self.batch_size), samples)
        # scikit-learn's penalty is divided by the samples of a batch; a weight of k counts like k samples
        each = 1.0 if weights is None else float(weights.mean())
        options: dict[str, Any] = {
            "learning_rate": self.learning_rate_init,
            "weight_decay": self.alpha / (batch * each),
        }
        if self.solver == "adam":
            optimizer: Any = optim.Adam(beta1=self.beta_1, beta2=self.beta_2, eps=self.epsilon, **options)
        elif self.momentum == 0:
            optimizer = optim.SGD(**options)
        else:
            rule = optim.Nesterov if self.nesterovs_momentum else optim.Momentum
            optimizer = rule(momentum=self.momentum, **options)
        return Trainer(
            self.model_,
            optimizer=optimizer,
            loss=self._loss(),
            batch_size=batch,
            epochs=epochs,
            seed=self._seed,
            shuffle=self.shuffle,
            metrics={"score": self.score_of} if self.early_stopping else (),
            callbacks=callbacks,
            progress=False,
        )

    def _train(
        self, trainer: Trainer, x: Array, targets: Array, weights: Array | None, held: tuple[Array, Array] | None
    ) -> None:
        try:
            with share_of_threads():
                trainer.fit(
                    self._shaped(x), targets, validation=self._shaped_pair(held), sample_weight=_mean_one(weights)
                )
        finally:
            self._describe()  # after Ctrl-C too

    def _fit_lbfgs(self, x: Array, targets: Array, weights: Array | None) -> None:
        trainer = self._trainer(len(x), weights, [], 1)
        problem = specify(trainer, self._shaped(x), targets, sample_weight=_mean_one(weights)).problem
        self.model_.task = trainer.loss.task
        total = len(x) if weights is None else float(weights.sum())
        with share_of_threads():
            self.loss_curve_, self.n_iter_ = minimise(
                problem, self.alpha / total, max_iter=self.max_iter, max_fun=self.max_fun, tol=self.tol
            )
        self.loss_ = self.best_loss_ = self.loss_curve_[-1]
        self.t_ = self.n_iter_ * len(x)
        self._describe()

    def _describe(self) -> None:
        """scikit-learn's fitted attributes."""
        dense = [layer for layer in self.model_.layers if isinstance(layer, layers.Dense)]
        self.coefs_ = [layer.w.value for layer in dense]
        self.intercepts_ = [np.zeros(d.units, d.w.value.dtype) if d.b is None else d.b.value for d in dense]
        self.n_layers_ = len(dense) + 1

    # --- predicting ---

    def _shaped(self, x: Array) -> Array:
        return x.reshape(len(x), *self._more_layers()[1])

    def _shaped_pair(self, pair: tuple[Array, Array] | None) -> tuple[Array, Array] | None:
        return None if pair is None else (self._shaped(pair[0]), pair[1])

    def _inputs(self, X: ArrayLike) -> Array:
        check_is_fitted(self, "model_")
        return self._shaped(_dense(validate_data(self, X, accept_sparse=_SPARSE, dtype=_DTYPES, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(x: Any) -> Array:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)


def _mean_one(weights: Array | None) -> Array | None:
    """Weights whose mean is 1: a batch's loss is divided by its samples."""
    return None if weights is None else weights / weights.mean()
