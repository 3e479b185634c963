"""The loss of one's own, which `fastnn.custom.loss` makes."""

from __future__ import annotations

from typing import Any, cast

from fastnn.kernels import custom
from fastnn.kernels.eager import Ops
from fastnn.losses.regression import OutputwiseLoss


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
        found = custom.find("loss", function)
        if found is None:
            known = ", ".join(custom.names("loss")) or "none"
            raise ValueError(
                f"CustomLoss: function: expected a custom loss of this process ({known}), got {function!r:.80}; "
                "import the module that makes it"
            )
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
