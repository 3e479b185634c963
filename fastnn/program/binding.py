"""What a compiled step is bound to: the arrays and numbers of one training, which the next one replaces by its own.

The arrays of a problem are numbered, in an order that is the same for every problem of one kind. A compiled step notes
which of its arguments lie in which of them, so that it can be pointed at those of another problem without being
recorded again. The numbers that may differ as well (the seed, the weight decay, the loss's L2 term) are arguments of
kernels too, and are found by their names in the signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels import SIGNATURES
from fastnn.model.sequential import Sequential
from fastnn.program.record import Buffer, Operation
from fastnn.program.step import Problem

Array = NDArray[Any]

_DECAYS = ("decay", "decay_b", "l2")  # scalars that are a coefficient of an L2 term, or 0
_SOURCE = "source"  # the array whose number of rows may differ


class Slot(Buffer):
    """A stand-in for array `number` of whatever a program is bound to."""

    def __init__(self, number: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        super().__init__(shape, dtype)
        self.number = number


@dataclass(frozen=True)
class Numbers:
    """The numbers of a training that are arguments of its kernels and may differ between two uses of a program.

    Parameters
    ----------
    seed : int
    l2 : float
        The coefficient of the only L2 term that there is, decoupled weight decay included; 0: it stays as it was.
    """

    seed: int = 0
    l2: float = 0.0

    def named(self, name: str, now: float) -> float:
        """The value of the scalar `name` of a kernel whose value was `now` when it was recorded."""
        if name == "seed_low":
            return float(self.seed & 0xFFFFFFFF)
        if name == "seed_high":
            return float(self.seed >> 32)
        return self.l2 if self.l2 and name in _DECAYS and now else now


def arrays_of(problem: Problem) -> list[Array]:
    """All arrays of a problem that its steps may touch: those that are written first, then the data."""
    data = [problem.inputs, problem.targets]
    return [*_written(problem), *(data if problem.weights is None else [*data, problem.weights])]


def arrays_of_model(model: Sequential) -> list[Array]:
    """All arrays that a forward pass may touch."""
    return [*(p.value for p in model.named_parameters.values()), *model.state.values(), model.params]


def _written(problem: Problem) -> Iterator[Array]:
    model = problem.model
    for p in model.named_parameters.values():
        yield p.value
        yield p.grad
    for slots in problem.state.values():
        yield from slots.values()
    yield from model.state.values()
    yield model.params
    yield model.grads


class Binding:
    """Finds arguments of recorded operations among some arrays.

    Parameters
    ----------
    arrays : sequence of array
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self._arrays = arrays
        self._numbers = {id(array): number for number, array in reversed(list(enumerate(arrays)))}
        self._begins = [array.__array_interface__["data"][0] for array in arrays]

    def find(self, value: Array) -> tuple[int, int] | None:
        """The number of the array in which `value` lies, and how many bytes after its beginning; None: in none."""
        number = self._numbers.get(id(value))
        if number is not None:
            return number, 0
        begin = value.__array_interface__["data"][0]
        for number, (array, start) in enumerate(zip(self._arrays, self._begins, strict=True)):
            if value.size and start <= begin and begin + value.nbytes <= start + array.nbytes:
                return number, begin - start
        return None

    def writeable(self, value: Array) -> Array:
        """The same memory, writeable as its array is; what was reshaped while that was locked has stayed read-only."""
        found = None if value.flags.writeable else self.find(value)
        if found is None:
            return value
        memory = self._arrays[found[0]].reshape(-1).view(np.uint8)
        return memory[found[1] : found[1] + value.nbytes].view(value.dtype).reshape(value.shape)

    def without_arrays(self, operation: Operation) -> Operation:
        """The operation with a `Slot` in place of each array that is found, so that it keeps none of them alive."""
        return Operation(operation.kernel, tuple(map(self._slot, operation.arguments)), operation.index)

    def _slot(self, value: Any) -> Any:
        found = self.find(value) if isinstance(value, np.ndarray) else None
        return value if found is None else Slot(found[0], value.shape, value.dtype)


def has_varying_rows(operation: Operation, position: int) -> bool:
    """Whether the number of rows of the array argument at `position` may differ between two uses."""
    return [a for a in SIGNATURES[operation.kernel].arguments if a.is_array][position].name == _SOURCE


def varying_scalars(operations: Sequence[Operation]) -> list[tuple[int, int, str, float]]:
    """(operation, position among its scalars, name, value) of each scalar that `Numbers` may change."""
    found = []
    for i, operation in enumerate(operations):
        names = [a.name for a in SIGNATURES[operation.kernel].arguments if not a.is_array]
        values = operation.arguments[len(operation.arguments) - len(names) :]
        for position, (name, value) in enumerate(zip(names, values, strict=True)):
            if name in ("seed_low", "seed_high") or (name in _DECAYS and value):
                found.append((i, position, name, float(value)))
    return found
