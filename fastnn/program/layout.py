"""The layout of images in a compiled step: plain (n, c, h, w), or with 16 images innermost (g, c, h, w, 16).

With 16 images innermost every vector is full whatever the number of channels and the width of a row. A step is passed
once from front to back; each intermediate array may exist in either layout or in both, and is brought into the layout
that an operation wants where it is not there yet. So operations on images that follow each other stay in one layout,
and conversions stand only where dense layers begin and end.

- A kernel with a twin called ``…_nchw16n`` that takes images (convolution, pooling) leads: it wants its arrays
  innermost.
- An elementwise kernel, or a twin that also serves rows (normalisation, dropout), follows: it runs innermost where
  something that it reads lies so already.
- Local response normalisation treats every pixel by itself, so 16 images innermost are to it one image of 16 times as
  many pixels. It follows without a twin.
- Everything else wants rows.

The choice depends on the number of images alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn.kernels import SIGNATURES
from fastnn.kernels.limits import BLOCK_IMAGES
from fastnn.program.record import Buffer, Operation, Stream

LANES = BLOCK_IMAGES
SUFFIX = "_nchw16n"
_LEADERS = ("conv_", "max_pool_", "avg_pool_")
_EVERY_PIXEL_ALIKE = ("local_response_norm_forward", "local_response_norm_backward")


def suits(images: int) -> bool:
    """Whether so many images are better off innermost: 16 or more, or filling 16 lanes up costs less than a quarter."""
    return images >= LANES or 4 * LANES < 5 * images


def _is_elementwise(kernel: str) -> bool:
    arrays = SIGNATURES[kernel].arrays
    return all(a.dims == ("*",) for a in arrays)


def _inner_positions(kernel: str) -> list[int]:
    """Positions of the arrays that `kernel`, or its twin, takes with images innermost."""
    twin = SIGNATURES.get(kernel + SUFFIX)
    if twin is not None:
        return [i for i, a in enumerate(twin.arguments) if a.dims is not None and a.dims[-1] == str(LANES)]
    follows = _is_elementwise(kernel) or kernel in _EVERY_PIXEL_ALIKE
    return list(range(len(SIGNATURES[kernel].arrays))) if follows else []


class _MixedError(Exception):
    """An array holds different numbers of images for different operations."""


class _Layouts:
    """The operations so far, and in which layouts each array is up to date."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._inner: dict[Buffer, Buffer] = {}  # root → the same with images innermost, (g, d, 16)
        self._images: dict[Buffer, int] = {}
        self._rows_valid: set[Buffer] = set()
        self._inner_valid: set[Buffer] = set()

    def is_inner(self, value: Any) -> bool:
        return isinstance(value, Buffer) and value.root in self._inner_valid

    def _inner_of(self, value: Buffer) -> Buffer:
        images = value.shape[0]
        if self._images.setdefault(value.root, images) != images:
            raise _MixedError
        if value.root not in self._inner:
            shape = (-(-images // LANES), value.size // images, LANES)
            self._inner[value.root] = Buffer(shape, value.dtype)
        return self._inner[value.root]

    def _rows(self, value: Buffer) -> Buffer:
        """The array as rows (n, d)."""
        return value.reshape((value.shape[0], value.size // value.shape[0]))

    def want_inner(self, value: Buffer, *, read: bool) -> Buffer:
        """The array with images innermost, up to date where it is going to be read."""
        inner = self._inner_of(value)
        if read and value.root not in self._inner_valid:
            self.operations.append(Operation("rows_to_nchw16n", (self._rows(value), inner)))
            self._inner_valid.add(value.root)
        return inner.reshape((inner.shape[0], *value.shape[1:], LANES))

    def want_rows(self, value: Any) -> None:
        """See to it that the array's rows are up to date."""
        if isinstance(value, Buffer) and value.root in self._inner_valid and value.root not in self._rows_valid:
            inner = self._inner[value.root]
            images = self._images[value.root]
            rows = value.reshape((images, value.size // images))
            self.operations.append(Operation("nchw16n_to_rows", (inner, rows)))
            self._rows_valid.add(value.root)

    def wrote(self, value: Any, *, inner: bool) -> None:
        """Only the layout that was written is up to date; what others see are rows."""
        if not isinstance(value, Buffer):
            return
        here, there = self._inner_valid, self._rows_valid
        if not inner:
            here, there = there, here
        here.add(value.root)
        there.discard(value.root)
        if inner and isinstance(value.root, Stream):
            self.want_rows(value)


def _goes_inner(operation: Operation, layouts: _Layouts) -> bool:
    positions = _inner_positions(operation.kernel)
    values = [operation.arguments[i] for i in positions]
    if not positions or any(v is not None and not (isinstance(v, Buffer) and v.ndim > 1) for v in values):
        return False
    images = {v.shape[0] for v in values if v is not None}
    if len(images) != 1 or not suits(images.pop()):
        return False
    if operation.kernel.startswith(_LEADERS):
        return True
    reads = [operation.arguments[i] for i in positions if SIGNATURES[operation.kernel].arguments[i].reads]
    return any(layouts.is_inner(v) for v in reads)


def _inner_operation(operation: Operation, layouts: _Layouts) -> Operation:
    twin = SIGNATURES.get(operation.kernel + SUFFIX, SIGNATURES[operation.kernel])
    positions = _inner_positions(operation.kernel)
    values = list(operation.arguments)
    images = next(values[i].shape[0] for i in positions if values[i] is not None)
    for i in positions:
        if values[i] is not None:
            values[i] = layouts.want_inner(values[i], read=SIGNATURES[operation.kernel].arguments[i].reads)
            if operation.kernel in _EVERY_PIXEL_ALIKE:
                groups, channels, pixels, lanes = values[i].shape
                values[i] = values[i].reshape((groups, channels, pixels * lanes))
    if len(twin.arguments) > len(values):  # where the lanes behind the last image must be told apart
        values.insert(len(twin.arrays), images)
    return Operation(twin.name, tuple(values))


def images_innermost(operations: Sequence[Operation]) -> list[Operation]:
    """The operations, those on images with 16 of them innermost, and the conversions between.

    Parameters
    ----------
    operations : sequence of Operation
        Of a whole step; what lies in arrays that are not intermediate stays in rows.
    """
    layouts = _Layouts()
    try:
        for operation in operations:
            arguments = SIGNATURES[operation.kernel].arguments
            inner = _goes_inner(operation, layouts)
            positions = _inner_positions(operation.kernel) if inner else []
            for i, (argument, value) in enumerate(zip(arguments, operation.arguments, strict=True)):
                if argument.is_array and argument.reads and i not in positions:
                    layouts.want_rows(value)
            layouts.operations.append(_inner_operation(operation, layouts) if inner else operation)
            for i, (argument, value) in enumerate(zip(arguments, operation.arguments, strict=True)):
                if argument.is_array and argument.writes:
                    layouts.wrote(value, inner=i in positions)
    except _MixedError:
        return list(operations)
    return layouts.operations
