"""Makes targets of what can be checked: functions, losses, layers, models.

Each ``*_subject`` function runs its subject once forward and once backward, in float64 and on copies, and returns one
target for each gradient. It also notes problems that are no matter of tolerance, such as a function that wrote into its
input.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import losses
from fastnn.checks import as_array, number, whole
from fastnn.gradcheck.differences import Float64, step_around
from fastnn.gradcheck.target import Target
from fastnn.kernels.eager import Eager
from fastnn.layers import Layer
from fastnn.model import Sequential
from fastnn.random import Purpose, integers, normal


@dataclass(frozen=True)
class Subject:
    """A named list of targets, and the other problems that were found."""

    name: str
    targets: list[Target]
    problems: list[str] = field(default_factory=list)


def function_subject(forward: Callable[..., Any], backward: Callable[..., Any], *args: Any, seed: int = 0) -> Subject:
    """The targets of ``forward(*args) -> (out, cache)`` and ``backward(dout, cache) -> gradients``."""
    name = _name(forward)
    names = _argument_names(forward, len(args))
    frozen = [_float64(a) for a in args]
    given = [_copy(a) for a in frozen]
    out, cache = _pair("check_function", name, forward(*given))
    value = _output("check_function", name, out)
    cotangent = normal(seed, Purpose.CHECK, 0, value.shape)
    dout = cotangent.copy()
    gradients = backward(dout, cache)
    problems = [
        f"{name} or {_name(backward)} wrote into its input {names[k]}"
        for k, (a, b) in enumerate(zip(frozen, given, strict=True))
        if _changed(a, b)
    ]
    if _changed(cotangent, dout):
        problems.append(f"{_name(backward)} wrote into its input dout")

    def evaluate(k: int) -> Callable[[Float64], Float64]:
        def run(value: Float64) -> Float64:
            moved = [value.copy() if j == k else _copy(a) for j, a in enumerate(frozen)]
            return np.asarray(forward(*moved)[0], np.float64)

        return run

    targets = []
    for k, gradient in _match(_name(backward), gradients, frozen, names):
        analytic = _gradient("check_function", f"d{names[k]}", gradient, frozen[k])
        targets.append(Target(names[k], frozen[k], analytic, evaluate(k), cotangent))
    return Subject(name, targets, problems)


def loss_subject(loss: Callable[..., Any], x: ArrayLike, *args: Any, seed: int = 0) -> Subject:
    """The target of ``loss(x, *args) -> (loss, dx)``. Nothing is random; `seed` is there because the others have it."""
    name = _name(loss)
    value = np.array(x, np.float64)
    given = [_copy(a) for a in args]
    point = value.copy()
    first, gradient = _pair("check_loss", name, loss(point, *given), "(loss, dx)")
    if np.ndim(first) != 0:
        raise ValueError(f"check_loss: {name} must return (loss, dx), a number first, got shape {np.shape(first)}")
    argument = _argument_names(loss, 1 + len(args))
    problems = [
        f"{name} wrote into its input {argument[k]}"
        for k, (a, b) in enumerate(zip([value, *args], [point, *given], strict=True))
        if _changed(a, b)
    ]
    analytic = _gradient("check_loss", "dx", gradient, value)

    def evaluate(value: Float64) -> Float64:
        return np.asarray(loss(value.copy(), *(_copy(a) for a in args))[0], np.float64)

    return Subject(name, [Target(argument[0], value, analytic, evaluate, np.float64(1.0))], problems)


def layer_subject(
    layer: Layer,
    input_shape: Sequence[int],
    *,
    batch: int = 4,
    seed: int = 0,
    x: ArrayLike | None = None,
    kinks: Sequence[float] = (0.0,),
) -> Subject:
    """The targets of a copy of a layer, built for `input_shape` with random parameters and inputs."""
    batch = whole("check_layer", "batch", batch, at_least=1)
    layer = copy.deepcopy(layer)
    layer.build(tuple(int(n) for n in input_shape))
    ops = Eager(np.float64)
    values: dict[str, NDArray[Any]] = {}
    for k, p in enumerate(layer.parameters):
        p.value = values[p.name] = normal(seed, Purpose.CHECK, 2 + k, p.shape)
        p.grad = np.full(p.shape, np.nan)  # shows what backward forgets to write
    for s in layer.state:
        s.reset(np.float64)
    if x is None:
        drawn = step_around(normal(seed, Purpose.CHECK, 1, (batch, *input_shape)), kinks)
        values["x"] = _with_codes(layer, drawn, seed)
    else:
        values["x"] = np.array(x, np.float64)
        if values["x"].shape[1:] != layer.input_shape:
            raise ValueError(
                f"check_layer: x must have shape (N, {', '.join(map(str, layer.input_shape))}), got {values['x'].shape}"
            )
    before = {key: value.copy() for key, value in values.items()}

    out, cache = layer.forward(ops, values["x"], True)
    value = _output("check_layer", repr(layer), out)
    cotangent = normal(seed, Purpose.CHECK, 0, value.shape)
    dout = cotangent.copy()
    dx = layer.backward(ops, dout, cache, True)
    analytic = {p.name: p.grad for p in layer.parameters} | {"x": dx}
    problems = [f"{layer!r} wrote into {key}" for key, a in before.items() if _changed(a, values[key])]
    if _changed(cotangent, dout):
        problems.append(f"{layer!r}.backward wrote into dout")

    def evaluate(key: str) -> Callable[[Float64], Float64]:
        def run(moved: Float64) -> Float64:
            values[key][...] = moved
            for column in layer.codes if key == "x" else ():  # which have no gradient
                values[key][:, column] = before[key][:, column]
            out = np.array(layer.forward(ops, values["x"], True)[0], np.float64)
            values[key][...] = before[key]
            return out

        return run

    for key, a in before.items():
        values[key][...] = a
    targets = [
        Target(key, a, _gradient("check_layer", f"d{key}", analytic[key], a), evaluate(key), cotangent)
        for key, a in before.items()
    ]
    return Subject(repr(layer), targets, problems)


def model_subject(
    model: Sequential,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    loss: str | losses.Loss = "softmax_cross_entropy",
    batch: int = 8,
    seed: int = 0,
    jitter: float = 1e-3,
) -> Subject:
    """The targets of the loss of a model over a batch, for a copy in float64 with noise added to its parameters."""
    jitter = number("check_model", "jitter", jitter, at_least=0)
    batch = whole("check_model", "batch", batch, at_least=1)
    criterion = losses.get(loss)
    twin = _in_float64(model)
    if not twin.parameters:
        raise ValueError("check_model: the model has no parameters; check_layer checks single layers")
    if X is None and y is None:
        inputs, targets = _random_data(twin, criterion, batch, seed)
    elif X is None or y is None:
        raise ValueError("check_model: X and y must be given together, or neither for random data")
    else:
        inputs, targets = as_array("check_model", "X", X), as_array("check_model", "y", y)
    twin.params += jitter * normal(seed, Purpose.CHECK, 0, twin.params.shape)
    _, gradients = twin.loss_and_gradients(inputs, targets, loss=criterion)

    def evaluate(view: NDArray[Any]) -> Callable[[Float64], Float64]:
        def run(value: Float64) -> Float64:
            here = view.copy()
            view[...] = value
            out, _ = twin.loss_and_gradients(inputs, targets, loss=criterion)
            view[...] = here
            return np.asarray(out, np.float64)

        return run

    found = [
        Target(name, view.copy(), gradients[name], evaluate(view), np.float64(1.0))
        for name, view in twin.parameters.items()
    ]
    return Subject(f"{type(model).__name__} of {len(model.layers)} layers, {criterion.name}", found)


def _in_float64(model: Sequential) -> Sequential:
    twin = type(model)(
        copy.deepcopy(model.layers),
        input_shape=model.input_shape,
        dtype="float64",
        input_scale=model.input_scale,
        channels_last=model.channels_last,
    )
    twin.params[...] = model.params
    return twin


def _random_data(model: Sequential, loss: losses.Loss, batch: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    drawn = normal(seed, Purpose.CHECK, 1, (batch, *model.sample_shape))
    x = _with_codes(model.layers[0], drawn, seed) / model.input_scale
    if loss.classifies:
        return x, integers(seed, Purpose.CHECK, 2, 0, model.output_shape[-1], batch)
    return x, normal(seed, Purpose.CHECK, 2, (batch, *model.output_shape))


def _with_codes(layer: Layer, x: NDArray[Any], seed: int) -> NDArray[Any]:
    """Random samples for a layer, with codes in the columns that are to hold some."""
    for column, count in layer.codes.items():
        x[:, column] = integers(seed, Purpose.CHECK, 1000 + column, 0, count, len(x))
    return x


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", None) or getattr(getattr(function, "func", None), "__name__", function))


def _argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the first `count` arguments, or numbers if the signature has no names."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in positional]
    return [names[k] if k < len(names) else f"argument {k}" for k in range(count)]


def _float64(value: Any) -> Any:
    """Copy an array, as float64 if it is floating; return anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.float64)
    return _copy(value)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _changed(before: Any, after: Any) -> bool:
    """Whether an array has changed, where NaNs and signed zeros count too."""
    return isinstance(before, np.ndarray) and before.tobytes() != after.tobytes()


