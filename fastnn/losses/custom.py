"""The loss of one's own, which `fastnn.custom.loss` makes."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels import custom
from fastnn.kernels.eager import Ops
from fastnn.kernels.limits import SCRATCH_BYTES
from fastnn.losses.base import Task
from fastnn.losses.regression import OutputwiseLoss
from fastnn.targets import check_rows, class_labels


class CustomLoss(OutputwiseLoss):
    """A loss of one's own, by its name: the mean over samples and outputs of a function of an output and its target.

    Targets have the shape of the outputs, (N, *output_shape), or (N,) for one output; any real dtype.

    Parameters
    ----------
    function : str
        The name of the loss.
    definition : object, optional
        What `fastnn.custom` knows of it besides.
    again : pair, optional
        What makes it again in another process.

    Raises
    ------
    ValueError
        If there is no loss of that name in this process: import the module that makes it.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.loss
    ... def fourth_power(out, target):
    ...     return (out - target) ** 4
    >>> model = fastnn.Sequential([fastnn.layers.Dense(1, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [[2]], loss=fourth_power)
    {'loss': 16.0}
    """

    def __init__(self, function: str, definition: Any = None, again: tuple[Any, Any] | None = None) -> None:
        found = custom.wanted("CustomLoss", "loss", function)
        self.kernel = cast(custom.CustomLoss, found)
        self.name = function  # type: ignore[misc]
        self.kind = int(found)  # type: ignore[assignment, misc]
        self.derivative: str = getattr(definition, "derivative", "")
        self.__module__: str = getattr(definition, "module", type(self).__module__)
        self._again = again or (CustomLoss, (function,))

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        self.kernel.prepare(ops.dtype)
        super().run(ops, out, targets, dx, loss, correct, scale, weights)

    def config(self) -> dict[str, Any]:
        return {"function": self.name}

    def __copy__(self) -> CustomLoss:
        return self

    def __deepcopy__(self, memo: object) -> CustomLoss:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        return custom.reduced(self, self.__module__, self.name, self._again)

    def __repr__(self) -> str:
        how = "given" if self.derivative == "given" else f"by {self.derivative}"
        return f"<loss {self.name}, derivative {how}>"


class CustomRowLoss(CustomLoss):
    """A loss of one's own of all outputs of a sample, by its name; `fastnn.custom.row_loss` makes it.

    Parameters
    ----------
    function : str
        The name of the loss.
    labels : bool
        Whether targets are labels (N,), and not of the shape of the outputs.
    definition : object, optional
        What `fastnn.custom` knows of it besides.
    again : pair, optional
        What makes it again in another process.

    Raises
    ------
    ValueError
        If there is no loss of that name in this process: import the module that makes it.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.row_loss
    ... def largest_error(out, target, grad):
    ...     worst = 0
    ...     for j in range(len(out)):
    ...         grad[j] = 0
    ...         if abs(out[j] - target[j]) > abs(out[worst] - target[worst]):
    ...             worst = j
    ...     grad[worst] = 1 if out[worst] > target[worst] else -1
    ...     return abs(out[worst] - target[worst])
    >>> largest_error.task
    'regression'
    """

    def __init__(
        self, function: str, labels: bool = False, definition: Any = None, again: tuple[Any, Any] | None = None
    ) -> None:
        super().__init__(function, definition, again or (CustomRowLoss, (function, labels)))
        self.labels = labels

    @property
    def task(self) -> Task:
        """What a model that is trained on it does."""
        return "classification" if self.labels else "regression"

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        check_rows(self.name, outputs)
        if outputs[0] * np.dtype(dtype).itemsize > SCRATCH_BYTES:
            most = SCRATCH_BYTES // np.dtype(dtype).itemsize
            raise ValueError(f"{self.name}: expected at most {most} outputs, got {outputs[0]}")
        if not self.labels:
            return super().prepare(targets, outputs, dtype)
        return np.eye(outputs[0], dtype=dtype)[class_labels(self.name, targets, outputs[0])]

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / batch

    def config(self) -> dict[str, Any]:
        return {"function": self.name, "labels": self.labels}

    def __repr__(self) -> str:
        return f"<loss {self.name} of rows, derivative given>"
