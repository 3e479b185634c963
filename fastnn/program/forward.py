"""Runs a model on many samples, with a compiled forward pass over blocks of rows."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fastnn.data.mapped import is_mapped, rows_of
from fastnn.inputs import gatherable
from fastnn.kernels.backend import current_backend
from fastnn.kernels.eager import Eager, Ops
from fastnn.kernels.precision_choice import precision_in_use
from fastnn.layers.base import Shape
from fastnn.model.outputs import refuse_nan
from fastnn.model.sequential import Sequential
from fastnn.program.binding import Numbers, arrays_of_model
from fastnn.program.compiled import Compiled, Recording, record
from fastnn.program.explain import LAYER_BY_LAYER, explain_pass
from fastnn.program.kind import kind_of_model
from fastnn.program.panels import ParameterPanels
from fastnn.program.record import NotRecordableError
from fastnn.program.session import RETURN_SECONDS
from fastnn.program.warm import WarmCache

Array = NDArray[Any]
BLOCK_ROWS = 256
CACHED_PROGRAMS = 8  # for each model
_EXPLAINED_RUNS = 5
_READ_BYTES = 32 << 20  # of a mapped array that are in memory at a time

# The compiled passes that only this model can use and that no thread runs now, the least recently used first. A thread
# takes one out while it runs it. Other passes are in a cache for all models of a kind.
_idle: WeakKeyDictionary[Sequential, dict[Hashable, _Pass | None]] = WeakKeyDictionary()


NUMBERS_ONLY = ("classes", "probabilities", "scores")  # kinds of outputs that must not be NaN


def _block(ops: Ops, model: Sequential, source: Any, out_rows: Any, kind: str) -> None:
    """Write the outputs for the first rows of `source` to `out_rows`; `kind` may ask for classes or probabilities."""
    n = out_rows.shape[0]
    x = ops.empty((n, prod(model.input_shape)))
    ops.gather_rows(source, None, x, model.input_scale)
    out, _ = model.run_forward(ops, x.reshape((n, *model.input_shape)), False)
    flat = out.reshape((n, prod(model.output_shape)))
    if kind == "classes":
        ops.argmax(flat, out_rows)
    elif kind == "probabilities" and not model.gives_probabilities:
        ops.softmax_forward(flat, out_rows, 1.0)
    else:
        ops.gather_rows(flat, None, out_rows, 1.0)


def _outputs(model: Sequential, rows: int, kind: str) -> tuple[Shape, np.dtype[Any]]:
    """The shape and the dtype of what the pass over `rows` samples writes."""
    if kind == "classes":
        return (rows,), np.dtype(np.int64)
    return (rows, prod(model.output_shape)), model.dtype


def record_pass(model: Sequential, rows: int, dtype: np.dtype[Any], kind: str) -> Recording:
    """The operations of the pass over `rows` samples of `dtype`, which are stream 0; stream 1 receives the outputs.

    Raises
    ------
    NotRecordableError
        If a layer cannot be recorded.
    """

    def step(ops: Any) -> None:
        source = ops.stream((rows, prod(model.input_shape)), dtype)
        _block(ops, model, source, ops.stream(*_outputs(model, rows, kind)), kind)

    return record(step, model.dtype, precision=precision_in_use(model.precision))


class _Pass:
    """The compiled pass that `record_pass` records."""

    def __init__(self, model: Sequential, rows: int, dtype: np.dtype[Any], kind: str, key: Hashable | None) -> None:
        recording = record_pass(model, rows, dtype, kind)
        self._key, self._packs = key, rows == BLOCK_ROWS
        self._panels = ParameterPanels([recording], self._weights(model))
        self.program = Compiled(recording, self._panels.replacements, arrays_of_model(model))
        self.nbytes = self.program.nbytes + self._panels.nbytes

    @classmethod
    def of(cls, model: Sequential, rows: int, dtype: np.dtype[Any], kind: str) -> _Pass:
        """A pass that a model of the same kind has left behind, or a new one.

        Raises
        ------
        NotRecordableError
            If a layer cannot be recorded.
        """
        known = kind_of_model(model)
        key = None if known is None else (known, rows, dtype, kind)
        left = None if key is None else _WARM.take(key)
        if left is None:
            return cls(model, rows, dtype, kind, key)
        left._panels.rebind(left._weights(model))
        left.program.rebind(arrays_of_model(model), Numbers())
        return left

    def _weights(self, model: Sequential) -> list[tuple[Array, list[Array]]]:
        """The weights to pack: whole blocks come many at a time, so that it pays to pack once for all of them."""
        return [(p.value, []) for p in model.named_parameters.values()] if self._packs else []

    def run(self, rows: Array, out: Array, count: int) -> None:
        """Compute `count` blocks with the weights as they are now."""
        self._panels.load()
        done = 0
        while done < count:
            done += self.program.run((rows, out), done, count - done, seconds=RETURN_SECONDS)

    def leave(self) -> bool:
        """Let go of the model and be there for others of its kind; False: only this model can use it again."""
        if self._key is None or self.nbytes > _WARM.max_bytes or not self.program.can_be_rebound:
            return False
        self._panels.release()
        self.program.release()
        _WARM.put(self._key, self)
        return True


_WARM: WarmCache[_Pass] = WarmCache()


@contextmanager
def _compiled(model: Sequential, rows: int, dtype: np.dtype[Any], kind: str) -> Iterator[_Pass | None]:
    """The compiled pass over `rows` samples of `dtype`; None if a layer cannot be recorded."""
    idle = _idle.setdefault(model, {})
    key = (rows, dtype, kind, model.input_scale, model.revision, model.precision)
    try:
        found = idle.pop(key)
    except KeyError:
        try:
            found = _Pass.of(model, rows, dtype, kind)
        except NotRecordableError:
            found = None
    try:
        yield found
    finally:
        if found is None or not found.leave():
            idle[key] = found
            for old in list(idle)[:-CACHED_PROGRAMS]:
                idle.pop(old, None)


class Quick:
    """The pass over one small block of a fixed shape and dtype, whose calls cost little more than their arithmetic."""

    def __init__(self, model: Sequential, x: Array, kind: str) -> None:
        n = len(x)
        self._scale, self._revision, self._numbers_only = model.input_scale, model.revision, kind in NUMBERS_ONLY
        self._rows, dtype = _outputs(model, n, kind)
        shape = (n,) if kind == "classes" else (n, *model.output_shape)
        self._shape, self._dtype = None if shape == self._rows else shape, dtype.num
        self._idle = [_Pass.of(model, n, x.dtype, kind)]
        self._read = x.dtype  # which is found by its id

    def fits(self, model: Sequential) -> bool:
        """Whether the model is still as it was when this was compiled."""
        return model.revision == self._revision and model.input_scale == self._scale

    def run(self, model: Sequential, x: Array) -> Array | None:
        """The result of `run_forward`; None if another thread is here, the model has changed, or there is an error."""
        if model.revision != self._revision or model.input_scale != self._scale or current_backend() != "native":
            return None
        try:
            found = self._idle.pop()
        except IndexError:
            return None
        try:
            out: Array | None = found.program.native.apply(x, self._rows, self._dtype, self._numbers_only)
        finally:
            self._idle.append(found)
        return out if out is None or self._shape is None else out.reshape(self._shape)


def _remembered(model: Sequential, x: Array, kind: str) -> Array | None:
    """Make the calls with an `x` of this shape and dtype quick, from the second one on; None: this one is not."""
    if len(x) > BLOCK_ROWS or current_backend() != "native" or gatherable(x).dtype != x.dtype:
        return None
    if model.channels_last:  # the caller's samples, by whose shape a pass is found, are not in the order of x
        return None
    key = (kind, id(x.dtype), x.shape)
    known = model.quick.get(key)
    if isinstance(known, Quick) and known.fits(model):
        return None  # it was busy, or x is not contiguous
    if key not in model.quick:  # many models predict the same samples once
        if len(model.quick) >= CACHED_PROGRAMS:
            model.quick.clear()
        model.quick[key] = None
        return None
    try:
        made = model.quick[key] = Quick(model, x, kind)
    except NotRecordableError:
        return None
    return made.run(model, x)


def run_forward(model: Sequential, x: Array, kind: str) -> Array:
    """The outputs, probabilities or classes of x (N, *input_shape); see `fastnn.model.engine.ForwardEngine`."""
    mapped = is_mapped(x)
    quick = None if mapped else _remembered(model, x, kind)
    if quick is not None:
        return quick
    whole = len(x) if not mapped else max(1, _READ_BYTES // max(1, x[:1].nbytes))  # rows in memory at a time
    out = np.empty(*_outputs(model, len(x), kind))
    for first, last, size in equal_blocks(len(x), model.mixes_samples):
        step = max(1, whole // max(1, size)) * size
        for start in range(first, last, max(1, step)):
            end = min(last, start + step)
            rows = gatherable(rows_of(x, slice(start, end)))
            _run_blocks(model, rows.reshape(len(rows), -1), out[start:end], size, kind)
    if kind in NUMBERS_ONLY:
        _check_numbers(model, x, out, kind)
    return out if kind == "classes" else out.reshape(len(x), *model.output_shape)


def explain_forward(model: Sequential, x: Array) -> str:
    """The compiled pass over at most a block of x (N, *input_shape), with mean times over some runs."""
    rows = gatherable(rows_of(x, slice(BLOCK_ROWS))).reshape(min(len(x), BLOCK_ROWS), -1)
    compiled = _compiled(model, len(rows), rows.dtype, "outputs") if current_backend() == "native" else nullcontext()
    with compiled as found:
        if found is None:
            return LAYER_BY_LAYER
        out = np.empty(*_outputs(model, len(rows), "outputs"))
        found.run(rows, out, 1)  # brings the arrays into memory
        found.program.forget_seconds()
        seconds = []
        for _ in range(_EXPLAINED_RUNS):
            start = time.perf_counter()
            found.run(rows, out, 1)
            seconds.append(time.perf_counter() - start)
        return explain_pass(model, found.program, sum(seconds) / len(seconds))


def _check_numbers(model: Sequential, x: Array, out: Array, kind: str) -> None:
    """Refuse outputs from which no class can be told: those that hold NaN."""
    refuse_nan("predict", "x", model, x, out < 0 if kind == "classes" else np.isnan(out).any(axis=1))


def equal_blocks(count: int, alike: bool) -> list[tuple[int, int, int]]:
    """One or two runs of equal blocks, each as (first row, last row, rows of a block).

    With `alike`, blocks differ by at most one row, as they must if the outputs for a sample depend on the others in its
    block; otherwise all but the last are as long as possible.
    """
    if alike and count:
        size, more = divmod(count, -(-count // BLOCK_ROWS))
        return [(0, more * (size + 1), size + 1), (more * (size + 1), count, size)]
    whole = count // BLOCK_ROWS * BLOCK_ROWS
    return [(0, whole, BLOCK_ROWS), (whole, count, count - whole)]


def _run_blocks(model: Sequential, rows: Array, out: Array, n: int, kind: str) -> None:
    """Compute rows that make blocks of `n` and write the results to `out`."""
    compiled = _compiled(model, n, rows.dtype, kind) if current_backend() == "native" else nullcontext()
    with compiled as program:
        if program is not None:
            program.run(rows, out, len(rows) // n)
            return
    ops = Eager(model.dtype, precision=precision_in_use(model.precision))
    for start in range(0, len(rows), n):
        _block(ops, model, rows[start : start + n], out[start : start + n], kind)
