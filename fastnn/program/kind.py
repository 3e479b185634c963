"""What a compiled program depends on, as a key: two problems of the same kind can use the same program.

An object counts as what its type and its arguments say, which is known of fastnn's own classes alone: a layer, a loss
or an optimiser of somebody else may hold anything, so a program with one is compiled for each training.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from fastnn.kernels.backend import current_backend, native_isa
from fastnn.layers.chain import walk
from fastnn.model.sequential import Sequential
from fastnn.named import is_built_in
from fastnn.program.binding import Numbers
from fastnn.program.step import Problem

_FIRST_VALUES = ("init", "bias_init")  # arguments of layers that matter only before a training


# What `_layers_of` says of each model, with the revision for which it holds.
_known: WeakKeyDictionary[Sequential, tuple[int, Hashable | None]] = WeakKeyDictionary()


def kind_of_model(model: Sequential) -> Hashable | None:
    """What the passes of a model depend on, apart from the values of its arrays; None if that is not known."""
    revision, layers = _known.get(model, (-1, None))
    if revision != model.revision:
        layers = _layers_of(model)
        _known[model] = model.revision, layers
    if layers is None:
        return None
    charged = tuple((p.l1, p.l2, p.decays) for p in model.named_parameters.values())
    numbers = model.dtype, model.precision, model.input_scale
    return current_backend(), native_isa(), *numbers, model.input_shape, layers, charged


def _layers_of(model: Sequential) -> Hashable | None:
    """The class and the settings of the model's layers; None if they are not known."""
    layers = list(walk(model.layers))
    if not all(map(is_built_in, map(type, (model, *layers)))):
        return None
    try:
        described = [
            (type(layer), layer.index, layer._frozen, _arguments(layer.config(), _FIRST_VALUES)) for layer in layers
        ]
    except _UnknownError:
        return None
    return type(model), tuple(described)


def kind_of_problem(problem: Problem, batch: int, rest: int) -> Hashable | None:
    """What the steps of a problem depend on, apart from the values of its arrays and `Numbers`; None: not known.

    Parameters
    ----------
    problem : Problem
    batch, rest : int
        Samples of a step, and of the last one of an epoch, if that has less; else 0.
    """
    model = kind_of_model(problem.model)
    optimizer, loss = problem.optimizer, problem.loss
    if model is None or not (is_built_in(type(optimizer)) and is_built_in(type(loss))):
        return None
    l2 = _l2_terms(problem, batch)
    try:
        rule = _arguments(optimizer.config(), ("learning_rate", "weight_decay"))
        minimised = _arguments(loss.config(), loss.l2_arguments)
    except _UnknownError:
        return None
    return (
        model,
        batch,
        rest,
        type(optimizer),
        rule,
        type(loss),
        minimised,
        tuple(map(bool, l2)) if _varies(l2) else l2,
        problem.clip_value,
        problem.clip_norm,
        problem.average,
        problem.precision,
        problem.inputs.dtype,
        problem.targets.dtype,
        problem.targets.shape[1:],
        problem.weights is None,
    )


def numbers_of(problem: Problem, batch: int) -> Numbers:
    """What else the steps of `batch` samples depend on, which can be changed in a compiled program."""
    l2 = _l2_terms(problem, batch)
    return Numbers(problem.seed, sum(l2) if _varies(l2) else 0.0)


def _l2_terms(problem: Problem, batch: int) -> tuple[float, ...]:
    """The L2 terms of the optimiser, of the loss and of the layers; of the last, only whether there are any."""
    of_layers = any(p.l2 for p in problem.model.named_parameters.values())
    return problem.optimizer.weight_decay, problem.loss.l2 / batch, float(of_layers)


def _varies(l2: tuple[float, ...]) -> bool:
    """Whether a number that an operation charges for weights can only be the one L2 term that there is."""
    return sum(map(bool, l2)) <= 1 and not l2[2]


def _arguments(config: Mapping[str, Any], without: tuple[str, ...]) -> Hashable:
    return tuple((name, _frozen(value)) for name, value in config.items() if name not in without)


class _UnknownError(Exception):
    """An argument is something whose equality says nothing, such as an array."""


def _frozen(value: Any) -> Hashable:
    """A value by which equal arguments are found to be equal.

    Raises
    ------
    _UnknownError
        If there is none.
    """
    if isinstance(value, Mapping):
        return tuple((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    try:
        hash(value)
    except TypeError:
        raise _UnknownError from None
    return value  # type: ignore[no-any-return]