def _pair(check: str, name: str, value: Any, wanted: str = "(out, cache)") -> tuple[Any, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"{check}: {name} must return {wanted}, got {type(value).__name__}")
    return value


def _output(check: str, name: str, out: Any) -> Float64:
    value = np.asarray(out)
    if value.dtype != np.float64:
        raise TypeError(f"{check}: {name} must return float64 for float64 inputs, got {value.dtype}")
    return value


def _gradient(check: str, name: str, gradient: Any, value: Float64) -> Float64:
    analytic = np.array(gradient, np.float64)
    if analytic.shape != value.shape:
        raise ValueError(
            f"{check}: the gradient {name} must have the shape of its array, {value.shape}, got {analytic.shape}"
        )
    return analytic


def _match(name: str, gradients: Any, args: list[Any], names: list[str]) -> list[tuple[int, Any]]:
    """Assign gradients to arguments in order, to all of them or to the floating arrays among them."""
    given = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
    floating = [k for k, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    places = list(range(len(args))) if len(given) == len(args) else floating
    if len(places) != len(given):
        raise ValueError(
            f"check_function: {name} returned {len(given)} gradients for {len(floating)} floating arrays "
            f"({', '.join(names[k] for k in floating)})"
        )
    pairs = [(k, g) for k, g in zip(places, given, strict=True) if g is not None]
    for k, _ in pairs:
        if k not in floating:
            raise ValueError(
                f"check_function: {name} returned a gradient for {names[k]}, which is no floating array; expected None"
            )
    if not pairs:
        raise ValueError(f"check_function: {name} returned no gradient")
    return pairs
