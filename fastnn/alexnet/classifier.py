"""A classifier of images: a small head on AlexNet's features."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.extraction import Extracted, Extractor
from fastnn.alexnet.network import feature_shape
from fastnn.alexnet.views import VIEWS, views_of
from fastnn.alexnet.weights import KEY, MEAN, Description, Weights
from fastnn.architecture import parse
from fastnn.decisions.constant import is_constant
from fastnn.model import Sequential
from fastnn.model.file import building, check_digest, read, write
from fastnn.model.schema import Field, check_fields, is_object, is_text, is_whole

__all__ = ["Classifier", "head_of", "mean_over_views", "one_scale"]

_BASE, _HEAD = "base/", "head/"  # begin the names of tensors in a file
_FIELDS = {
    "cut": Field("text", is_text),
    "head": Field("an object", is_object),
    "views": Field(f"one of {', '.join(map(str, VIEWS))}", lambda value: is_whole(value) and value in VIEWS),
}


def head_of(text: str, weights: Weights, cut: str, class_names: Sequence[str], *, seed: int = 0) -> Sequential:
    """The untrained head that a text describes, for features at a cut.

    Parameters
    ----------
    text : str
        Layers joined by commas: "50,tanh" has 50 units and the hyperbolic tangent; "drop0.5,2048,relu" drops half of
        the features. The outputs, one for each class, follow by themselves; an empty text is those alone.
    weights : Weights
    cut : str
    class_names : sequence of str
    seed : int
        Of the first weights.

    Raises
    ------
    ValueError
        If the text describes no layers, or there are fewer than two classes.

    Examples
    --------
    >>> from fastnn.alexnet import Weights
    >>> from fastnn.alexnet.classifier import head_of
    >>> weights = Weights.random(up_to="conv1")
    >>> [layer.name for layer in head_of("drop0.5,50,tanh", weights, "conv1.pool", ["ant", "bee"]).layers]
    ['dropout1', 'flatten1', 'dense1', 'tanh1', 'dense2']
    """
    if len(class_names) < 2:
        raise ValueError(f"head: expected images of at least two classes, got {', '.join(class_names) or 'none'}")
    words = [f"fc{word}" if re.fullmatch(r"\d+", word) else word for word in "".join(text.split()).split(",") if word]
    shape = feature_shape(weights.description.form, cut, weights.description.response)
    layers = ",".join((*words, f"fc{len(class_names)}"))
    images = "x".join(map(str, (*shape, 1, 1)[:3]))
    return parse(f"conv:{images},{layers}", seed=seed, class_names=class_names)


def one_scale(features: NDArray[np.float32]) -> float:
    """1 / the standard deviation of all numbers: what brings features to the size for which layers are made.

    Raises
    ------
    ValueError
        If all numbers are equal but for their rounding, or one is NaN or infinite.
    """
    low, high = features.min(), features.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("one_scale: features: expected finite numbers, got NaN or infinity")
    if is_constant(low, high, features.dtype):
        raise ValueError("one_scale: features: expected numbers that differ, got equal ones")
    return 1 / float(np.std(features, dtype=np.float64))


def mean_over_views(head: Sequential, features: NDArray[Any], views: int) -> NDArray[Any]:
    """Probabilities (N, C), the mean over views, of features (N · views, D)."""
    probabilities = head.predict_proba(features)
    mean: NDArray[Any] = probabilities.reshape(-1, views, probabilities.shape[1]).mean(axis=1)
    return mean


@dataclass(eq=False)
class Classifier:
    """A trained head and the weights that its features come from.

    Parameters
    ----------
    weights : Weights
    cut : str
    head : Sequential
        Takes features (N, D); its `input_scale` is the scale that they were brought to, and it knows the classes.
    views : {1, 2, 12}
        How often an image is looked at, with the probabilities averaged: as it is; its mirror image too; also its four
        corners and the whole of it squeezed to a square, see `fastnn.alexnet.views`.
    """

    weights: Weights
    cut: str
    head: Sequential
    views: int = 1

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the outputs."""
        assert self.head.class_names is not None
        return self.head.class_names

    def predict_proba(self, images: Any, *, strict: bool = False, **options: Any) -> tuple[NDArray[Any], Extracted]:
        """Probabilities (N, C) of the images that can be read, and which those are.

        Parameters
        ----------
        images : as for `Extractor`
        strict : bool
            Whether a damaged image is an error.
        **options
            Of the `Extractor`: device, batch_size, workers, cache, progress.

        Raises
        ------
        ValueError, TypeError, OSError
            As `Extractor`.
        """
        extractor = Extractor(self.weights, self.cut, **options)
        found = extractor(images, strict=strict, views=views_of("Classifier", self.views))
        return mean_over_views(self.head, found.features, self.views), found.of_first_view(self.views)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write weights up to the cut, head and description to one ``.safetensors`` file, whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written; what was there is then as it was.
        ImportError
            Without the safetensors package.
        """
        base = {name: self.weights.tensors[name] for name in self.weights.names_to(self.cut)}
        base |= {} if self.weights.mean_image is None else {MEAN: self.weights.mean_image}
        tensors = {f"{_BASE}{name}": array for name, array in base.items()}
        tensors |= {f"{_HEAD}{name}": array for name, array in self.head.parameters.items()}
        described = {"cut": self.cut, "head": self.head.config(), "views": self.views}
        write(path, tensors, {KEY: self.weights.description.describe(), "classifier": described})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Classifier:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If it is no such file, or damaged.
        FileNotFoundError
            If there is none.
        ImportError
            Without the safetensors package.
        """
        tensors, said = read(path, "Classifier.load")
        if KEY not in said or "classifier" not in said:
            raise ValueError(f"Classifier.load: {os.fspath(path)}: a fastnn file, but not a classifier on AlexNet")
        check_digest(path, tensors, said, "Classifier.load")
        base = {n.removeprefix(_BASE): array for n, array in tensors.items() if n.startswith(_BASE)}
        mean = base.pop(MEAN, None)
        own = {n.removeprefix(_HEAD): array for n, array in tensors.items() if n.startswith(_HEAD)}
        with building("classifier on AlexNet", path, "Classifier.load"):
            described = said["classifier"]
            check_fields("classifier", described, _FIELDS)
            weights = Weights(Description.from_description(said[KEY]), base, mean)
            features = feature_shape(weights.description.form, described["cut"], weights.description.response)
        head = Sequential.restored(path, described["head"], own, "Classifier.load")
        if head.class_names is None or prod(head.input_shape) != prod(features):
            raise ValueError(
                f"Classifier.load: {os.fspath(path)}: expected a head with names of classes for {prod(features)} "
                f"features, got {head!r:.200}"
            )
        return cls(weights, described["cut"], head, described["views"])

    def summary(self) -> str:
        """One line: network, cut, size of the features, classes."""
        shape = feature_shape(self.weights.description.form, self.cut, self.weights.description.response)
        size = " × ".join(map(str, shape))
        return (
            f"AlexNet ({self.weights.description.form} form) up to {self.cut}: {size} = {prod(shape):,} features; "
            f"{len(self.class_names)} classes: {', '.join(self.class_names)}"
        )
