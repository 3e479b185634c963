"""The C program that layers write themselves into: constants, buffers and the calls that work on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.export.c.functions import activation_function
from fastnn.kernels.activations import Activation

INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True)
class Value:
    """A sample's numbers at one place of the network: the name of their array in C, and how many they are."""

    name: str
    size: int


@dataclass
class Program:
    """Collects what the C file consists of.

    A buffer is used again as soon as the value in it is no longer needed. A value has an owner until `release`; a
    residual block holds its input for both of its branches.
    """

    dtype: np.dtype[Any]
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    activations: dict[Activation, str] = field(default_factory=dict)
    buffers: dict[str, int] = field(default_factory=dict)  # their sizes by name
    _owners: dict[str, int] = field(default_factory=dict)

    def constant(self, name: str, value: NDArray[Any] | None) -> str:
        """Add an array and return its name in C, which gets a number if it is taken; NULL for None."""
        if value is None:
            return "NULL"
        name = name.replace(".", "_")
        name += f"_{len(self.constants)}" if name in self.constants else ""
        self.constants[name] = np.ascontiguousarray(value, self.dtype)
        return name

    def number(self, value: float) -> str:
        """A number in C, rounded to the dtype."""
        return f"(real){float(self.dtype.type(value))!r}"

    def call(self, function: str, *arguments: object) -> None:
        """Add a call."""
        self.calls.append(f"{function}({', '.join(map(str, arguments))});")

    def buffer(self, size: int) -> Value:
        """A value in a buffer that is free, or in a new one."""
        free = [name for name in self.buffers if not self._owners[name]]
        name = min(free, key=lambda name: abs(self.buffers[name] - size)) if free else f"buffer{len(self.buffers)}"
        self.buffers[name] = max(size, self.buffers.get(name, 0))
        self._owners[name] = 1
        return Value(name, size)

    def hold(self, value: Value) -> None:
        """Keep a value for one more owner."""
        if value.name != INPUT:
            self._owners[value.name] += 1

    def release(self, value: Value) -> None:
        """Say that an owner does not need the value any more."""
        if value.name != INPUT:
            self._owners[value.name] -= 1

    def mapped(self, x: Value, size: int, function: str, *arguments: object) -> Value:
        """The value that a function makes in another buffer, whose place among its arguments is OUT."""
        out = self.buffer(size)
        self.call(function, x.name, *(out.name if argument is OUT else argument for argument in arguments))
        self.release(x)
        return out

    def own(self, x: Value) -> Value:
        """The value in a buffer that may be written over: its own, or a copy if others need it too."""
        if x.name != INPUT and self._owners[x.name] == 1:
            return x
        return self.mapped(x, x.size, "copied", OUT, x.size)

    def activate(self, x: Value, kind: Activation, alpha: float) -> Value:
        """The activations of a value."""
        x = self.own(x)
        if kind is not Activation.IDENTITY:
            self.activations[kind] = activation_function(kind)
            self.call(f"{kind.name.lower()}_all", x.name, x.size, self.number(alpha))
        return x


OUT = object()  # stands for the new buffer among the arguments of `Program.mapped`
