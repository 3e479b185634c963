"""Models from a short string: ``mlp:784-200-10``, ``conv:32x3,relu,pool2,fc10``, or a name such as ``lenet5``."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import DTypeLike

from fastnn.architecture import conv, mlp
from fastnn.architecture.named import NETWORKS
from fastnn.architecture.words import ACTIVATIONS, LINEAR, checked_activation
from fastnn.init import Initializer
from fastnn.layers import Layer
from fastnn.model import Sequential

__all__ = ["ACTIVATIONS", "LINEAR", "NETWORKS", "parse"]

_KINDS = f"expected mlp:784-200-10, conv:32x3,relu,pool2,fc10 or one of {', '.join(NETWORKS)}"


def parse(
    text: str,
    *,
    activation: str = "relu",
    init: str | Initializer = "glorot_uniform",
    dtype: DTypeLike = "float32",
    seed: int = 0,
    input_scale: float = 1.0,
    class_names: Sequence[str] | None = None,
    input_shape: Sequence[int] | None = None,
    channels_last: bool | None = None,
    first: Sequence[Layer] = (),
) -> Sequential:
    """Build the model that an architecture string describes.

    Parameters
    ----------
    text : str
        One of three forms; spaces and case do not matter.

        - ``mlp:`` and the sizes, joined by ``-``: the number of inputs, the units of each hidden layer and the
          number of outputs. The name of an activation after a hidden layer's units replaces `activation` for that
          layer: ``mlp:784-200-tanh-100-10``.
        - ``conv:`` and the layers, joined by ``,``: ``32x3`` is 32 filters of 3 × 3 with the padding that preserves
          the size (``32x3/2p1`` has stride 2 and padding 1); ``pool2``, ``avgpool2``, ``pool3/2``; ``bn``;
          ``drop0.5``; ``flatten``; ``fc10``; names of activations. The shape of the images may come first:
          ``conv:1x28x28,…``.
        - A name: ``lenet5``, ``letters-cnn`` or ``alexnet``.
    activation : str
        The activation of the hidden layers of ``mlp:`` that name none: a key of `ACTIVATIONS`, or "linear" for none.
    init : str or callable
        Initialiser of the weights, see `fastnn.init`; biases start at zero. Named networks have their own.
    dtype, seed, input_scale, class_names
        As for `Sequential`.
    input_shape : tuple of int, optional
        Shape of an image, (H, W) or (C, H, W), for a text that does not give it.
    channels_last : bool, optional
        As for `Sequential`. A text that gives the shape, as ``conv:1x28x28,...``, gives the channels first.

    first : sequence of Layer
        Layers before those of the text, which leave the shape as it is, such as `fastnn.layers.Standardize`.

    Returns
    -------
    Sequential
        A model whose outputs are raw scores (logits), of shape (N, outputs).

    Raises
    ------
    TypeError
        If `text` is not a string.
    ValueError
        If the string is malformed or names a layer that does not exist, or if another argument does not fit.

    Examples
    --------
    >>> from fastnn.architecture import parse
    >>> [type(layer).__name__ for layer in parse("mlp:784-200-10").layers]
    ['Dense', 'ReLU', 'Dense']
    >>> parse("mlp:64-32-tanh-16-3", activation="elu").params.size
    2659
    >>> [layer.name for layer in parse("conv:1x8x8, 4x3, relu, pool2, fc10").layers]
    ['conv1', 'relu1', 'max_pool1', 'flatten1', 'dense1']
    >>> parse("lenet5", input_shape=(28, 28), class_names="0123456789").params.size
    61706
    """
    if not isinstance(text, str):
        raise TypeError(f"architecture: must be a string, got {type(text).__name__}")
    checked_activation(activation)
    name = "".join(text.split()).lower()
    kind, colon, _ = name.partition(":")
    if name not in NETWORKS and not colon:
        raise ValueError(f"architecture: {text!r} has no colon; {_KINDS}")
    shape: tuple[int, ...] | None = None
    if kind == "mlp":
        inputs, layers = mlp.layers_of(text, activation, init)
        shape = (inputs,)
    elif kind == "conv":
        shape, layers = conv.layers_of(text, init)
    elif name in NETWORKS:
        layers = NETWORKS[name](10 if class_names is None else len(class_names))
    else:
        raise ValueError(f"architecture: unknown kind of network {kind!r} in {text!r}; {_KINDS}")
    return Sequential(
        [*first, *layers],
        input_shape=_images(text, input_shape) if shape is None else shape,
        dtype=dtype,
        seed=seed,
        input_scale=input_scale,
        class_names=class_names,
        channels_last=False if shape is not None and channels_last is None else channels_last,
    )


def _images(text: str, shape: Sequence[int] | None) -> tuple[int, ...]:
    if shape is None:
        raise ValueError(f"architecture: {text!r} does not say the shape of its images; write it as conv:1x28x28,...")
    if len(shape) not in (2, 3):
        raise ValueError(f"architecture: {text!r} needs images (H, W) or (C, H, W), got shape {tuple(shape)}")
    return (1, *shape) if len(shape) == 2 else tuple(shape)
