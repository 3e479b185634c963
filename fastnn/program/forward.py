"""Running a model on many samples: a compiled forward pass over blocks of rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fastnn.inputs import gatherable
from fastnn.kernels.backend import current_backend
from fastnn.kernels.eager import Eager, Ops
from fastnn.model.sequential import Sequential
from fastnn.program.compiled import Compiled, record
from fastnn.program.record import NotRecordableError

Array = NDArray[Any]
BLOCK_ROWS = 256
KEPT_PROGRAMS = 8  # of each model
_LOOK_UP_SECONDS = 0.1  # a compiled run returns to Python this often, so that Ctrl-C works

# compiled passes that nobody runs now, the longest unused first: a thread takes one out for as long as it needs it
_idle: WeakKeyDictionary[Sequential, dict[Hashable, Compiled | None]] = WeakKeyDictionary()


def _block(ops: Ops, model: Sequential, source: Any, out_rows: Any, probabilities: bool) -> None:
    """Outputs of the first rows of `source`, written to `out_rows`."""
    n = out_rows.shape[0]
    x = ops.empty((n, prod(model.input_shape)))
    ops.gather_rows(source, None, x, model.input_scale)
    out, _ = model.run_forward(ops, x.reshape((n, *model.input_shape)), False)
    flat = out.reshape((n, prod(model.output_shape)))
    if probabilities and not model.gives_probabilities:
        ops.softmax_forward(flat, out_rows, 1.0)
    else:
        ops.gather_rows(flat, None, out_rows, 1.0)


def _compile(model: Sequential, rows: int, dtype: np.dtype[Any], probabilities: bool) -> Compiled:
    """The pass over `rows` samples of `dtype`: stream 0 holds them, stream 1 takes the outputs."""

    def step(ops: Any) -> None:
        source = ops.stream((rows, prod(model.input_shape)), dtype)
        out = ops.stream((rows, prod(model.output_shape)), model.dtype)
        _block(ops, model, source, out, probabilities)

    return Compiled(record(step, model.dtype))


@contextmanager
def _compiled(model: Sequential, rows: int, dtype: np.dtype[Any], probabilities: bool) -> Iterator[Compiled | None]:
    """The compiled pass over `rows` samples of `dtype`; None where a layer cannot be recorded."""
    idle = _idle.setdefault(model, {})
    key = (rows, dtype, probabilities, model.input_scale)
    try:
        program = idle.pop(key)
    except KeyError:
        try:
            program = _compile(model, rows, dtype, probabilities)
        except NotRecordableError:
            program = None
    try:
        yield program
    finally:
        idle[key] = program
        for old in list(idle)[:-KEPT_PROGRAMS]:
            idle.pop(old, None)


class Quick:
    """The pass over one small block, bound to its shape and dtype: a call costs little more than its arithmetic."""

    def __init__(self, model: Sequential, x: Array, kind: str) -> None:
        n = len(x)
        self._scale, self._kind = model.input_scale, kind
        self._rows, self._shape = (n, prod(model.output_shape)), (n, *model.output_shape)
        self._dtype = model.dtype
        self._idle = [_compile(model, n, x.dtype, kind == "probabilities")]

    def fits(self, model: Sequential) -> bool:
        """Whether the model still is as it was compiled."""
        return model.input_scale == self._scale

    def __call__(self, model: Sequential, x: Array) -> Array | None:
        """What `run_forward` gives; None where it must be asked: another thread is here, or something has changed."""
        if not self.fits(model) or current_backend() != "native":
            return None
        try:
            program = self._idle.pop()
        except IndexError:
            return None
        try:
            out = program.apply(x, self._rows, self._dtype)
        finally:
            self._idle.append(program)
        if out is None:
            return None
        return out.argmax(1) if self._kind == "classes" else out.reshape(self._shape)


def _remember(model: Sequential, x: Array, kind: str) -> None:
    """Let the next call with such an `x` go the quick way."""
    if len(x) > BLOCK_ROWS or current_backend() != "native" or gatherable(x).dtype != x.dtype:
        return
    key = (kind, x.dtype, x.shape)
    known = model.quick.get(key)
    if isinstance(known, Quick) and known.fits(model):
        return  # it was busy, or x does not lie as it needs
    if len(model.quick) >= KEPT_PROGRAMS:
        model.quick.clear()
    with suppress(NotRecordableError):
        model.quick[key] = Quick(model, x, kind)


def run_forward(model: Sequential, x: Array, kind: str) -> Array:
    """Outputs, probabilities or classes of x (N, *input_shape); see `fastnn.model.sequential.ForwardEngine`."""
    _remember(model, x, kind)
    rows = gatherable(x).reshape(len(x), -1)
    out = np.empty((len(rows), prod(model.output_shape)), model.dtype)
    whole = len(rows) // BLOCK_ROWS * BLOCK_ROWS
    for first, last in ((0, whole), (whole, len(rows))):
        if first < last:
            _run_blocks(model, rows[first:last], out[first:last], kind == "probabilities")
    if kind == "classes":
        return np.asarray(out.argmax(axis=1), np.int64)
    return out.reshape(len(rows), *model.output_shape)


def _run_blocks(model: Sequential, rows: Array, out: Array, probabilities: bool) -> None:
    """The same for rows that make equal blocks, written to `out`."""
    n = min(BLOCK_ROWS, len(rows))
    count = len(rows) // n
    done = 0
    compiled = _compiled(model, n, rows.dtype, probabilities) if current_backend() == "native" else nullcontext()
    with compiled as program:
        while done < count and program is not None:
            done += program.run((rows, out), done, count - done, seconds=_LOOK_UP_SECONDS)
    for start in range(done * n, len(rows), n):
        _block(Eager(model.dtype), model, rows[start : start + n], out[start : start + n], probabilities)
