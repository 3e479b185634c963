"""Models from a short string: ``mlp:784-200-10``, ``conv:32x3,relu,pool2,fc10``, or a name such as ``lenet5``."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import DTypeLike

from fastnn.architecture import conv, mlp
from fastnn.architecture.named import NETWORKS
from fastnn.architecture.words import ACTIVATIONS, LINEAR, checked_activation
from fastnn.init import Initializer
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
) -> Sequential:
    """Build the model that an architecture string describes.

    Parameters
    ----------
    text : str
        ``mlp:`` and then, joined by ``-``, the number of inputs, of units of each hidden layer and of
        outputs. A name of an activation behind a hidden layer's units is used there instead of `activation`:
        ``mlp:784-200-tanh-100-10``.
        ``conv:`` and then, joined by ``,``, the layers: ``32x3`` 32 filters of 3 × 3 with the padding that keeps the
        size (``32x3/2p1``: in steps of 2, padding 1), ``pool2``, ``avgpool2`` (``pool3/2``), ``bn``, ``drop0.5``,
        ``flatten``, ``fc10``, names of activations. The shape of the images may stand before them: ``conv:1x28x28,…``.
        Or a name: ``lenet5``, ``letters-cnn``, ``alexnet``. Spaces and case do not matter.
    activation : str
        Of ``mlp:``, behind every other hidden layer: a key of `ACTIVATIONS`, or "linear" for none.
    init : str or callable
        Initialiser of the weights, see `fastnn.init`; biases start at zero. Named networks bring theirs.
    dtype, seed, input_scale, class_names
        As for `Sequential`.
    input_shape : tuple of int, optional
        Of an image, (H, W) or (C, H, W), where the text does not say it.

    Returns
    -------
    Sequential
        The outputs are raw (logits).

    Raises
    ------
    ValueError
        If the string is malformed or names a layer that does not exist, or another argument does not fit.

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
        layers,
        input_shape=_images(text, input_shape) if shape is None else shape,
        dtype=dtype,
        seed=seed,
        input_scale=input_scale,
        class_names=class_names,
    )


def _images(text: str, shape: Sequence[int] | None) -> tuple[int, ...]:
    if shape is None:
        raise ValueError(f"architecture: {text!r} does not say the shape of its images; write it as conv:1x28x28,...")
    if len(shape) not in (2, 3):
        raise ValueError(f"architecture: {text!r} needs images (H, W) or (C, H, W), got shape {tuple(shape)}")
    return (1, *shape) if len(shape) == 2 else tuple(shape)
