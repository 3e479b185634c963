"""Running a model on many samples: a compiled forward pass over blocks of rows."""

from __future__ import annotations

from collections.abc import Hashable
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fastnn.inputs import gatherable
from fastnn.kernels.backend import current_backend
from fastnn.kernels.eager import Eager, Ops
from fastnn.model.sequential import Sequential
from fastnn.program.compiled import Compiled
from fastnn.program.record import NotRecordableError

Array = NDArray[Any]
BLOCK_ROWS = 256

_programs: WeakKeyDictionary[Sequential, dict[Hashable, Compiled | None]] = WeakKeyDictionary()


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


def _compiled(model: Sequential, rows: int, dtype: np.dtype[Any], probabilities: bool) -> Compiled | None:
    """The compiled pass over `rows` samples of `dtype`; None where a layer cannot be recorded."""
    known = _programs.setdefault(model, {})
    key = (rows, dtype, probabilities)
    if key not in known:

        def record(ops: Any) -> None:
            source = ops.stream((rows, prod(model.input_shape)), dtype)
            out = ops.stream((rows, prod(model.output_shape)), model.dtype)
            _block(ops, model, source, out, probabilities)

        try:
            known[key] = Compiled(record, model.dtype)
        except NotRecordableError:
            known[key] = None
    return known[key]


def run_forward(model: Sequential, x: Array, kind: str) -> Array:
    """Outputs, probabilities or classes of x (N, *input_shape); see `fastnn.model.sequential.ForwardEngine`."""
    rows = np.ascontiguousarray(gatherable(x)).reshape(len(x), -1)
    out = np.empty((len(rows), prod(model.output_shape)), model.dtype)
    probabilities = kind == "probabilities"
    done = 0
    while done < len(rows):
        n = min(BLOCK_ROWS, len(rows) - done)
        count = (len(rows) - done) // n
        program = _compiled(model, n, rows.dtype, probabilities) if current_backend() == "native" else None
        if program is not None:
            program.run((rows[done:], out[done:]), 0, count)
            done += count * n
        else:
            _block(Eager(model.dtype), model, rows[done : done + n], out[done : done + n], probabilities)
            done += n
    if kind == "classes":
        return out.argmax(axis=1).astype(np.int64, copy=False)
    return out.reshape(len(rows), *model.output_shape)
