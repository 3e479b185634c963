"""Trainings of many estimators: those whose networks go in step are one population."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn.caller import warn_caller
from fastnn.estimators.losses import ClassCrossEntropy, HalfSquaredError, LabelsCrossEntropy
from fastnn.estimators.optimizers import NO_BIAS_STEP, Adam, optimizer_of, schedule_of
from fastnn.estimators.ready import Ready
from fastnn.estimators.stopping import EpochRules
from fastnn.estimators.workers import on_dask, share_of_threads
from fastnn.kernels.populations import POPULATION_LANES, PopulationLoss
from fastnn.model.sequential import Sequential
from fastnn.population.losses import TERMS, LossTerms
from fastnn.population.rules import Figures, NoRule, ParamsOf
from fastnn.population.run import PopulationRun
from fastnn.population.share import Stopped, share_out, workers
from fastnn.population.spec import Members, PopulationSpec
from fastnn.population.stages import stages_of

Array = NDArray[Any]

_BLOCKS_EACH = 2  # blocks of lanes for each thread from which on they are trained one on each

TERMS[ClassCrossEntropy] = lambda loss, outputs: LossTerms(PopulationLoss.SOFTMAX_CROSS_ENTROPY)
TERMS[LabelsCrossEntropy] = lambda loss, outputs: LossTerms(PopulationLoss.BINARY_CROSS_ENTROPY)
TERMS[HalfSquaredError] = lambda loss, outputs: LossTerms(
    PopulationLoss.SQUARED_ERROR, 0.5 / (outputs if loss.mean else 1), 0.5
)


@dataclass(frozen=True)
class Training:
    """A training that an estimator is ready for, with what it minimises."""

    estimator: Any
    ready: Ready
    loss: Any

    @property
    def work(self) -> int:
        """What its time grows with: parameters times samples times epochs."""
        e = self.estimator
        return int(e.model_.size * self.ready.count * e.max_iter)


class _Rules(NoRule):
    """scikit-learn's rules for every member: see `EpochRules`. The estimators keep the best parameters themselves."""

    def __init__(self, trainings: Sequence[Training], rates: NDArray[np.float64], stopped: Stopped) -> None:
        self._trainings, self._rates, self._all_stop = trainings, rates, stopped
        self._rules, self._trainers = [], []
        for training, rate in zip(trainings, rates.tolist(), strict=True):
            estimator, ready = training.estimator, training.ready
            held_out = ready.held_out and (estimator._samples(ready.held_out[0]), ready.held_out[1], None)
            trainer: Any = SimpleNamespace(
                model=estimator.model_, optimizer=SimpleNamespace(learning_rate=rate), stop=False
            )
            rules = EpochRules(estimator, training.loss, held_out, warn_unconverged=False)
            rules.on_train_begin(trainer)
            self._rules.append(rules)
            self._trainers.append(trainer)

    def stopped(self, epoch: int, numbers: list[int], figures: Figures, params_of: ParamsOf) -> set[int]:
        found = set()
        for place, k in enumerate(numbers):
            training, trainer = self._trainings[k], self._trainers[k]
            if training.ready.held_out is not None:  # the rules look at the network
                training.estimator.model_.params[...] = params_of(place)
            self._rules[k].note(trainer, float(figures["loss"][k]), training.ready.count)
            self._rates[k] = trainer.optimizer.learning_rate
            if trainer.stop or self._all_stop():  # after Ctrl-C, or an error in another thread
                found.add(place)
        return found


