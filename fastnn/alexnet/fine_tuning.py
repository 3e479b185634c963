"""Fine-tuning: AlexNet's layers above a point and a head as one model, and what was trained back in its two parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import layers
from fastnn.alexnet.classifier import Classifier
from fastnn.alexnet.form import Step
from fastnn.alexnet.network import feature_shape, layers_of
from fastnn.alexnet.weights import Weights
from fastnn.layers.description import describe, described
from fastnn.model import Sequential

__all__ = ["joined", "parted", "points_below"]


def points_below(weights: Weights, cut: str) -> tuple[str, ...]:
    """The points below a cut with layers between the two that can be trained, from the input on.

    Examples
    --------
    >>> from fastnn.alexnet import Weights
    >>> from fastnn.alexnet.fine_tuning import points_below
    >>> points_below(Weights.random(up_to="conv2"), "conv2.relu")
    ('conv1', 'conv1.relu', 'conv1.pool')
    """
    steps = weights.form.steps(weights.description.response, cut)
    last = max(i for i, step in enumerate(steps) if step.point in weights.form.names)
    return tuple(step.point for step in steps[:last] if step.point)


def joined(weights: Weights, cut: str, head: Sequential, above: str | None = None) -> Sequential:
    """AlexNet's layers from a point up to a cut, and a head, as one model with copies of their parameters.

    Parameters
    ----------
    weights : Weights
    cut : str
        Where the head begins.
    head : Sequential
        Takes features at the cut.
    above : str, optional
        The layers behind this point are part of the model, and the point's values are its inputs; by default all
        layers are, and prepared images are its inputs.

    Raises
    ------
    ValueError
        If there is no such cut, no such point below it with layers to train between them, or weights are missing.

    Notes
    -----
    The factor on the features that belongs to the head (`one_scale`) becomes a frozen layer between the two.

    Examples
    --------
    >>> from fastnn.alexnet import Weights
    >>> from fastnn.alexnet.classifier import head_of
    >>> from fastnn.alexnet.fine_tuning import joined
    >>> weights = Weights.random(up_to="conv2")
    >>> model = joined(weights, "conv2.pool", head_of("50,tanh", weights, "conv2.pool", ["ant", "bee"]), "conv1.pool")
    >>> [layer.name for layer in model.layers]
    ['conv1', 'relu1', 'max_pool1', 'flatten1', 'dense1', 'tanh1', 'dense2']
    """
    response = weights.description.response
    steps = _between(weights, cut, above)
    if above is None:
        inputs: tuple[int, ...] = (3, weights.form.image, weights.form.image)
    else:
        inputs = feature_shape(weights.form.name, above, response)
    lower = layers_of(steps)
    factor = _factor(weights, cut, head)
    upper = [described(describe(layer)) for layer in head.layers]
    model = Sequential([*lower, *factor, *upper], input_shape=inputs, seed=None, class_names=head.class_names)
    model.seed = head.seed
    for step, layer in zip(steps, lower, strict=True):
        for p in layer.parameters:
            name = f"{step.point}.{p.name}"
            if name not in weights.tensors:
                raise ValueError(f"joined: {name} {p.shape} is missing")
            p.value[...] = weights.tensors[name]
    for layer in factor:
        layer.parameters[0].value[...] = head.input_scale
        layer.frozen = True
    for mine, theirs in zip(upper, head.layers, strict=True):
        _copy(mine.arrays, theirs.arrays)
    return model


def parted(model: Sequential, weights: Weights, cut: str, head: Sequential, above: str | None = None) -> Classifier:
    """The classifier of a model that `joined` made of the same arguments, with the parameters that it has now.

    Raises
    ------
    ValueError
        As `joined`.

    Examples
    --------
    >>> from fastnn.alexnet import Weights
    >>> from fastnn.alexnet.classifier import head_of
    >>> from fastnn.alexnet.fine_tuning import joined, parted
    >>> weights = Weights.random(up_to="conv1")
    >>> head = head_of("", weights, "conv1.pool", ["ant", "bee"])
    >>> parted(joined(weights, "conv1.pool", head), weights, "conv1.pool", head).class_names
    ('ant', 'bee')
    """
    steps = _between(weights, cut, above)
    tensors: dict[str, NDArray[Any]] = dict(weights.tensors)
    for step, layer in zip(steps, model.layers[: len(steps)], strict=True):
        tensors |= {f"{step.point}.{name}": np.array(array) for name, array in layer.arrays.items()}
    trained = Sequential.from_config(head.config(), draw=False)
    above_cut = model.layers[len(model.layers) - len(head.layers) :]
    for mine, theirs in zip(trained.layers, above_cut, strict=True):
        _copy(mine.arrays, theirs.arrays)
    return Classifier(replace(weights, tensors=tensors), cut, trained)


def _copy(into: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    for name, array in arrays.items():
        into[name][...] = array


def _between(weights: Weights, cut: str, above: str | None) -> tuple[Step, ...]:
    steps = weights.form.steps(weights.description.response, cut)
    if above is None:
        return steps
    below = points_below(weights, cut)
    if above not in below:
        raise ValueError(
            f"fine-tuning: expected a point below {cut} with layers to train between the two, one of "
            f"{', '.join(below) or 'none'}; got {above!r}"
        )
    return steps[[step.point for step in steps].index(above) + 1 :]


def _factor(weights: Weights, cut: str, head: Sequential) -> list[layers.Layer]:
    """A layer that multiplies by the head's factor: a convolution of one pixel, each channel by itself."""
    if head.input_scale == 1:
        return []
    channels = feature_shape(weights.form.name, cut, weights.description.response)[0]
    if len(head.input_shape) != 3:
        raise ValueError(f"joined: head: expected one that takes (C, H, W), got {head.input_shape}")
    return [layers.Conv2D(channels, 1, groups=channels, bias=False)]
