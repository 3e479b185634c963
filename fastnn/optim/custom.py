"""The optimiser of an update rule of one's own, which `fastnn.custom.update_rule` makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from fastnn.checks import number
from fastnn.kernels import custom
from fastnn.kernels.eager import Ops
from fastnn.optim.base import Optimizer
from fastnn.parameter import Parameter


class CustomOptimizer(Optimizer):
    """An optimiser of an update rule of one's own, by its name; calling the rule makes it.

    Parameters
    ----------
    function : str
        The name of the rule.
    learning_rate : float
        Above 0.
    weight_decay : float
        At least 0; ``weight_decay w`` is added to the gradient of weights.
    **coefficients : float
        The rule's own numbers.

    Raises
    ------
    TypeError, ValueError
        If there is no rule of that name, or a number is not one of its own, or out of its range.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.update_rule
    ... def heavy_ball(w, v, g, rate, t, momentum=0.9):
    ...     v = momentum * v + rate * g
    ...     return w - v, v
    >>> heavy_ball(0.1, momentum=0.5)
    heavy_ball(learning_rate=0.1, weight_decay=0.0, momentum=0.5)
    """

    def __init__(
        self, function: str, learning_rate: float = 0.01, weight_decay: float = 0.0, **coefficients: float
    ) -> None:
        found = custom.wanted("CustomOptimizer", "update rule", function)
        self.function = function
        super().__init__(learning_rate, weight_decay)
        self.kernel = cast(custom.CustomRule, found)
        self.slots = self.kernel.slots  # type: ignore[misc]
        self.rule = self.kernel  # type: ignore[misc]
        unknown = coefficients.keys() - set(self.kernel.coefficients)
        if unknown:
            expected = ", ".join(("learning_rate", "weight_decay", *self.kernel.coefficients))
            raise TypeError(f"{function}: expected {expected}, got {', '.join(sorted(unknown))}")
        for name, default in zip(self.kernel.coefficients, self.kernel.defaults, strict=True):
            setattr(self, name, number(function, name, coefficients.get(name, default)))

    def _name(self) -> str:
        return self.function

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        self.kernel.prepare(ops.dtype)
        super().update(ops, parameter, state, rate, t)

    def config(self) -> dict[str, Any]:
        names = ("function", "learning_rate", "weight_decay", *self.kernel.coefficients)
        return {name: getattr(self, name) for name in names}

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (RuleMaker.named(self.function), self.config())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.config().items() if k != "function")
        return f"{self.function}({arguments})"


def _made(maker: RuleMaker, config: dict[str, Any]) -> CustomOptimizer:
    return CustomOptimizer(**config)


class RuleMaker:
    """An update rule of one's own: calling it makes an optimiser. `fastnn.custom.update_rule` returns it.

    Attributes
    ----------
    name : str
    slots : tuple of str
        The state arrays that it keeps.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.update_rule
    ... def plain_descent(w, g, rate, t):
    ...     return w - rate * g
    >>> plain_descent
    <update rule plain_descent of (w, g, rate, t)>
    """

    _known: dict[str, RuleMaker] = {}  # noqa: RUF012

    def __init__(self, kernel: custom.CustomRule, definition: Any, signature: str, again: tuple[Any, Any]) -> None:
        self.kernel, self.name, self.slots = kernel, kernel.name, kernel.slots
        self.signature = signature
        self.__module__: str = definition.module
        self._again = again
        self._known[self.name] = self

    @classmethod
    def named(cls, name: str) -> RuleMaker:
        """The rule of a name.

        Parameters
        ----------
        name : str
        """
        return cls._known[name]

    def __call__(
        self, learning_rate: float = 0.01, *, weight_decay: float = 0.0, **coefficients: float
    ) -> CustomOptimizer:
        return CustomOptimizer(self.name, learning_rate, weight_decay, **coefficients)

    def __copy__(self) -> RuleMaker:
        return self

    def __deepcopy__(self, memo: object) -> RuleMaker:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        return custom.reduced(self, self.__module__, self.name, self._again)

    def __repr__(self) -> str:
        return f"<update rule {self.name} of {self.signature}>"
