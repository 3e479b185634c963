"""The fastnn model of a form of AlexNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import DTypeLike, NDArray

from fastnn import layers
from fastnn.alexnet.form import CLASSES, DROPOUT, Conv, Dense, Dropout, Flatten, Pool, ReLU, Response, Step, form_named
from fastnn.layers import chain
from fastnn.model import Sequential

__all__ = ["feature_shape", "layers_of", "sequential"]


def layers_of(steps: Sequence[Step]) -> list[layers.Layer]:
    """A layer for each step."""
    return [_layer(step) for step in steps]


def _layer(step: Step) -> layers.Layer:
    match step.operation:
        case Conv() as conv:
            return layers.Conv2D(conv.filters, conv.size, stride=conv.stride, pad=conv.pad, groups=conv.groups)
        case ReLU():
            return layers.ReLU()
        case Pool() as pool:
            return layers.MaxPool2D(pool.size, stride=pool.stride)
        case Response() as r:
            return layers.LocalResponseNorm(r.size, alpha=r.alpha, beta=r.beta, k=r.k, divide=r.divide)
        case Flatten():
            return layers.Flatten()
        case Dropout() as dropout:
            return layers.Dropout(dropout.rate)
        case Dense() as dense:
            return layers.Dense(dense.units)


def sequential(
    form: str = "torchvision",
    cut: str | None = None,
    *,
    response: Response | None = None,
    tensors: Mapping[str, NDArray[Any]] | None = None,
    classes: int = CLASSES,
    dropout: float = DROPOUT,
    dtype: DTypeLike = "float32",
    seed: int | None = 0,
) -> Sequential:
    """A fastnn model of AlexNet, whole or up to a cut.

    Parameters
    ----------
    form : {"torchvision", "original"}
    cut : str, optional
        The last point, such as "conv5.pool"; by default the whole network.
    response : Response, optional
        Constants and place of the original form's response normalisation.
    tensors : dict of str to array, optional
        Parameters such as "conv1.w" (F, C, R, S) and "fc6.w" (D, M), as `Weights.tensors` has them; more than the
        network needs may be there. By default drawn from `seed`.
    classes : int
        Outputs of the whole network.
    dropout : float
        Share dropped before the hidden fully connected layers while training.
    dtype, seed
        As for `Sequential`.

    Returns
    -------
    Sequential
        Takes images (3, H, W) as the weights' preprocessing gives them; its `points` are the cuts that lie within.

    Raises
    ------
    ValueError
        If there is no such form or cut, or a tensor is missing or misshapen (all are named).

    Notes
    -----
    Krizhevsky, Sutskever & Hinton (2012), and Krizhevsky (2014) for the form that torchvision has.

    Examples
    --------
    >>> from fastnn.alexnet import sequential
    >>> sequential("torchvision", "conv5.pool").output_shape
    (256, 6, 6)
    >>> sequential("original", "conv4.pool").output_shape
    (384, 6, 6)
    """
    chosen = form_named("alexnet", form)
    steps = chosen.steps(response, cut, classes=classes, dropout=dropout)
    made = layers_of(steps)
    shape = (3, chosen.image, chosen.image)
    chain.build(made, shape)  # names the layers
    points = {s.point: layer.name for s, layer in zip(steps, made, strict=True) if s.point not in ("", layer.name)}
    model = Sequential(made, input_shape=shape, dtype=dtype, seed=seed if tensors is None else None, points=points)
    if tensors is not None:
        names = {s.point: layer.name for s, layer in zip(steps, made, strict=True) if layer.parameters}
        wanted = {f"{point}.{part}": f"{layer}.{part}" for point, layer in names.items() for part in ("w", "b")}
        check_tensors("alexnet", tensors, {name: model.parameters[mine].shape for name, mine in wanted.items()})
        for name, mine in wanted.items():
            model.parameters[mine][...] = tensors[name]
    return model


def check_tensors(where: str, tensors: Mapping[str, NDArray[Any]], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError that names every tensor of `wanted` that is missing or has another shape."""
    wrong = [f"{name} {shape} is missing" for name, shape in wanted.items() if name not in tensors]
    wrong += [
        f"{name} has shape {tensors[name].shape}, expected {shape}"
        for name, shape in wanted.items()
        if name in tensors and tensors[name].shape != shape
    ]
    if wrong:
        raise ValueError(f"{where}: {'; '.join(wrong)}")


def feature_shape(form: str, cut: str, response: Response | None = None) -> tuple[int, ...]:
    """Shape of the outputs for one image at a cut.

    Raises
    ------
    ValueError
        If there is no such form or cut.

    Examples
    --------
    >>> from fastnn.alexnet import feature_shape
    >>> feature_shape("torchvision", "conv3.relu")
    (384, 13, 13)
    """
    chosen = form_named("alexnet", form)
    return chain.build(layers_of(chosen.steps(response, cut)), (3, chosen.image, chosen.image))


def tensor_shapes(form: str) -> dict[str, tuple[int, ...]]:
    """Shapes of all parameters of a form, by name ("conv1.w", "fc8.b"), from the input on."""
    chosen = form_named("alexnet", form)
    steps = chosen.steps()
    made = layers_of(steps)
    chain.build(made, (3, chosen.image, chosen.image))
    return {
        f"{step.point}.{p.name}": p.shape for step, layer in zip(steps, made, strict=True) for p in layer.parameters
    }
