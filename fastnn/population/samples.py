"""The samples of a population: one copy, in the form that the kernel reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.inputs import as_array, as_batch
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential

Array = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Samples and targets.

    Parameters
    ----------
    inputs : (R, D) of the model's dtype, scaled
    labels_or_targets : (R,) int64, or (R, ...) of the model's dtype
        As the loss has prepared them.
    of_each : range or None
        One entry for each member, if each has samples of its own: member k has the k-th part of all rows.
    """

    inputs: Array
    labels_or_targets: Array
    of_each: range | None = None

    @property
    def targets(self) -> Array:
        """The targets as the kernel takes them, (R, C)."""
        return np.ascontiguousarray(self.labels_or_targets.reshape(len(self.labels_or_targets), -1))

    @property
    def count(self) -> int:
        """How many samples a member has."""
        return len(self.inputs) // (1 if self.of_each is None else len(self.of_each))

    @classmethod
    def checked(cls, model: Sequential, loss: Loss, x: ArrayLike, y: ArrayLike) -> Samples:
        """Check samples and targets; those of each member by itself are laid one after the other."""
        array, targets = as_array("fit_many", "x", x), as_array("fit_many", "y", y)
        shape = model.sample_shape
        each = array.ndim == len(shape) + 2 and array.shape[2:] == shape and targets.shape[:2] == array.shape[:2]
        if not each:
            return cls._pair(model, loss, "", array, targets)
        members = len(array)
        flat = cls._pair(model, loss, "", array.reshape(-1, *shape), targets.reshape(-1, *targets.shape[2:]))
        return replace(flat, of_each=range(members))

    @classmethod
    def _pair(cls, model: Sequential, loss: Loss, which: str, x: Array, y: Array) -> Samples:
        function = f"fit_many: {which}".rstrip(": ")
        batch = as_batch(function, x, model.input_shape, model.channels_last)
        targets = loss.prepare(y, model.output_shape, model.dtype)
        if len(batch) != len(targets):
            raise ValueError(f"fit_many: {which}x has {len(batch)} samples but y has {len(targets)}")
        rows = np.array(batch.reshape(len(batch), prod(model.input_shape)), model.dtype, order="C")
        if model.input_scale != 1:
            rows *= rows.dtype.type(model.input_scale)
        return cls(rows, targets)

    def with_validation(self, model: Sequential, loss: Loss, x: ArrayLike, y: ArrayLike) -> Samples:
        """These samples, followed by others to validate with."""
        pair = [as_array("fit_many", f"validation {name}", array) for name, array in (("x", x), ("y", y))]
        others = self._pair(model, loss, "validation ", *pair)
        if others.labels_or_targets.shape[1:] != self.labels_or_targets.shape[1:]:
            raise ValueError("fit_many: validation y: expected targets of the same kind as y")
        inputs = np.concatenate([self.inputs, others.inputs])
        return Samples(inputs, np.concatenate([self.labels_or_targets, others.labels_or_targets]), self.of_each)
