"""The table that `Sequential.summary` prints."""

from __future__ import annotations

from math import prod

from fastnn.model.network import Network

_HEAD = ("layer", "type", "output shape", "parameters", "activation", "forward/sample")


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _flops(count: float) -> str:
    for unit in ("", "k", "M"):
        if count < 1000:
            return f"{count:.0f} {unit}FLOP" if unit == "" else f"{count:.1f} {unit}FLOP"
        count /= 1000
    return f"{count:.1f} GFLOP"


def _frozen(model: Network) -> str:
    frozen = model.params.size - sum(p.size for p in model.trained_parameters.values())
    return f" ({frozen:,} frozen)" if frozen else ""


def summary(model: Network) -> str:
    """The layers of a model with shapes, parameters, memory and floating-point operations, as text.

    A multiply-add counts as two operations; elementwise operations are not counted.
    """
    itemsize = model.dtype.itemsize
    rows = [_HEAD, ("input", "", str(model.input_shape), "", _bytes(prod(model.input_shape) * itemsize), "")]
    for layer in model.layers:
        parameters = sum(p.size for p in layer.parameters)
        work = 2 * layer.multiply_adds()
        rows.append(
            (
                layer.name,
                type(layer).__name__,
                str(layer.output_shape),
                f"{parameters:,}" if parameters else "",
                _bytes(prod(layer.output_shape) * itemsize),
                _flops(work) if work else "",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    left = (True, True, True, False, False, False)
    lines = [
        "  ".join(
            cell.ljust(w) if is_left else cell.rjust(w) for cell, w, is_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    ]
    rule = "-" * max(map(len, lines))
    work = 2 * sum(layer.multiply_adds() for layer in model.layers)
    total = (
        f"{model.params.size:,} parameters{_frozen(model)}, {_bytes(model.params.nbytes)} as {model.dtype.name}; "
        f"forward {_flops(work)} a sample"
    )
    return "\n".join([lines[0], rule, *lines[1:], rule, total])