def train_together(trainings: Sequence[Training]) -> dict[int, str]:
    """Train estimators, and set what `fit` sets; those that cannot join others are left out.

    Parameters
    ----------
    trainings : sequence of Training
        All of them pass `can_join`. Where joblib is told to use Dask, the workers of the cluster train them, a group,
        or some blocks of a large one, in a task.

    Returns
    -------
    dict of int to str
        What went wrong, by the number of the training.
    """
    kinds = [_kind(training) for training in trainings]
    groups: dict[Hashable, list[int]] = {}
    for k, kind in enumerate(kinds):
        groups.setdefault(kind, []).append(k)
    parts = list(groups.values())
    if on_dask():
        parts = _parts(parts, joblib.effective_n_jobs(-1))
        call = joblib.delayed(_train_elsewhere)
        found = joblib.Parallel(n_jobs=-1)(call([trainings[k] for k in numbers]) for numbers in parts)
        for numbers, (trained, _) in zip(parts, found, strict=True):
            for k, estimator in zip(numbers, trained, strict=True):
                vars(trainings[k].estimator).update(vars(estimator))
        outcomes = [outcome for _, outcome in found]
    else:
        with share_of_threads(), np.errstate(all="ignore"):
            parts, outcomes = _train_here(trainings, parts)
    failed: dict[int, str] = {}
    unconverged: dict[Hashable, int] = {}
    for numbers, outcome in zip(parts, outcomes, strict=True):
        failed |= {numbers[place]: error for place, error in outcome.errors.items()}
        kind = kinds[numbers[0]]
        unconverged[kind] = unconverged.get(kind, 0) + outcome.unconverged
    for kind, count in unconverged.items():
        if count:
            first = trainings[groups[kind][0]].estimator
            warn_caller(
                f"{type(first).__name__}: max_iter={first.max_iter} reached and {count} of "
                f"{len(groups[kind])} trainings have not converged yet",
                ConvergenceWarning,
            )
    return failed


class _Outcome(NamedTuple):
    """What became of the trainings of a group: errors by their places, and how many had not converged."""

    errors: dict[int, str]
    unconverged: int


