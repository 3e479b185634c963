"""The table of a model's layers that `Sequential.summary` returns."""

from __future__ import annotations

from math import prod

from fastnn.model.network import Network
from fastnn.views import Cells, html_table, text_lines

_HEAD = ("layer", "type", "output shape", "parameters", "activation", "forward/sample")
_LEFT = {0, 1, 2}  # columns of text


class Summary(str):
    """The table as text, which is also what an interactive session shows; notebooks show it in HTML."""

    rows: Cells
    total: str

    def __new__(cls, rows: Cells, total: str) -> Summary:
        """Lay out the rows, of which the first is the head, above a line of totals."""
        lines = [line.rstrip() for line in text_lines(rows, _LEFT)]
        rule = "-" * max(map(len, lines))
        made = super().__new__(cls, "\n".join([lines[0], rule, *lines[1:], rule, total]))
        made.rows, made.total = rows, total
        return made

    def __reduce__(self) -> tuple[type[Summary], tuple[Cells, str]]:
        return Summary, (self.rows, self.total)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return html_table(self.rows, _LEFT, self.total)


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


def summary(model: Network) -> Summary:
    """The layers of a model with shapes, parameters, memory and floating-point operations.

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
    work = 2 * sum(layer.multiply_adds() for layer in model.layers)
    total = (
        f"{model.params.size:,} parameters{_frozen(model)}, {_bytes(model.params.nbytes)} as {model.dtype.name}; "
        f"forward {_flops(work)} a sample"
    )
    return Summary(rows, total)
