"""Operations on images by fastnn's kernels, called as in a compiled step, or by their NumPy reference.

A compiled step has images in the layout NCHW16n, begins every array on a cache line, and chooses the algorithm of a
convolution. The transform of the weights for Winograd's algorithm is timed too. The reference has plain images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bench import floor, operations
from bench.floor import Call
from bench.operations import FloatArray, Shape
from bench.peers.base import Runner
from bench.workloads import Workload

LANES = 16


def empty(shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
    """An array that is aligned like those of a compiled step."""
    from fastnn.kernels.layout import zeros_on_line

    return zeros_on_line(math.prod(shape), np.dtype(dtype)).reshape(shape)


def innermost(images: FloatArray) -> FloatArray:
    """Convert images n × c × h × w to the layout NCHW16n, n / 16 × c × h × w × 16."""
    grouped = np.moveaxis(images.reshape(-1, LANES, *images.shape[1:]), 1, -1)
    laid = empty(grouped.shape)
    laid[...] = grouped
    return laid


def plain(images: FloatArray) -> FloatArray:
    """Convert images in the layout NCHW16n to n × c × h × w."""
    return np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:-1])


class Operation(Runner):
    """The kernel calls of one step."""

    def __init__(self, workload: Workload, *, reference: bool = False) -> None:
        self.workload = workload
        self.shape = Shape(*workload.sizes)
        self.plain = reference
        self.images: list[FloatArray] = []  # results, in the layout of the kernels
        self.vectors: list[FloatArray] = []
        self.chosen: list[Any] = []  # the operations of a compiled program
        taken = {"conv": self._convolution, "max_pool": self._max_pool, "batch_norm": self._batch_norm}[workload.kind]
        self.calls = self._ready(taken(operations.arrays(workload)))

    def _laid(self, images: FloatArray) -> FloatArray:
        return images if self.plain else innermost(images)

    def _empty(self, shape: tuple[int, ...]) -> FloatArray:
        return self._laid(np.empty(shape, np.float32))

    def _convolution(self, a: operations.Arrays) -> list[tuple[str, tuple[Any, ...]]]:
        from fastnn.kernels import ConvAlgorithm

        s = self.shape
        x, dout, out = self._laid(a.x), self._laid(a.dout), self._empty(s.out)
        algorithm = int(ConvAlgorithm[self.workload.algorithm.upper()])
        window = (s.stride, s.stride, s.pad, s.pad, 1, 1, algorithm)
        self.images = [out]
        calls: list[tuple[str, tuple[Any, ...]]] = [("conv_forward", (x, a.w, a.b, out, *window))]
        if self.workload.direction == "both":
            dx, dw, db = empty(x.shape), empty(a.w.shape), empty(a.b.shape)
            self.images, self.vectors = [out, dx], [dw, db]
            calls.append(("conv_backward_input", (dout, a.w, dx, None, *window)))
            calls.append(("conv_backward_weight", (x, dout, dw, db, *window, 0.0)))
        return calls

    def _max_pool(self, a: operations.Arrays) -> list[tuple[str, tuple[Any, ...]]]:
        s = self.shape
        x, dout, out = self._laid(a.x), self._laid(a.dout), self._empty(s.out)
        argmax = empty(out.shape, np.uint8)
        window = (s.size, s.size, s.stride, s.stride, s.pad, s.pad)
        forward = ("max_pool_forward", (x, out, argmax, *window))
        self.images = [out]
        if self.workload.direction == "forward":
            return [forward]
        self._kernel(forward[0])(*forward[1])
        dx = empty(x.shape)
        self.images = [dx]
        return [("max_pool_backward", (dout, argmax, dx, *window))]

    def _batch_norm(self, a: operations.Arrays) -> list[tuple[str, tuple[Any, ...]]]:
        x, dout = self._laid(a.x), self._laid(a.dout)
        out, dx, (mean, var, dw, db) = empty(x.shape), empty(x.shape), empty((4, self.shape.channels))
        pixels = (self.shape.side**2, *(() if self.plain else (LANES,)))
        rows = {id(array): array.reshape(*array.shape[:2], *pixels) for array in (x, dout, out, dx)}
        count = () if self.plain else (self.shape.images,)
        self.images, self.vectors = [out, dx], [dw, db]
        forward = (rows[id(x)], a.w, a.b, None, None, rows[id(out)], mean, var, *count, operations.EPS, 0.0)
        backward = (rows[id(dout)], rows[id(x)], a.w, mean, var, rows[id(dx)], dw, db, *count, operations.EPS, 0, 0.0)
        return [("batch_norm_forward", forward), ("batch_norm_backward", backward)]

    def _kernel(self, name: str) -> Callable[..., None]:
        from fastnn import kernels

        return kernels.get(name, backend="reference") if self.plain else kernels.get(f"{name}_nchw16n")

    def _ready(self, calls: list[tuple[str, tuple[Any, ...]]]) -> list[tuple[Callable[..., None], tuple[Any, ...]]]:
        """The kernels with their arguments, as in a compiled program."""
        if self.plain:
            return [(self._kernel(name), arguments) for name, arguments in calls]
        from fastnn import kernels
        from fastnn.program.algorithms import choose_algorithms
        from fastnn.program.record import Buffer, Recorder

        made: dict[Buffer, FloatArray] = {}

        def memory(value: Any) -> Any:
            if not isinstance(value, Buffer):
                return value
            return made.setdefault(value, empty(value.shape, value.dtype))

        recorder = Recorder(np.float32)
        for name, arguments in calls:
            getattr(recorder, f"{name}_nchw16n")(*arguments)
        chosen = self.chosen = choose_algorithms(recorder.operations)
        return [(kernels.get(op.kernel), tuple(map(memory, op.arguments))) for op in chosen]

    def work(self) -> list[Call]:
        return floor.calls(self.chosen, samples=self.shape.images)

    def run(self, steps: int) -> int:
        for _ in range(steps):
            for kernel, arguments in self.calls:
                kernel(*arguments)
        return steps

    def check(self) -> list[float]:
        self.run(1)
        images = self.images if self.plain else [plain(result) for result in self.images]
        return operations.numbers(*images, *self.vectors)
