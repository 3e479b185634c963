"""Which members a population has, and their first parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.init.base import draw_many
from fastnn.model.sequential import Sequential

Array = NDArray[Any]

_ARCHITECTURE = ("layers", "input_shape", "dtype", "input_scale")
_FIRST_VALUES = ("init", "bias_init")
_DRAWN = 1 << 16  # numbers that are drawn at once


def checked_models(models: Any, what: str = "fit_many: models") -> tuple[Sequential, list[Sequential] | None]:
    """A model of the architecture, and the models if there are several; `what` begins the message of an error.

    Raises
    ------
    ValueError, TypeError
        If they are no models, none, or not all of one architecture.
    """
    if isinstance(models, Sequential):
        return models, None
    if not isinstance(models, Sequence) or not all(isinstance(model, Sequential) for model in models):
        raise TypeError(f"{what}: expected a Sequential or a sequence of them, got {models!r:.80}")
    if not models:
        raise ValueError(f"{what}: expected at least one, got none")
    first = _architecture(models[0])
    for k, model in enumerate(models):
        here = _architecture(model)
        wrong = next((name for name in _ARCHITECTURE if here[name] != first[name]), None)
        if wrong is not None:
            raise ValueError(
                f"{what}: expected models of one architecture, got {wrong} {here[wrong]} of model {k} and "
                f"{first[wrong]} of model 0; call fit_many once for each architecture, as with "
                "itertools.groupby(sorted(models, key=repr), key=repr)"
            )
        other = next((n for n, a in model.state.items() if not np.array_equal(a, models[0].state[n])), None)
        if other is not None:
            raise ValueError(f"{what}: expected the same {other} in all models, got others in model {k}")
    return models[0], list(models)


def _architecture(model: Sequential) -> dict[str, Any]:
    config = model.config()
    layers = [{k: v for k, v in layer.items() if k not in _FIRST_VALUES} for layer in config["layers"]]
    return {**{name: config[name] for name in _ARCHITECTURE}, "layers": layers}


def numbers_of_members(listed: Mapping[str, Any]) -> int:
    """K, of which the arguments that have an entry for each member must all speak.

    Raises
    ------
    TypeError
        If one is no collection.
    ValueError
        If they have different lengths, none is given, or K is 0.
    """
    for name, values in listed.items():
        if values is not None and not isinstance(values, Sized):
            hint = f"; range({values}) makes {values}" if name == "seeds" and isinstance(values, int) else ""
            raise TypeError(f"fit_many: {name}: expected one for each member, as in a list, got {values!r:.80}{hint}")
    lengths = {name: len(values) for name, values in listed.items() if values is not None}
    if not lengths:
        raise ValueError(
            "fit_many: seeds: expected a seed for each member that is made of one model, as in range(8), got None"
        )
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise ValueError(f"fit_many: expected equally many for each member, got {found}")
    count = next(iter(lengths.values()))
    if count == 0:
        raise ValueError(f"fit_many: {next(iter(lengths))}: expected at least one member, got 0")
    return count


def first_params(template: Sequential, models: list[Sequential] | None, seeds: list[int], draw: bool) -> Array:
    """The first parameters (K, P): those of the models, or drawn from the seeds as `Sequential.reset` draws them.

    Without several models and without seeds they are those of the one model.
    """
    if models is not None:
        return np.array([model.params for model in models])
    params = np.broadcast_to(template.params, (len(seeds), template.size)).copy()
    for step, p in enumerate(template.named_parameters.values() if draw else ()):
        at_once = max(1, _DRAWN // max(1, p.size))
        for begin in range(0, len(seeds), at_once):
            part = seeds[begin : begin + at_once]
            drawn = draw_many(p.initializer, p.shape, p.fans, part, step)
            params[begin : begin + at_once, p.offset : p.offset + p.size] = drawn.reshape(len(part), p.size)
    return params
