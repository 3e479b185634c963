"""`fit_many`: from its arguments to a trained population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import optim
from fastnn.caller import warn_caller
from fastnn.checks import flag, number, wholes
from fastnn.keywords import unknown_keyword
from fastnn.model.sequential import Sequential
from fastnn.named import declared_arguments
from fastnn.optim import Optimizer
from fastnn.population.losses import terms_of
from fastnn.population.members import checked_models, first_params, numbers_of_members
from fastnn.population.population import Population
from fastnn.population.rows import training_rows, validation_rows
from fastnn.population.rules import BestRule, NoRule
from fastnn.population.samples import Samples
from fastnn.population.snapshot import PopulationSnapshot
from fastnn.population.spec import Members, PopulationSpec, figure_names
from fastnn.population.stages import ALTERNATIVE, stages_of
from fastnn.population.training import PopulationTraining, split_callbacks
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.description import configuration
from fastnn.trainer.finite import check_finite

Array = NDArray[Any]

_NAMED = 5  # members whose loss was not finite that a warning lists

# arguments of a trainer that a population does not have, with the values that say so
_WITHOUT: dict[str, Any] = {
    "class_weight": None,
    "clip_norm": None,
    "clip_value": None,
    "average": None,
    "precision": "float32",
    "augmentation": None,
    "metrics": {},
}


def fit_many(
    models: Sequential | Sequence[Sequential],
    x: ArrayLike,
    y: ArrayLike,
    *,
    seeds: Sequence[int] | None = None,
    learning_rates: Sequence[float] | None = None,
    weight_decays: Sequence[float] | None = None,
    rows: Sequence[ArrayLike] | None = None,
    validation: Any = None,
    same_order: bool = False,
    resume: str | PathLike[str] | None = None,
    **options: Any,
) -> Population:
    """Train many networks of one architecture side by side.

    A vector operation does the same operation of several networks, and threads share the networks, so that thousands of
    small ones take little more time than their arithmetic. Members with equally many samples go in step. Networks of
    more than about 8,000 parameters are trained as `Trainer.fit` does, one on each thread at a time.

    Parameters
    ----------
    models : Sequential, or sequence of Sequential
        One model of which each seed makes a member, with first parameters drawn from that seed; or models that differ
        in nothing but their parameters, from which they are trained. They are not changed. Dense layers, each with at
        most an activation and a dropout behind it.
    x : (N, *input_shape), any real dtype
        Samples; or samples of each of the K members, (K, N, *input_shape).
    y : (N,) integer labels, or (N, *output_shape)
        Targets; or those of each member, with an axis of K in front.
    seeds : sequence of K int, optional
        Of each member's order of samples and dropout, and with one model of its first parameters. Default: the option
        `seed` for all of several models.
    learning_rates, weight_decays : sequence of K float, optional
        Default: those of the optimiser.
    rows : sequence of K arrays, optional
        For each member, the numbers of the samples that it is trained on, which may occur more than once, or a mask
        (N,) of bool. Default: all samples.
    validation : pair (x, y), "rest" or float, optional
        What each member is evaluated on after each epoch: samples that are the same for all; those that are not among
        its `rows`; or a share of the samples, which is drawn for each member with its seed as `Trainer.fit` does.
    same_order : bool
        Whether all members read the samples in one order, that of the option `seed`. With large inputs this is faster.
    resume : path, optional
        What a `Checkpoint` wrote in an interrupted call: a file, or a folder, whose latest file is used. The training
        goes on from there and ends with the same bits as without the interruption. The other arguments must be those
        of the interrupted call; only `epochs`, `on_nonfinite`, `callbacks` and what is displayed may differ.
    **options
        Of `Trainer`: optimizer, loss (softmax cross-entropy of labels, squared error, binary cross-entropy),
        batch_size, epochs, seed, schedule, shuffle, progress, print_every, on_nonfinite and callbacks. Of these, one
        `EarlyStopping` or `BestWeights` counts for each member by itself; others are called at epochs.

    Returns
    -------
    Population

    Raises
    ------
    ValueError, TypeError
        If the arguments do not fit each other or are not what a population can do, or if the checkpoint to resume is
        damaged or belongs to another training; before any work.
    FileNotFoundError
        If there is no checkpoint to resume.

    Warns
    -----
    UserWarning
        If the loss of a member becomes infinite or NaN. It stops alone; `Population.failed` has its number.

    Notes
    -----
    A member has the same bits whatever other members there are, and whatever the number of threads. It begins with the
    parameters, reads the batches and drops the units of a `Trainer` with its seed; its sums may be rounded otherwise,
    within the bounds of docs/ARCHITECTURE.md. Which networks are trained in which way depends on their layers, their
    dtype and `same_order` alone. After Ctrl-C or an error of a callback, the exception has the population as far as it
    came in its attribute `population`.

    In place of a trainer, callbacks are given an object with the attributes `population`, the members as they are now;
    `history`, whose figures, like those of the epoch that they are told of, are means over the members that were
    trained in it; `epochs`, `loss`; and `stop`, which ends the training if it is set.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> x, y = fastnn.data.glyphs(600, seed=0)
    >>> layers = fastnn.layers
    >>> model = fastnn.Sequential(
    ...     [layers.Dense(16), layers.ReLU(), layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> folds = [np.arange(600) % 5 != fold for fold in range(5)]
    >>> population = fastnn.fit_many(
    ...     model, x, y, seeds=range(5), rows=folds, validation="rest", optimizer="adam", epochs=15, progress=False)
    >>> population.column("val_accuracy").shape
    (15, 5)
    >>> bool(population.column("val_accuracy")[-1].mean() > 0.6)
    True
    """
    template, given = checked_models(models)
    _check_names(options)
    trainer = BaseTrainer(template, **options)
    _check_options(trainer)
    stages = stages_of("fit_many", template)
    samples = Samples.checked(template, trainer.loss, x, y)
    given_rows = len(samples.inputs)
    if trainer.on_nonfinite == "raise":
        check_finite("fit_many", "x", samples.inputs, samples.names)
    listed = {"models": given, "seeds": seeds, "learning_rates": learning_rates, "weight_decays": weight_decays}
    count = numbers_of_members({**listed, "rows": rows, "x": samples.of_each})
    numbers = _seeds(seeds, count, trainer.seed)
    chosen = training_rows(rows, count, samples)
    if rows is not None and isinstance(validation, float):
        raise ValueError("fit_many: validation: expected 'rest' or a pair where rows are given, got a share")
    chosen, held_out, samples = validation_rows(validation, chosen, samples, trainer, numbers)
    if trainer.on_nonfinite == "raise":
        check_finite("fit_many", "validation x", samples.inputs[given_rows:], samples.names)
    optimizer = trainer.optimizer
    members = Members(
        first_params(template, given, numbers, seeds is not None),
        numbers,
        _floats("learning_rates", learning_rates, count, optimizer.learning_rate, above=0),
        _floats("weight_decays", weight_decays, count, optimizer.weight_decay, at_least=0),
        np.full(count, trainer.loss.l2),
        chosen,
        held_out,
    )
    stopping, callbacks = split_callbacks(trainer.callbacks, figure_names(trainer.loss, held_out is not None))
    same_order = flag("fit_many", "same_order", same_order)
    spec = PopulationSpec(
        template, stages, optimizer, trainer.loss,
        terms_of("fit_many", trainer.loss, template.output_shape, samples.labels_or_targets),
        samples.inputs, samples.targets, members,
        epochs=trainer.epochs,
        batch_size=trainer.batch_size or max(map(len, chosen)),
        shuffle=trainer.shuffle,
        order_seed=trainer.seed if same_order else None,
        schedule=trainer.schedule,
        rule=NoRule() if stopping is None else BestRule(stopping, count),
        ignore_nonfinite=trainer.on_nonfinite == "ignore",
        progress=trainer.progress,
        print_every=trainer.print_every,
        configuration={**configuration(trainer), "same_order": same_order},
    )  # fmt: skip
    snapshot = None if resume is None else PopulationSnapshot.read(resume)
    if snapshot is not None:
        snapshot.check(spec)
    return _train(spec, callbacks, snapshot)


def _train(spec: PopulationSpec, callbacks: Sequence[Callback], snapshot: PopulationSnapshot | None) -> Population:
    training = PopulationTraining(spec, callbacks, snapshot)
    try:
        training.train()
    except BaseException as error:
        error.population = training.population  # type: ignore[attr-defined]
        raise
    population = training.population
    failed = population.failed
    if failed:
        named = ", ".join(f"{k} (step {step})" for k, step in list(failed.items())[:_NAMED])
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        warn_caller(
            f"fit_many: the loss of {len(failed)} of {len(population)} members was not finite, and they have stopped "
            f"with parameters that are NaN: members {named}{more}. Likely cause: their learning rates are too large"
        )
    return population


def _check_names(options: Mapping[str, Any]) -> None:
    known = {
        **declared_arguments(fit_many),
        **{name: p for name, p in declared_arguments(BaseTrainer).items() if name not in _WITHOUT},
    }
    for name in ("options", "model"):
        del known[name]
    for name in options:
        if name == "sample_weight":
            raise TypeError(f"fit_many: {name}: a population has none; {ALTERNATIVE}")
        if name not in known and name not in _WITHOUT:
            raise TypeError(unknown_keyword("fit_many", name, known))


def _check_options(trainer: BaseTrainer) -> None:
    for name, value in _WITHOUT.items():
        found = getattr(trainer, name)
        if found != value:
            got = ", ".join(found) if name == "metrics" else repr(found)
            raise ValueError(f"fit_many: {name}: a population has none, got {got}; {ALTERNATIVE}")
    kind = type(trainer.optimizer)
    if kind.update is not Optimizer.update or kind not in vars(optim).values():
        raise ValueError(f"fit_many: optimizer: expected one of fastnn.optim, got {trainer.optimizer!r}; {ALTERNATIVE}")


def _seeds(seeds: Sequence[int] | None, count: int, default: int) -> list[int]:
    if seeds is None:
        return [default] * count
    return wholes("fit_many", "seeds", [*seeds], at_least=0, below=2**64)


def _floats(name: str, values: Sequence[float] | None, count: int, default: float, **ends: Any) -> NDArray[np.float64]:
    if values is None:
        return np.full(count, default)
    return np.array([number("fit_many", f"{name}[{k}]", value, **ends) for k, value in enumerate(values)])
