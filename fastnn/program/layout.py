"""Chooses the layout of images in a compiled step: plain, or NCHW16n with 16 images innermost.

Plain images have shape (n, c, h, w), those in NCHW16n (g, c, h, w, 16). In NCHW16n every vector is full, whatever the
number of channels and the width of a row. One pass over the operations converts arrays where an operation needs a
layout that they do not have yet; an intermediate array may exist in either layout or in both. So consecutive operations
on images stay in one layout, and conversions are needed only next to dense layers.

- A kernel on images that has a variant called ``…_nchw16n`` (convolution, pooling) always uses that variant.
- An elementwise kernel, or one with a variant that also works on rows (normalisation, dropout), uses NCHW16n if
  something that it reads has that layout already.
- Local response normalisation treats every pixel alike, so for it 16 images innermost are one image of 16 times as many
  pixels. It follows without a variant.
- All other kernels use rows.

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
    """Whether that many images should be in NCHW16n: 16 or more, or less than a quarter of the lanes empty."""
    return images >= LANES or 4 * LANES < 5 * images


def _is_elementwise(kernel: str) -> bool:
    arrays = SIGNATURES[kernel].arrays
    return all(a.dims == ("*",) for a in arrays)


def _inner_positions(kernel: str) -> list[int]:
    """The positions of the arrays that `kernel`, or its variant, takes with images innermost."""
    twin = SIGNATURES.get(kernel + SUFFIX)
    if twin is not None:
        return [i for i, a in enumerate(twin.arguments) if a.dims is not None and a.dims[-1] == str(LANES)]
    follows = _is_elementwise(kernel) or kernel in _EVERY_PIXEL_ALIKE
    return list(range(len(SIGNATURES[kernel].arrays))) if follows else []


class _MixedError(Exception):
    """Two operations see different numbers of images in the same array."""


class _Layouts:
    """The operations so far, and the layouts in which each array is up to date."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._inner: dict[Buffer, Buffer] = {}  # the array with images innermost (g, d, 16), by its root
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
        """The array with images innermost, converted if it is going to be read."""
        inner = self._inner_of(value)
        if read and value.root not in self._inner_valid:
            self.operations.append(Operation("rows_to_nchw16n", (self._rows(value), inner)))
            self._inner_valid.add(value.root)
        return inner.reshape((inner.shape[0], *value.shape[1:], LANES))

    def want_rows(self, value: Any) -> None:
        """Make sure that the array is up to date as rows."""
        if isinstance(value, Buffer) and value.root in self._inner_valid and value.root not in self._rows_valid:
            inner = self._inner[value.root]
            images = self._images[value.root]
            rows = value.reshape((images, value.size // images))
            self.operations.append(Operation("nchw16n_to_rows", (inner, rows)))
            self._rows_valid.add(value.root)

    def wrote(self, value: Any, *, inner: bool) -> None:
        """Note that only the layout that was written is up to date; arrays from outside the step are always rows."""
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
    if len(twin.arguments) > len(values):  # the variant must know which lanes are behind the last image
        values.insert(len(twin.arrays), images)
    return Operation(twin.name, tuple(values))


def images_innermost(operations: Sequence[Operation]) -> list[Operation]:
    """The operations, with those on images in NCHW16n where that is better, and with the conversions.

    Parameters
    ----------
    operations : sequence of Operation
        The operations of a whole step. Arrays that are not intermediate stay in rows.
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
