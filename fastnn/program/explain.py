"""The plan of a compiled step as text."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from fastnn.kernels import custom
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.native_probe import fma_peak
from fastnn.model.sequential import Sequential
from fastnn.program.algorithms import winograd_flops
from fastnn.program.binding import Slot, arrays_of, arrays_of_model
from fastnn.program.compiled import Compiled
from fastnn.program.layout import LANES, SUFFIX
from fastnn.program.record import Buffer, Operation, Stream
from fastnn.program.session import CompiledSession, Session

LAYER_BY_LAYER = "layer by layer: each kernel is called from Python, nothing is fused"


def flops(operation: Operation) -> int:
    """The floating-point operations of the matrix products in one call; a multiply-add counts as two."""
    if operation.kernel.startswith("winograd_"):
        return winograd_flops(operation)
    if not operation.kernel.startswith(("affine_", "conv_")):
        return 0
    sizes = operation.sizes
    if operation.kernel.startswith("affine_"):
        products = 2 if operation.kernel == "affine_backward_update_nchw16n" else 1
        return int(2 * products * sizes["n"] * sizes["d"] * sizes["m"])
    images = sizes["n"] if "n" in sizes else LANES * sizes["g"]
    cells = operation["size_h"] * operation["size_w"] if operation.kernel == "conv_max_pool_forward_nchw16n" else 1
    return int(2 * images * cells * prod(sizes[letter] for letter in "fpqkrs"))


def nbytes(operation: Operation) -> int:
    """The bytes that one call must at least read and write: every array once, of a gather's source only some rows."""
    total = 0
    for argument, value in operation.arrays():
        size = value.nbytes
        if argument.name == "source":
            index, out = operation["index"], operation["out"]
            size = size // value.shape[0] * (out if index is None else index).shape[0]
        total += size * (int(argument.reads) + int(argument.writes))
    return total


def title(operation: Operation) -> str:
    """The name of the kernel and, in brackets, the activation or the update rule that it applies as well."""
    also = ""
    if operation.named.get("kind") and operation.named.get("saved", operation) is not None:
        also = f" ({custom.activation(operation['kind']).name.lower()})"
    elif "learned_kind" in operation.named:
        kind = int(operation["learned_kind"])
        also = f" ({'prelu' if kind < CUSTOM else custom.of_number(kind).name})"
    elif "rule" in operation.named:
        also = f" ({custom.update_rule(operation['rule']).name.lower()})"
    return operation.kernel + also


def _label(value: Any, known: Mapping[Hashable, str], others: dict[Hashable, str]) -> str:
    if isinstance(value, Buffer) and isinstance(value.root, Stream):
        return f"stream{value.root.index}"
    key: Hashable = id(value.root if isinstance(value, Buffer) else value)
    if isinstance(value, Slot):
        key = "slot", value.number, value.shape
    return known.get(key) or others.setdefault(key, f"t{len(others)}")


def _rows(program: Compiled, times: Sequence[float], known: Mapping[Hashable, str]) -> list[tuple[str, ...]]:
    others: dict[Hashable, str] = {}
    peak = fma_peak(program.recording.dtype)
    rows: list[tuple[str, ...]] = []
    for operation, seconds in zip(program.recording.operations, times, strict=True):
        arguments = []
        for argument, value in operation.arrays():
            mark = "→" if argument.writes else ""
            read_in_place = argument.by_index and operation.index is not None
            label = "inputs" if read_in_place else _label(value, known, others)
            arguments.append(f"{mark}{label}{list(value.shape)}".replace(" ", ""))
        work = flops(operation)
        share = work / seconds / peak if work and peak and seconds > 0 else math.nan
        rows.append(
            (
                title(operation),
                " ".join(arguments),
                f"{work / 1e6:.2f}" if work else "",
                f"{nbytes(operation) / 1e6:.3f}",
                f"{seconds * 1e6:.1f}" if not math.isnan(seconds) else "-",
                f"{share:.0%}" if not math.isnan(share) else "",
            )
        )
    return rows


