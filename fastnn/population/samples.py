"""The samples of a population: one copy, in the form that the kernel reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.frames import check_same_order, names_of
from fastnn.inputs import as_array, as_batch
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.population.stages import inputs_of

Array = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Samples and targets.

    Parameters
    ----------
    inputs : (R, D) of the model's dtype, scaled
        As the first dense layer is given them.
    labels_or_targets : (R,) int64, or (R, ...) of the model's dtype
        As the loss has prepared them.
    of_each : range or None
        One entry for each member, if each has samples of its own: member k has the k-th part of all rows.
    names : tuple of str, optional
        Those of the columns of a table.
    """

    inputs: Array
    labels_or_targets: Array
    of_each: range | None = None
    names: tuple[str, ...] | None = None

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
        check_same_order("fit_many", x=x, y=y)
        names = model.column_names or names_of(x)
        targets, shape, given = as_array("fit_many", "y", y), model.sample_shape, np.shape(x)
        if len(given) != len(shape) + 2 or given[2:] != shape or targets.shape[:2] != given[:2]:
            return replace(cls._pair(model, loss, "", x, targets, names), names=names)
        rows = as_array("fit_many", "x", x).reshape(-1, *shape)
        flat = cls._pair(model, loss, "", rows, targets.reshape(-1, *targets.shape[2:]), None)
        return replace(flat, of_each=range(given[0]))

    @classmethod
    def _pair(
        cls, model: Sequential, loss: Loss, which: str, x: ArrayLike, y: Array, names: tuple[str, ...] | None
    ) -> Samples:
        function = f"fit_many: {which}".rstrip(": ")
        batch = as_batch(function, x, model.input_shape, model.channels_last, names)
        targets = loss.prepare(y, model.output_shape, model.dtype)
        if len(batch) != len(targets):
            raise ValueError(f"fit_many: {which}x has {len(batch)} samples but y has {len(targets)}")
        scaled = np.array(batch, model.dtype, order="C")
        if model.input_scale != 1:
            scaled *= scaled.dtype.type(model.input_scale)
        return cls(inputs_of(model, scaled), targets)

    def with_validation(self, model: Sequential, loss: Loss, x: ArrayLike, y: ArrayLike) -> Samples:
        """These samples, followed by others to validate with."""
        targets = as_array("fit_many", "validation y", y)
        others = self._pair(model, loss, "validation ", x, targets, self.names)
        if others.labels_or_targets.shape[1:] != self.labels_or_targets.shape[1:]:
            raise ValueError("fit_many: validation y: expected targets of the same kind as y")
        inputs = np.concatenate([self.inputs, others.inputs])
        return Samples(inputs, np.concatenate([self.labels_or_targets, others.labels_or_targets]), self.of_each)