def _parts(groups: list[list[int]], count: int) -> list[list[int]]:
    """The groups in at least `count` parts, if that can be, of whole blocks of lanes.

    A member's bits do not depend on who is with it.
    """
    found, share = [], -(-count // len(groups))
    for numbers in groups:
        blocks = -(-len(numbers) // POPULATION_LANES)
        size = -(-blocks // min(share, blocks)) * POPULATION_LANES
        found += [numbers[begin : begin + size] for begin in range(0, len(numbers), size)]
    return found


def _train_here(trainings: Sequence[Training], groups: list[list[int]]) -> tuple[list[list[int]], list[_Outcome]]:
    """Train groups, in blocks of lanes where there are enough for all threads: each of them has one then.

    A group by itself fills the threads only if its blocks can be shared evenly.
    """
    blocks = _parts(groups, len(trainings))
    if len(blocks) < _BLOCKS_EACH * workers():
        return groups, [_train_group([trainings[k] for k in numbers]) for numbers in groups]
    # the longest begin first, so that the last ones are short
    blocks.sort(key=lambda numbers: -trainings[numbers[0]].work * len(numbers))
    outcomes: list[_Outcome] = [_Outcome({}, 0)] * len(blocks)

    def train(place: int, worker: int, stopped: Stopped) -> None:
        outcomes[place] = _train_group([trainings[k] for k in blocks[place]], stopped)

    share_out(train, len(blocks))
    return blocks, outcomes


def _train_elsewhere(trainings: list[Training]) -> tuple[list[Any], _Outcome]:
    """What a worker on another machine does: the estimators are copies, and are sent back."""
    with np.errstate(all="ignore"):
        outcome = _train_group(trainings)
    return [training.estimator for training in trainings], outcome


def can_join(training: Training) -> bool:
    """Whether a training can be one of a population."""
    ready, estimator = training.ready, training.estimator
    plain = isinstance(ready.x, np.ndarray) and ready.weights is None and estimator.solver != "lbfgs"
    if not plain or estimator.precision != "float32" or type(training.loss) not in TERMS:
        return False
    try:
        stages_of("", estimator.model_)
    except ValueError:
        return False
    return True


def _kind(training: Training) -> Hashable:
    """What members of one population have in common."""
    e, n = training.estimator, training.ready.count
    optimizer, schedule = optimizer_of(e), schedule_of(e, n, e._batch(n), 0, 0)
    model: Sequential = e.model_
    coefficients = tuple(getattr(optimizer, name) for name in optimizer.rule.coefficients)
    layers = tuple((type(layer), repr(layer)) for layer in model.layers)
    loss = tuple((name, value) for name, value in training.loss.config().items() if name != "alpha")
    return (
        *(layers, model.input_shape, model.dtype, type(optimizer), coefficients, type(schedule)),
        *(tuple(vars(schedule).items()), type(training.loss), loss, bool(e.shuffle), e.max_iter),
        *(-(-n // e._batch(n)), e.batch_size),
    )


def _train_group(trainings: list[Training], stopped: Stopped = lambda: False) -> _Outcome:
    first = trainings[0].estimator
    model, loss, count = first.model_, trainings[0].loss, trainings[0].ready.count
    most = max(training.ready.count for training in trainings)
    inputs, targets, rows = _data(trainings)
    prepared = loss.prepare(targets, model.output_shape, model.dtype)
    rates = np.array([t.estimator.learning_rate_init for t in trainings], np.float64)
    optimizer = optimizer_of(first)
    members = Members(
        np.array([t.estimator.model_.params for t in trainings]),
        [t.estimator._seed for t in trainings],
        rates,
        np.zeros(len(trainings)),
        np.array([t.loss.l2 for t in trainings], np.float64),
        rows,
    )
    run = PopulationRun(
        PopulationSpec(
            model, stages_of("", model), optimizer, loss, TERMS[type(loss)](loss, int(np.prod(model.output_shape))),
            np.ascontiguousarray(inputs, model.dtype), np.ascontiguousarray(prepared.reshape(len(prepared), -1)),
            members,
            epochs=first.max_iter,
            batch_size=first._batch(most),
            shuffle=bool(first.shuffle),
            order_seed=None,
            schedule=schedule_of(first, count, first._batch(count), 0, 0),
            rule=_Rules(trainings, rates, stopped),
            progress=False,
            fixed_step=NO_BIAS_STEP if isinstance(optimizer, Adam) else 0,
        )
    )  # fmt: skip
    try:
        run.train()
    finally:
        for training, params in zip(trainings, run.params, strict=True):
            _finish(training, params)
    unconverged = sum(t.estimator.n_iter_ == first.max_iter for t in trainings)
    return _Outcome({k: f"the loss of step {step} is not finite" for k, step in run.failed.items()}, unconverged)


def _finish(training: Training, params: Array) -> None:
    estimator = training.estimator
    estimator.model_.params[...] = params
    estimator.model_.task = training.loss.task
    if estimator.early_stopping:
        estimator.progress_.restore(estimator.model_)
    estimator._set_fitted_attributes()


def _data(trainings: Sequence[Training]) -> tuple[Array, Array, list[NDArray[np.int64]]]:
    """All samples and targets once, and which of them each training reads."""
    known: dict[Hashable, int] = {}
    inputs: list[Array] = []
    targets: list[Array] = []
    rows, end = [], 0
    same: dict[tuple[int, int], NDArray[np.int64]] = {}
    for training in trainings:
        ready, x = training.ready, training.ready.x
        assert isinstance(x, np.ndarray)
        ids = id(x), id(ready.targets)
        if ids not in same:
            key = x.shape, _digest(x), _digest(ready.targets)
            if key not in known:
                known[key] = end
                inputs.append(x.reshape(len(x), -1))
                targets.append(ready.targets)
                end += len(x)
            same[ids] = np.arange(known[key], known[key] + len(x))
        rows.append(same[ids] if ready.rows is None else same[ids][ready.rows])
    return np.concatenate(inputs), np.concatenate(targets), rows


def _digest(array: Array) -> bytes:
    return blake2b(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data, digest_size=16).digest()


def with_rows(ready: Ready, rows: NDArray[np.int64]) -> Ready:
    """The same training on some of its samples, which may come more than once."""
    return replace(ready, rows=rows if ready.rows is None else ready.rows[rows])
