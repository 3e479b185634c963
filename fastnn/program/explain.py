"""The plan of a compiled step as text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.kernels.native_probe import fma_peak
from fastnn.program.compiled import Compiled
from fastnn.program.record import Buffer, Operation, Stream
from fastnn.program.session import CompiledSession, EagerSession

# multiply-adds of a matrix kernel: the product of its three dimensions
_PRODUCTS = "affine_"


def flops(operation: Operation) -> int:
    """Floating-point operations of the matrix products in one call (a multiply-add counts two)."""
    if not operation.kernel.startswith(_PRODUCTS):
        return 0
    (n, d), m = operation.arguments[0].shape, operation.arguments[1].shape
    # the second array is w (d, m) or dout (n, m): its other dimension completes the product
    other = m[1] if m[0] in (n, d) and m[1] not in (d,) else m[0]
    if operation.kernel.startswith("affine_backward_weight") or "forward" in operation.kernel:
        other = m[1]
    return 2 * n * d * other


def nbytes(operation: Operation) -> int:
    """Bytes that one call must read and write at least, every array once (a gather only the rows it takes)."""
    total = 0
    for argument, value in operation.arrays():
        size = value.nbytes
        if argument.dtype == "any" or (argument.name == "source"):
            rows = operation.arguments[-2 if operation.kernel == "gather_rows" else -1].shape[0]
            size = size // value.shape[0] * rows
        total += size * (int(argument.reads) + int(argument.writes))
    return total


def _label(value: Any, names: dict[int, str]) -> str:
    if isinstance(value, Buffer) and isinstance(value.root, Stream):
        return f"stream{value.root.index}"
    root = value.root if isinstance(value, Buffer) else value
    return names.setdefault(id(root), f"t{len(names)}")


def _rows(program: Compiled, parameters: dict[int, str]) -> list[tuple[str, ...]]:
    names: dict[int, str] = dict(parameters)
    peak = fma_peak(np.dtype(np.float32))
    rows = []
    for operation, seconds in zip(program.operations, program.seconds_per_operation, strict=True):
        arguments = []
        for argument, value in operation.arrays():
            mark = "→" if argument.writes else ""
            arguments.append(f"{mark}{_label(value, names)}{list(value.shape)}".replace(" ", ""))
        work = flops(operation)
        share = work / seconds / peak if work and peak and seconds > 0 else math.nan
        rows.append(
            (
                operation.kernel,
                " ".join(arguments),
                f"{work / 1e6:.2f}" if work else "",
                f"{nbytes(operation) / 1e6:.3f}",
                f"{seconds * 1e6:.1f}" if not math.isnan(seconds) else "-",
                f"{share:.0%}" if not math.isnan(share) else "",
            )
        )
    return rows


def explain(session: CompiledSession | EagerSession, step_seconds: float) -> str:
    """What a step does, after fusion; times are those of the sampled steps."""
    if isinstance(session, EagerSession):
        return "layer by layer: each kernel is called from Python, nothing is fused"
    program = session.main
    parameters = {
        id(array): f"{prefix}{name}"
        for name, p in session.task.model.named_parameters.items()
        for prefix, array in [("", p.value), ("d", p.grad), *((f"{s}:", v) for s, v in session.task.state[name].items())]
    }
    head = ("kernel", "arrays (→ written)", "MFLOP", "MB", "µs", "of peak")
    rows = [head, *_rows(program, parameters)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]
    total = sum(flops(op) for op in program.operations)
    peak = fma_peak(np.dtype(np.float32))
    lines += [
        "",
        f"{len(program.recorded)} recorded operations, {len(program.operations)} after fusion",
        f"{len(program.places)} buffers in an arena of {program.arena_bytes:,} bytes",
        f"{total / 1e6:.2f} MFLOP and at least {sum(nbytes(op) for op in program.operations) / 1e6:.2f} MB a step",
    ]
    if step_seconds > 0:
        share = f", {total / step_seconds / peak:.0%} of the measured peak ({peak / 1e9:.0f} GFLOP/s)" if peak else ""
        lines.append(f"{step_seconds * 1e6:.1f} µs a step, {total / step_seconds / 1e9:.1f} GFLOP/s{share}")
    return "\n".join(lines)
