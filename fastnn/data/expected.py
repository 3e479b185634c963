"""What a trained model, or another data set, expects of the data that it is given: columns, classes, scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol

from fastnn.data.dataset import Dataset


class Trained(Protocol):
    """A model, as `fastnn.Sequential` is one: what `load` asks it."""

    input_shape: tuple[int, ...]
    input_scale: float
    output_shape: tuple[int, ...]
    class_names: tuple[str, ...] | None
    column_names: tuple[str, ...] | None
    reading: dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """What data must have to be given to a model, or to be compared with another data set.

    Parameters
    ----------
    other : str
        What expects it, in words: "the model", or the name of the data set.
    values : int
        The number of values of a sample.
    column_names : tuple of str or None
        The names of the values, in their order.
    class_names : tuple of str or None
        The classes, in their order; None if they do not matter.
    scale : float
        The factor on the values.
    shape : tuple of int or None
        The shape of a sample, if it must be this one; a model says itself what it cannot take.
    reading : mapping
        Arguments of `load` by name with which the training read its files, where they are known: "size", "mode", "fit"
        and "background" of images, "label" of a table.
    """

    other: str
    values: int
    column_names: tuple[str, ...] | None
    class_names: tuple[str, ...] | None
    scale: float
    shape: tuple[int, ...] | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, like: Dataset | Trained | Expected) -> Expected:
        """Return what a data set or a model expects."""
        if isinstance(like, Expected):
            return like
        if isinstance(like, Dataset):
            shape = like.train_images.shape[1:]
            classes = like.class_names
            return cls(like.name, prod(shape), like.column_names, classes, like.scale, shape, like.reading)
        names = like.class_names
        if names is None:
            names = tuple(map(str, range(like.output_shape[-1])))
        reading = {**_of_images(like.input_shape), **like.reading}
        return cls("the model", prod(like.input_shape), like.column_names, names, like.input_scale, None, reading)


def _of_images(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the size and the mode of images (C, H, W), nothing for samples that are none."""
    modes = {1: "grey", 3: "rgb"}
    return {"size": shape[1:], "mode": modes[shape[0]]} if len(shape) == 3 and shape[0] in modes else {}