def _table(program: Compiled, times: Sequence[float], known: Mapping[Hashable, str]) -> list[str]:
    head = ("kernel", "arrays (→ written)", "MFLOP", "MB", "µs", "of peak")
    rows = [head, *_rows(program, times, known)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return [
        "  ".join(
            c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _layout(operations: list[Operation]) -> list[str]:
    """Say how many operations work on the layout NCHW16n, if any do."""
    inner = sum(op.kernel.endswith(SUFFIX) for op in operations)
    if inner == 0:
        return []
    return [f"layout: {inner} operations with {LANES} images innermost (…{SUFFIX}), arrays (groups, …, {LANES})"]


def explain(session: Session, step_seconds: float) -> str:
    """The operations of a step after all passes, with their times in the sampled steps."""
    if not isinstance(session, CompiledSession):
        return LAYER_BY_LAYER
    problem = session.problem
    named = {id(problem.inputs): "inputs", id(problem.targets): "targets", **_names(problem.model)}
    for name in problem.model.named_parameters:
        named |= {id(array): f"{slot}:{name}" for slot, array in problem.state[name].items()}
    known = _known(named, arrays_of(problem))
    lines = []
    work = moved = 0
    for program, times in session.programs:
        if len(session.programs) > 1:
            lines += [f"{times} ×" if times > 1 else "once", ""]
        lines += [*_plan(program, session.seconds_of(program), known), ""]
        work += times * sum(flops(op) for op in program.recording.operations)
        moved += times * sum(nbytes(op) for op in program.recording.operations)
    return "\n".join([*lines[:-1], *_sums("step", work, moved, step_seconds, problem.model.dtype)])


def explain_pass(model: Sequential, program: Compiled, seconds: float) -> str:
    """What a forward pass does, after fusion."""
    operations = program.recording.operations
    work, moved = sum(map(flops, operations)), sum(map(nbytes, operations))
    known = _known(_names(model), arrays_of_model(model))
    times = program.seconds_per_operation
    return "\n".join([*_plan(program, times, known), *_sums("pass", work, moved, seconds, model.dtype)])


def _names(model: Sequential) -> dict[int, str]:
    """The names of a model's arrays by their identity."""
    known = {id(array): name for name, array in model.state.items()}
    for name, p in model.named_parameters.items():
        known |= {id(p.value): name, id(p.grad): f"d{name}"}
    return known


def _known(named: Mapping[int, str], arrays: Sequence[Any]) -> dict[Hashable, str]:
    """Names by the identity of an array, and by the slot and the shape of one that the program is bound to."""
    slots = {("slot", i, array.shape): named.get(id(array)) for i, array in enumerate(arrays)}
    known: dict[Hashable, str] = {slot: name for slot, name in slots.items() if name is not None}
    known.update(named.items())
    return known


def _plan(program: Compiled, times: Sequence[float], known: Mapping[Hashable, str]) -> list[str]:
    recording = program.recording
    return [
        *_table(program, times, known),
        "",
        f"{len(recording.recorded)} recorded operations, {len(recording.operations)} after fusion",
        *_layout(recording.operations),
        f"{len(program.places)} buffers in an arena of {program.arena_bytes:,} bytes",
    ]


def _sums(what: str, work: int, moved: int, seconds: float, dtype: np.dtype[Any]) -> list[str]:
    lines = [f"{work / 1e6:.2f} MFLOP and at least {moved / 1e6:.2f} MB a {what}"]
    if seconds > 0:
        peak = fma_peak(dtype)
        share = f", {work / seconds / peak:.0%} of the measured peak ({peak / 1e9:.0f} GFLOP/s)" if peak else ""
        lines.append(f"{seconds * 1e6:.1f} µs a {what}, {work / seconds / 1e9:.1f} GFLOP/s{share}")
    return lines
