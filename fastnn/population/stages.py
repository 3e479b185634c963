"""What the population kernel needs to know of a network: its dense layers, and where its intermediate arrays stand."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.functional.dropout import stream
from fastnn.kernels import Activation
from fastnn.kernels.eager import Eager
from fastnn.kernels.populations import POPULATION_STAGES, StageField
from fastnn.layers import Dense, Dropout, Flatten, Standardize
from fastnn.layers.base import Layer
from fastnn.model.sequential import Sequential

Array = NDArray[Any]

ALTERNATIVE = "train such models one by one, with Trainer.fit"
_FIRST = (Flatten, Standardize)  # what may come before the dense layers: the same for all members in every step


@dataclass(frozen=True)
class Stage:
    """A dense layer with the activation and the dropout that follow it."""

    dense: Dense
    activation: Activation = Activation.IDENTITY
    alpha: float = 0.0
    rate: float = 0.0
    purpose: int = 0


def stages_of(function: str, model: Sequential) -> list[Stage]:
    """The stages of a model.

    Raises
    ------
    ValueError
        If it has a layer that a population cannot train.
    """
    stages: list[Stage] = []
    for layer in model.layers:
        _check_layer(function, layer)
        last = stages[-1] if stages else None
        if type(layer) in _FIRST and last is None:
            continue
        if type(layer) is Dense:
            stages.append(Stage(layer))
        elif type(layer) is Dropout and last is not None and not last.rate:
            stages[-1] = Stage(last.dense, last.activation, last.alpha, layer.rate, stream(0, layer.index)[2])
        elif isinstance(kind := getattr(layer, "activation", None), Activation) and _is_free(last):
            assert last is not None
            stages[-1] = Stage(last.dense, kind, getattr(layer, "alpha", 0.0))
        else:
            raise ValueError(
                f"{function}: models: expected dense layers, each with at most an activation and a dropout behind it, "
                f"and before them at most a Standardize, got {layer!r} as {layer.name}; {ALTERNATIVE}"
            )
    if not 1 <= len(stages) <= POPULATION_STAGES:
        raise ValueError(f"{function}: models: expected 1 to {POPULATION_STAGES} dense layers, got {len(stages)}")
    return stages


def inputs_of(model: Sequential, x: Array) -> Array:
    """What the first dense layer is given for the samples x (N, *input_shape) of the model's dtype, as rows (N, D)."""
    ops = Eager(model.dtype)
    for layer in model.layers:
        if type(layer) not in _FIRST:
            break
        x, _ = layer.forward(ops, x, False)
    return np.ascontiguousarray(x.reshape(len(x), -1))


def trained_part(model: Sequential) -> Sequential:
    """A model of the layers that follow on what `inputs_of` applies, whose samples are the rows that it returns."""
    first = next(i for i, layer in enumerate(model.layers) if type(layer) not in _FIRST)
    layers = deepcopy(model.layers[first:])
    part = Sequential(layers, input_shape=(prod(layers[0].input_shape),), dtype=model.dtype, seed=None)
    for layer, original in zip(layers, model.layers[first:], strict=True):
        layer.index = original.index  # which decides what a dropout drops
    return part


def _is_free(stage: Stage | None) -> bool:
    """Whether an activation can follow."""
    return stage is not None and stage.activation == Activation.IDENTITY and not stage.rate


def _check_layer(function: str, layer: Layer) -> None:
    if layer.frozen:
        raise ValueError(
            f"{function}: models: expected layers that are all trained, got {layer.name} frozen; {ALTERNATIVE}"
        )
    if type(layer) is Dense and (layer.l1 or layer.l2):
        raise ValueError(
            f"{function}: models: expected layers without penalties of their own, got {layer!r}; use weight_decays, or "
            f"{ALTERNATIVE}"
        )


def stage_table(stages: list[Stage], batch: int) -> tuple[Array, int]:
    """The argument ``stages`` of the kernel for steps of at most `batch` samples, and the size of a workspace.

    Returns
    -------
    table : (L, fields) float64
    size : int
        In vectors of the kernel.
    """
    rows, at, parameter = np.zeros((len(stages), len(StageField))), batch * stages[0].dense.w.shape[0], 0
    for row, stage in zip(rows, stages, strict=True):
        inputs, units = stage.dense.w.shape
        size, needs_sums = batch * units, stage.activation.backward_needs_input
        arrays = [StageField.SUMS, StageField.GRADIENT]
        arrays += [StageField.OUTPUTS] * needs_sums + [StageField.KEPT, StageField.MASK] * bool(stage.rate)
        places = {field: at + i * size for i, field in enumerate(arrays)}
        at += len(arrays) * size
        outputs = places.setdefault(StageField.OUTPUTS, places[StageField.SUMS])
        places[StageField.SAVED] = places[StageField.SUMS] if needs_sums else outputs
        places.setdefault(StageField.KEPT, outputs)
        numbers = {
            StageField.INPUTS: inputs,
            StageField.UNITS: units,
            StageField.BIAS: stage.dense.b is not None,
            StageField.KIND: stage.activation,
            StageField.ALPHA: stage.alpha,
            StageField.RATE: stage.rate,
            StageField.PURPOSE: stage.purpose,
            StageField.WEIGHTS: parameter,
        }
        for field, value in (places | numbers).items():
            row[field] = value
        parameter += sum(prod(p.shape) for p in stage.dense.parameters)
    return rows, at
