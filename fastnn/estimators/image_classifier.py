"""The classifier of images: convolutions before the hidden layers of a multilayer network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import layers
from fastnn.checks import as_array
from fastnn.decisions.axes import looks_channels_last
from fastnn.estimators import parameters
from fastnn.estimators.base import Estimator
from fastnn.estimators.classifiers import MLPClassifier
from fastnn.estimators.signature import with_parameters_of

Array = NDArray[Any]


@with_parameters_of(Estimator)
class ConvNetClassifier(MLPClassifier):
    """A network of convolutions, max-pools and fully connected layers for the classification of images.

    Parameters
    ----------
    image_shape : (C, H, W), optional
        Shape of the image that a flat row forms, by default 1 × 1 × D. Samples may also be images (N, H, W) or
        (N, C, H, W), which determine the shape.
    conv_layers : sequence of int or pair of int
        For each convolution the number of filters, of 3 × 3, or a pair (filters, size). A convolution preserves height
        and width and is followed by a max-pool.
    pool : int
        Size of the max-pools, 1 for none.
    channels_last : bool, optional
        Whether images are (N, H, W, C), and rows of pixels in that order; `image_shape` is (C, H, W) all the same. By
        default they are (N, C, H, W), and images that seem to be the other ones, such as (N, 28, 28, 1), are an error.
    **parameters
        Those of `MLPClassifier`, which here describe the layers after the convolutions.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.estimators import ConvNetClassifier
    >>> x, y = fastnn.data.glyphs(300, seed=0)
    >>> net = ConvNetClassifier(image_shape=(1, 28, 28), conv_layers=(4,), hidden_layer_sizes=(), tol=0.1)
    >>> net = net.set_params(random_state=0, learning_rate_init=0.02, n_iter_no_change=2).fit(x / 255, y)
    >>> bool(net.score(x / 255, y) > 0.5)
    True
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int] | None = None,
        conv_layers: Sequence[Any] = (32,),
        pool: int = 2,
        channels_last: bool | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.image_shape = image_shape
        self.conv_layers = conv_layers
        self.pool = pool
        self.channels_last = channels_last

    @property
    def _last(self) -> bool:  # type: ignore[override]
        return bool(self.channels_last)

    _fitted_shape: tuple[int, ...] | None = None  # shape of the images passed to `fit`, None for rows

    def _first_layers(self) -> tuple[list[layers.Layer], tuple[int, ...]]:
        given = self._fitted_shape if self.image_shape is None else tuple(self.image_shape)
        shape = given or (1, 1, self.n_features_in_)
        if len(shape) != 3 or int(np.prod(shape)) != self.n_features_in_:
            raise ValueError(
                f"{type(self).__name__}: image_shape must be (C, H, W) with {self.n_features_in_} values, got {shape}"
            )
        self._check_axes("image_shape: expected (C, H, W)", shape)
        stack: list[layers.Layer] = []
        height, width = shape[1:]
        for filters, size in parameters.conv_layers(self):
            stack.append(layers.Conv2D(filters, size, pad="same", bias=not self.batch_norm))
            if self.batch_norm:
                stack.append(layers.BatchNorm())
            stack.append(layers.ReLU())
            rows, columns = min(self.pool, height), min(self.pool, width)
            if (rows, columns) != (1, 1):
                stack.append(layers.MaxPool2D((rows, columns)))
                height, width = height // rows, width // columns
        return [*stack, layers.Flatten()], shape

    def _check_axes(self, expected: str, shape: tuple[int, ...]) -> None:
        """Raise ValueError if images (C, H, W) seem to have their channels last, and nothing was said."""
        if self.channels_last is None and looks_channels_last(shape):
            raise ValueError(
                f"{type(self).__name__}: {expected}, got {shape}, whose channels seem to come last; say so with "
                f"channels_last=True and image_shape={(shape[2], *shape[:2])}, or channels_last=False if they do not"
            )

    def _flat(self, X: Any, first: bool = False) -> Any:
        """Convert images to rows. If `first`, remember their shape."""
        if first:
            self._fitted_shape = None
        array = X if hasattr(X, "toarray") or hasattr(X, "columns") else as_array(type(self).__name__, "X", X)
        if getattr(array, "ndim", 2) in (3, 4):
            shape = tuple(array.shape[1:]) if array.ndim == 4 else (1, *array.shape[1:])
            if self.channels_last and array.ndim == 4:
                shape = (shape[2], *shape[:2])
            else:
                self._check_axes("X: expected images (N, C, H, W)", shape)
            if self.image_shape is not None and tuple(self.image_shape) != shape:
                raise ValueError(f"{type(self).__name__}: image_shape is {self.image_shape} but X has images {shape}")
            if first:
                self._fitted_shape = shape
            elif self.image_shape is None and self._fitted_shape != shape:
                fitted = f"images {self._fitted_shape}" if self._fitted_shape else "rows"
                raise ValueError(f"{type(self).__name__}: X has images {shape} but was fitted on {fitted}")
            return array.reshape(len(array), -1)
        return X

    def _checked(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, first: bool) -> Any:
        checked = super()._checked(self._flat(X, first), y, sample_weight, first)
        if not first:
            self.model_.channels_last = self._last
        return checked

    def _shaped(self, x: Array) -> Array:
        return x.reshape(len(x), *self.model_.sample_shape)

    def _inputs(self, X: ArrayLike) -> Any:
        return super()._inputs(self._flat(X))
