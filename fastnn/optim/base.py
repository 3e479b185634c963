"""What an optimiser is: its numbers, its state, and how it changes one parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastnn.checks import number
from fastnn.kernels import UpdateRule
from fastnn.kernels.custom import CustomRule
from fastnn.kernels.eager import Ops
from fastnn.keywords import with_known_keywords
from fastnn.parameter import Parameter


class Optimizer:
    """Base of the optimisers.

    A subclass has a `rule` of the compiled kernels, whose coefficients are attributes of the same names. Or it names
    its state in `slots` and implements `update`: with kernels of `ops`, or with NumPy; the model is then trained layer
    by layer, without compiling.

    Parameters
    ----------
    learning_rate : float
        Above 0; a schedule multiplies it.
    weight_decay : float
        At least 0.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> class SignDescent(fastnn.optim.Optimizer):  # w ← w - rate · sign(g)
    ...     def update(self, ops, parameter, state, rate, t):
    ...         parameter.value -= rate[0] * np.sign(parameter.grad)
    >>> SignDescent(0.1, 0.0)
    SignDescent(learning_rate=0.1, weight_decay=0.0)
    """

    rule: ClassVar[UpdateRule | CustomRule]  # what the update kernels do, if it is one of theirs
    slots: ClassVar[tuple[str, ...]] = ()  # names of the vectors that it keeps for the parameters
    learning_rate: float
    weight_decay: float

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        with_known_keywords(cls)
        if "rule" in vars(cls):
            cls.slots = cls.rule.slots

    def __init__(self, learning_rate: float, weight_decay: float) -> None:
        owner = self._name()
        self.learning_rate = number(owner, "learning_rate", learning_rate, above=0)
        self.weight_decay = number(owner, "weight_decay", weight_decay, at_least=0)

    def _name(self) -> str:
        """By which errors name it."""
        return type(self).__name__

    def initial(self, slot: str) -> float:
        """The value that every element of a slot's vector starts with.

        Parameters
        ----------
        slot : str
            One of `slots`.
        """
        return 0.0

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        """Change one parameter by its gradient.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        parameter : Parameter
            Its `value` is changed; its `grad` is that of the loss.
        state : mapping of str to array
            The parameter's part of each of the `slots`, in its shape.
        rate : (1,) float64 array
            The learning rate of this step.
        t : (1,) int64 array
            The number of this step, counted from 1 over the whole training.
        """
        if not hasattr(self, "rule"):
            raise NotImplementedError(f"{type(self).__name__}: update is missing")
        coefficients = (getattr(self, name) for name in self.rule.coefficients)
        arrays = (parameter.value, state.get("m"), state.get("v"), parameter.grad, rate, t)
        ops.update(*arrays, int(self.rule), self.decay(parameter), *coefficients)

    def decay(self, parameter: Parameter) -> float:
        """The weight decay that applies to a parameter: 0 for biases, scales and shifts.

        Parameters
        ----------
        parameter : Parameter
        """
        return self.weight_decay if parameter.decays else 0.0

    def config(self) -> dict[str, Any]:
        """The constructor arguments."""
        return dict(vars(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.config().items())})"
