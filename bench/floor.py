"""The floor of a step: the least time that this machine can take for it, by what its kernel calls must do.

A call takes at least as long as its multiply-adds at the measured peak, and as long as the bytes that must cross
between memory and caches at the measured bandwidth. The floor is the sum of the larger of the two over the calls. The
multiply-adds are those of the direct algorithm: products with rows and lanes that only fill up vectors, or with taps on
the padding of images, do not count, and Winograd's algorithm, which needs fewer, may be faster than the floor. Zeros
count as any number.

Before a call the caches hold at most as much as they are large, so that of the arrays that it reads what is larger must
come from memory, and of what it writes the rest must go there. Of a data set that is larger than the caches, the same
share of every row that a step reads must come, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnn.program.record import Operation

LANES = 16  # images side by side in the layout NCHW16n


@dataclass(frozen=True)
class Call:
    """One kernel call: multiply-adds; bytes of rows of the data set, of what else it reads, and of what it writes."""

    kernel: str
    multiply_adds: int
    rows: int
    read: int
    written: int
    times: int = 1  # how often it runs in a step


def taps_inside(inputs: int, outputs: int, taps: int, stride: int, pad: int, dilation: int) -> int:
    """The number of pairs of an output and a tap that is not on the padding, along one axis of an image."""
    places = (o * stride - pad + t * dilation for o in range(outputs) for t in range(taps))
    return sum(0 <= place < inputs for place in places)


def multiply_adds(operation: Operation, samples: int) -> int:
    """The multiply-adds of a call in the direct algorithm; `samples` are the images, of which lanes may hold more."""
    kernel, size = operation.kernel, operation.sizes
    if kernel.startswith("affine_"):
        products = 2 if kernel == "affine_backward_update_nchw16n" else 1
        return products * size["n"] * size["d"] * size["m"]
    if kernel == "winograd_weights" or not kernel.startswith(("conv_", "winograd_")):
        return 0
    named = operation.named
    images = size["n"] if "n" in size else min(samples, LANES * size["g"])
    filters = size["i"] if kernel == "winograd_forward" else size["f"]
    pairs = 1
    for axis, inputs, outputs, taps in (("h", "h", "p", "r"), ("w", "w", "q", "s")):
        window = named.get(f"size_{axis}", 1)  # of the pool behind the convolution
        count = size[taps] if taps in size else named["size"]
        steps = (named.get(f"{name}_{axis}", 1) for name in ("stride", "pad", "dilation"))
        pairs *= taps_inside(size[inputs], size[outputs] * window, count, *steps)
    return int(images * filters * size["k"] * pairs)


def place(value: Any) -> Any:
    """What two arguments share if they are the same memory."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value.__array_interface__["data"][0]
    number = value.root.__dict__.get("number")  # of an array that a program is bound to
    return id(value.root) if number is None else ("slot", number)


def rows_read(operation: Operation, argument: Any, value: Any) -> int | None:
    """How many rows of the data set a call reads through an argument; None if that is another array."""
    from fastnn.program.record import Stream

    index = operation.index if operation.index is not None else operation.named.get("index")
    if argument.name == "source":
        return int((operation["out"] if index is None else index).shape[0])
    if argument.by_index and operation.index is not None:
        return int(operation.index.shape[0])
    streamed = isinstance(getattr(value, "root", None), Stream) and argument.reads and value.ndim > 1
    return int(value.shape[0]) if streamed else None


def calls(operations: Iterable[Operation], times: int = 1, samples: int | None = None) -> list[Call]:
    """What the operations of a program do; without `samples`, the program says how many there are."""
    operations = list(operations)
    if samples is None:
        samples = max((operation.sizes.get("n", 0) for operation in operations), default=0)
    data: set[Any] = set()  # of which the step has read its rows
    found = []
    for operation in operations:
        rows = 0
        read: dict[Any, int] = {}
        written: dict[Any, int] = {}
        for argument, value in operation.arrays():
            where, count = place(value), rows_read(operation, argument, value)
            if count is not None:
                rows += 0 if where in data else count * prod(value.shape[1:]) * value.dtype.itemsize
                data.add(where)
                continue
            if argument.reads:
                read[where] = max(read.get(where, 0), value.nbytes)
            if argument.writes:
                written[where] = max(written.get(where, 0), value.nbytes)
        work = multiply_adds(operation, samples)
        found.append(Call(operation.kernel, work, rows, sum(read.values()), sum(written.values()), times))
    return found


def seconds(call: Call, limits: Mapping[str, Any], caches: int, data: int) -> float:
    """The least time of one call, with limits as `probe.Probe` has them, bytes of caches and bytes of the data set."""
    come = call.rows * max(0.0, 1 - caches / max(1, data)) + max(0, call.read - caches)
    go = max(0, call.written - caches)
    memory = max(come / limits["read_gbs"], (come + go) / limits["update_gbs"])
    return max(2 * call.multiply_adds / limits["fma_gflops"], memory) / 1e9


def floor(work: Iterable[Call], limits: Mapping[str, Any], caches: int, data: int) -> float:
    """The least time of a step, in seconds."""
    return sum(call.times * seconds(call, limits, caches, data) for call in work)
