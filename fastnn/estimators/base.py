"""What the estimators share: their parameters, and fitting a network to checked arrays."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from fastnn.estimators import parameters
from fastnn.estimators.arrays import Rows
from fastnn.estimators.continuation import continued, unchanged_after_errors
from fastnn.estimators.ensemble import fit_ensemble
from fastnn.estimators.fitted import FittedEstimator
from fastnn.estimators.lbfgs import minimise
from fastnn.estimators.losses import PenalisedLoss
from fastnn.estimators.network import build
from fastnn.estimators.optimizers import optimizer_of, schedule_of
from fastnn.estimators.passes import KeptPasses, can_be_kept
from fastnn.estimators.ready import Ready
from fastnn.estimators.stopping import ContinuedTraining, EpochRules, Progress
from fastnn.estimators.weights import mean_one, mean_weight
from fastnn.estimators.workers import share_of_threads
from fastnn.keywords import with_known_keywords
from fastnn.model.sequential import Sequential
from fastnn.trainer import Trainer
from fastnn.trainer.preparation import specify

Array = NDArray[Any]
Hidden = int | tuple[int, ...] | list[int]


class Estimator(FittedEstimator):
    """Base class of the estimators.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, \
shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, \
beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn, with the same defaults. `activation` may also be any activation of architecture strings,
        such as "mish" (`fastnn.architecture.ACTIVATIONS`).
    dropout : float, default 0
        Share of the units of each hidden layer that is dropped in training.
    batch_norm : bool, default False
        Apply batch normalisation before the activation of each hidden layer.
    class_weight : dict, "balanced" or None
        Factor of the loss of a sample, by its class; "balanced" gives every class the same total weight. Classifiers
        only.
    n_estimators : int, default 1
        Above 1, `fit` trains so many networks side by side, each from first weights and an order of samples of its own;
        `estimators_` has them, and predictions are the mean of theirs. Needs a solver that goes by batches, no
        `batch_norm`, no weights of samples or classes, and no `warm_start`.
    bootstrap : bool, default False
        Whether each of several networks is trained on N samples that are drawn from the N with replacement.
    precision : {"float32", "fast", "fast3", "bf16"}
        As of `fastnn.Sequential`, in `fit` and predictions; other than "float32" for samples of float32, one network.
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
        n_estimators: int = 1,
        bootstrap: bool = False,
        precision: str = "float32",
    ) -> None:
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.solver, self.alpha, self.batch_size, self.learning_rate = solver, alpha, batch_size, learning_rate
        self.learning_rate_init, self.power_t = learning_rate_init, power_t
        self.max_iter, self.shuffle = max_iter, shuffle
        self.random_state, self.tol, self.verbose = random_state, tol, verbose
        self.warm_start, self.momentum = warm_start, momentum
        self.nesterovs_momentum, self.early_stopping = nesterovs_momentum, early_stopping
        self.validation_fraction, self.beta_1, self.beta_2 = validation_fraction, beta_1, beta_2
        self.epsilon, self.n_iter_no_change = epsilon, n_iter_no_change
        self.max_fun, self.dropout, self.batch_norm, self.precision = max_fun, dropout, batch_norm, precision
        self.class_weight, self.n_estimators, self.bootstrap = class_weight, n_estimators, bootstrap

    _last = False  # whether samples are images whose channels come last
    _continued: ContinuedTraining | None = None  # the optimiser with which `partial_fit` continues
    _passes: KeptPasses | None = None  # what it need not check and compile again

    # --- what the subclasses define ---

    def _loss(self, alpha: float) -> PenalisedLoss:
        """Return what is minimised, with an L2 term of coefficient `alpha`."""
        raise NotImplementedError(f"{type(self).__name__}: _loss is missing")

    def _check_same_classes(self, y: ArrayLike) -> None:
        """Refuse to go on from a network of other classes."""

    def _check_scorable(self, targets: Array) -> None:
        """Refuse a validation set whose score is undefined."""

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
        sample_weight : (N,) array of float, or float, optional
            Weights of the samples, finite and at least 0: a weight of k has the effect of k equal samples, 0 leaves a
            sample out. Those of the samples that ``early_stopping`` holds out weight their share in the score.
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
            If a parameter or an array does not fit; the estimator is then as it was before.
        NonFiniteLossError
            If the training diverges. It is a ValueError as well.

        Notes
        -----
        With ``early_stopping``, ⌈validation_fraction · N⌉ samples are held out, at least two: the same share of each
        class, up to rounding, where each sample is of one class, every class has two samples, and neither part has
        fewer samples than there are classes; otherwise at random. (scikit-learn does so for two classes alone.)

        With ``warm_start`` the training goes on from the parameters of the last `fit`. Other activations, dropout,
        solvers and rates apply from then on; layers of other sizes, other classes and other inputs are an error.

        A sparse matrix that would take more than 64 MiB as an array is made dense batch by batch; with the solver
        "lbfgs" the first dense layer takes it as it is, so that its sums are rounded in another way.
        """
        parameters.check(self)
        with unchanged_after_errors(self):
            fresh = not (self.warm_start and hasattr(self, "model_"))
            x, targets, weights = self._checked(X, y, sample_weight, first=fresh)
            held_out = self._validation(validation, x.dtype)
            if not fresh:
                self._check_same_classes(y)
            if self.n_estimators > 1:
                fit_ensemble(self, x, targets, weights, held_out)
                return self
            ready = self._ready(x, targets, weights, held_out, fresh)
        if self.solver == "lbfgs":
            self._fit_lbfgs(*ready.training)
        else:
            self._continued = ContinuedTraining(self.solver)
            self._train(*ready.training, ready.held_out, ready.held_out_weights, self.max_iter, warn_unconverged=True)
        return self

    def _ready(
        self, x: Rows, targets: Array, weights: Array | None, held_out: tuple[Rows, Array] | None, fresh: bool = True
    ) -> Ready:
        """Make the network, and hold samples out: all that comes between the checks and the training."""
        rows, held_out_weights = None, None
        self._random_state = check_random_state(self.random_state)
        if fresh:
            self._begin(x.dtype)
        else:
            self._continue(x.dtype)
        if self.early_stopping and held_out is None:
            rows, others = self._split(targets, self.validation_fraction, self._random_state)
            held_out, held_out_weights = (x[others], targets[others]), None if weights is None else weights[others]
        if self.early_stopping and held_out is not None:
            self._check_scorable(held_out[1])
        self._seed = int(self._random_state.randint(2**31 - 1))
        self.n_iter_ = 0
        self._continue_curves()
        self._continued = None
        return Ready(x, targets, weights, rows, held_out, held_out_weights)

    def _partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Self:
        passes, self._passes = self._passes, None
        if passes is not None and sample_weight is None and passes.belongs_to(self):
            with self._trains():
                if passes.run(self, X, y):
                    self._check_finite()
                    self._passes = passes
                    return self
        parameters.check(self)
        first = not hasattr(self, "model_")
        if self.n_estimators > 1:
            raise ValueError(f"partial_fit: n_estimators: expected 1, got {self.n_estimators}; use fit")
        if self.early_stopping:
            raise ValueError("partial_fit: early_stopping needs all samples at once; use fit")
        if isinstance(self.class_weight, str):
            raise ValueError("partial_fit: class_weight 'balanced' needs all samples at once; use a dict of weights")
        with unchanged_after_errors(self):
            x, targets, weights = self._checked(X, y, sample_weight, first=first)
            if first:
                self._random_state = check_random_state(self.random_state)
                self._begin(x.dtype)
                self._seed = int(self._random_state.randint(2**31 - 1))
            else:
                self._continue(x.dtype)
        self._continue_curves()
        if self._continued is None or self._continued.solver != self.solver:
            self._continued = ContinuedTraining(self.solver)
        self._train(x, targets, weights, None, None, self._continued.epochs + 1, warn_unconverged=False)
        if weights is None and can_be_kept(self):
            if passes is None or not passes.belongs_to(self):
                passes = KeptPasses(self, self._loss(self.alpha))
            passes.add(X, y)
            self._passes = passes
        return self

    def _network(self, dtype: Any, random: Any) -> Sequential:
        """Return the network that the parameters describe, with first weights."""
        before, shape = self._first_layers()
        return build(self, before, shape, dtype, random, self._last)

    def _begin(self, dtype: Any) -> None:
        """Make a new network, and forget how the one before did."""
        self.__dict__.pop("estimators_", None)
        self.model_ = self._network(dtype, self._random_state)
        self.n_iter_, self.t_, self._continued, self.progress_ = 0, 0, None, Progress()
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] = []
        self.best_loss_: Any = None
        self.validation_scores_: Any = None
        self.best_validation_score_: Any = None

    def _continue(self, dtype: Any) -> None:
        """Go on from the network of the last fit, if it is the one that the parameters still describe."""
        described = self._network(dtype, copy.deepcopy(self._random_state))  # whose weights count for nothing
        self.model_ = continued(type(self).__name__, self.model_, described)

    def _continue_curves(self) -> None:
        """Make ready what stopping is decided by. scikit-learn sets what early stopping does not use to None."""
        if not self.early_stopping:
            self.best_loss_ = np.inf if self.best_loss_ is None else self.best_loss_
            self.validation_scores_ = self.best_validation_score_ = None
        elif self.validation_scores_ is None:
            self.best_loss_, self.validation_scores_, self.best_validation_score_ = None, [], -np.inf

    def _batch(self, samples: int) -> int:
        return min(200 if self.batch_size == "auto" else int(self.batch_size), samples)

    def _train(
        self,
        x: Rows,
        targets: Array,
        weights: Array | None,
        held_out: tuple[Rows, Array] | None,
        held_out_weights: Array | None,
        epochs: int,
        *,
        warn_unconverged: bool,
    ) -> None:
        assert self._continued is not None
        continued, loss, batch = self._continued, self._loss(self.alpha / mean_weight(weights)), self._batch(len(x))
        validation = held_out and (self._samples(held_out[0]), held_out[1], held_out_weights)
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
            shuffle=bool(self.shuffle),
            callbacks=[continued, EpochRules(self, loss, validation, warn_unconverged=warn_unconverged)],
            progress=False,
        )
        try:
            with self._trains():
                trainer.fit(self._samples(x), targets, sample_weight=mean_one(weights))
        finally:
            self._set_fitted_attributes()  # after Ctrl-C too
        self._check_finite()

    def _fit_lbfgs(self, x: Rows, targets: Array, weights: Array | None) -> None:
        loss = self._loss(self.alpha / mean_weight(weights))
        trainer = Trainer(self.model_, loss=loss, batch_size=None, seed=self._seed, progress=False)
        problem = specify(trainer, self._samples(x), targets, sample_weight=mean_one(weights)).problem
        self.model_.task = loss.task
        with share_of_threads(), np.errstate(all="ignore"):
            curve, self.n_iter_ = minimise(problem, max_iter=self.max_iter, max_fun=self.max_fun, tol=self.tol)
        self.loss_curve_ += curve
        self.loss_ = self.best_loss_ = curve[-1]
        self._set_fitted_attributes()
        self._check_finite()


with_known_keywords(Estimator)
