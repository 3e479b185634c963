"""Activations, losses and update rules of the user's own, by number and by name.

`fastnn.custom` makes them. Kernels get their numbers, which begin at `CUSTOM`; the native ones call compiled functions
that were entered in a table of the C side, the reference calls plain Python functions. A model file or an estimator
knows them by name.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from fastnn.kernels.activations import Activation
from fastnn.kernels.limits import CUSTOM, MAX_CUSTOM
from fastnn.kernels.updates import UpdateRule

PROBES = sorted({s * x for s in (-1.0, 1.0) for x in (0.0, 1e-3, *range(1, 60), 80, 100)}, key=abs)
FORWARD, BACKWARD = range(2)  # the places of functions
Kind = Literal["activation", "layer", "loss", "update rule"]
Compile = Callable[[str], list[int]]  # addresses of the functions of a dtype, by place


class CustomKernel:
    """What kernels need to know of an operation of the user's own.

    Parameters
    ----------
    name : str
    digest : str
        Of everything that the operation computes; two of one digest are the same.
    compile : callable
        Gives the addresses of the functions of a dtype, in the order of their places.

    Attributes
    ----------
    number : int
    """

    kind: ClassVar[Kind]

    def __init__(self, name: str, digest: str, compile: Compile) -> None:
        self.name, self.digest, self._compile = name, digest, compile
        self.number = -1
        self._addresses: dict[str, list[int]] = {}

    def __int__(self) -> int:
        return self.number

    def trouble(self, outputs: int) -> str | None:
        """Where it gives a number that is not finite for numbers of an ordinary size, in words; None: nowhere.

        Parameters
        ----------
        outputs : int
            How many outputs a sample has.
        """
        for arguments in self.probes():
            results = np.atleast_1d(np.asarray(self.compute(*map(np.float64, arguments)), np.float64))
            bad = results[~np.isfinite(results)]
            if bad.size:
                return f"the {self.kind} {self.name!r} gives {bad[0]} at {', '.join(f'{a:g}' for a in arguments)}"
        return None

    def probes(self) -> Iterator[tuple[float, ...]]:
        """Arguments of an ordinary size."""
        raise NotImplementedError

    def compute(self, *arguments: Any) -> Any:
        """The results for some arguments, in float64."""
        raise NotImplementedError

    def prepare(self, dtype: Any) -> None:
        """Make the native kernels able to run it on arrays of a dtype; this may compile it.

        Parameters
        ----------
        dtype : dtype
        """
        name = str(dtype)
        if name in self._addresses:
            return
        with _lock:
            if name not in self._addresses:
                addresses = self._compile(name)
                _enter(self.number, name == "float64", addresses)
                self._addresses[name] = addresses

    def call(self, place: int, count: int, *arrays: Any, numbers: Any = None, along: int | None = None) -> None:
        """Run a compiled function on arrays; for the backend that has no native module.

        Parameters
        ----------
        place : int
        count : int
            Of elements.
        *arrays : array or None
            C-contiguous; the first one's dtype is that of the function.
        numbers : float64 array, optional
            The last argument, where the function has one.
        along : int, optional
            The last argument of a layer's function: whether each element has learned numbers of its own.
        """
        self.prepare(arrays[0].dtype)
        pointers = [None if a is None else a.ctypes.data for a in arrays]
        kinds: list[Any] = [*(ctypes.c_void_p for _ in arrays), ctypes.c_int64]
        rest: list[Any] = []
        if numbers is not None:
            kinds, rest = [*kinds, ctypes.c_void_p], [numbers.ctypes.data]
        if along is not None:
            kinds, rest = [*kinds, ctypes.c_int64], [along]
        function = ctypes.CFUNCTYPE(None, *kinds)(self._addresses[str(arrays[0].dtype)][place])
        function(*pointers, count, *rest)


class CustomActivation(CustomKernel):
    """An activation: functions of NumPy scalars that give an output, and its derivative from what was saved."""

    kind = "activation"
    alpha: ClassVar[float] = 0.0

    def __init__(
        self,
        name: str,
        digest: str,
        compile: Compile,
        function: Callable[[Any], Any],
        slope: Callable[[Any], Any],
        backward_needs_input: bool,
        onnx: Callable[[Any, str], str] | None = None,
    ) -> None:
        super().__init__(name, digest, compile)
        self.function, self.slope, self.backward_needs_input = function, slope, backward_needs_input
        self.onnx = onnx

    def probes(self) -> Iterator[tuple[float, ...]]:
        return ((x,) for x in PROBES)

    def compute(self, *arguments: Any) -> Any:
        value = self.function(*arguments)
        return value, self.slope(arguments[0] if self.backward_needs_input else value)


class CustomLayer(CustomKernel):
    """A function of an input and of learned numbers, and what gives its derivatives with respect to all of them."""

    kind = "layer"

    def __init__(
        self,
        name: str,
        digest: str,
        compile: Compile,
        function: Callable[..., Any],
        slopes: Callable[..., Any],
        learned: Mapping[str, float],
        onnx: Callable[..., str] | None = None,
    ) -> None:
        super().__init__(name, digest, compile)
        self.function, self.slopes, self.learned, self.onnx = function, slopes, learned, onnx

    def probes(self) -> Iterator[tuple[float, ...]]:
        return ((x, *self.learned.values()) for x in PROBES)

    def compute(self, *arguments: Any) -> Any:
        return self.function(*arguments), *self.slopes(*arguments)


class CustomLoss(CustomKernel):
    """A loss of an output and its target: a function of NumPy scalars that gives the loss and its derivative."""

    kind = "loss"

    def __init__(
        self, name: str, digest: str, compile: Compile, both: Callable[[Any, Any], tuple[Any, Any]], rows: bool = False
    ) -> None:
        super().__init__(name, digest, compile)
        self.both, self.rows = both, rows

    def trouble(self, outputs: int) -> str | None:
        if not self.rows:
            return super().trouble(outputs)
        target = np.eye(1, outputs)[0]
        for x in PROBES:
            loss, slopes = self.both(np.full(outputs, x), target)
            if not np.isfinite([loss, *slopes]).all():
                what = "a gradient that is not finite" if np.isfinite(loss) else loss
                return f"the loss {self.name!r} gives {what} for {outputs} outputs of {x:g} and the target 1, 0, 0, …"
        return None

    def probes(self) -> Iterator[tuple[float, ...]]:
        return ((x, t) for t in (0.0, 1.0, 10.0) for x in PROBES)

    def compute(self, *arguments: Any) -> Any:
        return self.both(*arguments)


class CustomRule(CustomKernel):
    """An update rule: a function of (w, state …, g, rate, t, coefficient …) that gives the new w and state."""

    kind = "update rule"
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        digest: str,
        compile: Compile,
        step: Callable[..., Any],
        slots: tuple[str, ...],
        coefficients: tuple[str, ...],
        defaults: tuple[float, ...],
    ) -> None:
        super().__init__(name, digest, compile)
        self.step, self.slots, self.coefficients, self.defaults = step, slots, coefficients, defaults

    def probes(self) -> Iterator[tuple[float, ...]]:
        return ((0.5, *(0.0 for _ in self.slots), g, 0.01, 1.0, *self.defaults) for g in PROBES)

    def compute(self, *arguments: Any) -> Any:
        return self.step(*arguments)

    def state(self, m: Any, v: Any) -> list[Any]:
        """The given arrays that the rule keeps, out of m and v."""
        return [array for slot, array in (("m", m), ("v", v)) if slot in self.slots]


AnyKernel = TypeVar("AnyKernel", bound=CustomKernel)
_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    # A fork waits until nobody compiles. Otherwise the child would wait for ever, here or in Numba's own lock, for a
    # thread that it does not have.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_by_number: list[CustomKernel] = []
_by_name: dict[tuple[str, str], CustomKernel] = {}


def enter(kernel: AnyKernel) -> AnyKernel:
    """Give an operation a number and make it known by its name; the one that is there if it is the same.

    Raises
    ------
    ValueError
        If another operation of that kind has the name, or there are too many.
    """
    with _lock:
        known = _by_name.get((kernel.kind, kernel.name))
        if known is not None:
            if known.digest != kernel.digest:
                raise ValueError(f"custom: another {kernel.kind} is called {kernel.name!r}; give this one another name")
            return known  # type: ignore[return-value]
        if len(_by_number) == MAX_CUSTOM:
            raise ValueError(f"custom: expected at most {MAX_CUSTOM} operations in a process, got one more")
        kernel.number = CUSTOM + len(_by_number)
        _by_number.append(kernel)
        _by_name[kernel.kind, kernel.name] = kernel
        return kernel


def names(kind: Kind) -> list[str]:
    """The names of the operations of a kind, in the order in which they were made."""
    return [name for of, name in _by_name if of == kind]


def find(kind: Kind, name: str) -> CustomKernel | None:
    """The operation of a kind and a name, if there is one."""
    return _by_name.get((kind, name))


def wanted(owner: str, kind: Kind, name: object) -> CustomKernel:
    """The operation of a kind and a name, which the argument `function` of `owner` asks for.

    Raises
    ------
    ValueError
        If there is none, with the names that there are.
    """
    found = find(kind, name) if isinstance(name, str) else None
    if found is None:
        known = ", ".join(names(kind)) or "none"
        raise ValueError(
            f"{owner}: function: expected a custom {kind} of this process ({known}), got {name!r:.80}; "
            "import the module that makes it"
        )
    return found


def of_number(number: int) -> Any:
    """The operation of a number."""
    return _by_number[number - CUSTOM]


def activation(kind: float) -> Activation | CustomActivation:
    """The activation that a kernel's argument `kind` stands for."""
    return Activation(int(kind)) if kind < CUSTOM else of_number(int(kind))


def update_rule(rule: float) -> UpdateRule | CustomRule:
    """The update rule that a kernel's argument `rule` stands for."""
    return UpdateRule(int(rule)) if rule < CUSTOM else of_number(int(rule))


def reduced(value: object, module: str, name: str, again: tuple[Any, Any]) -> str | tuple[Any, ...]:
    """How an object is pickled: by the name that its module has for it, or by what makes it again.

    Parameters
    ----------
    value : object
    module, name : str
    again : pair of a function and its arguments
    """
    found = getattr(sys.modules.get(module), name, None) is value
    return name if found and module != "__main__" else again


def _enter(number: int, is_double: bool, addresses: list[int]) -> None:
    try:
        from fastnn.kernels import _native
    except ImportError:
        return
    for place, address in enumerate(addresses):
        _native.set_custom(number, is_double, place, address)
