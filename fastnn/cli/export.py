"""``fastnn export``: write a trained model for other libraries and languages."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastnn.cli.inputs import add_model, load_model, model_file
from fastnn.cli.options import HelpFormatter
from fastnn.cli.output import check_file
from fastnn.export import to_c, to_npz, to_onnx
from fastnn.model import Sequential
from fastnn.population import Population

_FORMATS: dict[str, Callable[[Sequential, Path], Any]] = {
    ".onnx": to_onnx,
    ".npz": to_npz,
    ".c": to_c,
    ".h": to_c,
}
_SUFFIXES = ", ".join(_FORMATS)

_EPILOG = """\
.onnx: the network as it is at evaluation, with the scaling of its inputs; the outputs are raw scores (logits).
.npz: the parameters by name for NumPy, and the architecture as JSON under "config".
.c: one C99 file with the weights, a function that predicts one sample, and a test of itself; it needs no library and
allocates nothing. .h: the same with static functions, to be included.

examples:
  fastnn export fastnn-run-1 -o digits.onnx
  fastnn export mnist-run/model.safetensors -o digits.npz
  fastnn export fastnn-run-1 -o digits.c && cc -O3 -Ddigits_MAIN digits.c -lm -o digits && ./digits
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "export",
        help="write a trained network for other libraries and languages",
        description="Write a trained network as ONNX or C, or its parameters for NumPy.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    add_model(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help=f"output file, whose name ends in one of {_SUFFIXES}"
    )


def run(options: argparse.Namespace) -> int:
    """Export the model and return the exit status."""
    target = Path(options.output).expanduser()
    write = _FORMATS.get(target.suffix.lower())
    if write is None:
        raise ValueError(f"--output: {target} must end in one of {_SUFFIXES}")
    model = load_model(options.model)
    if isinstance(model, Population):
        raise ValueError(
            f"MODEL: expected one network, got the {len(model)} of an ensemble; write one of them to a file of its own "
            "with fastnn.load(...)[0].save(...)"
        )
    write(model, check_file("--output", target, model_file(options.model)))
    print(f"{target}: {target.stat().st_size:,} bytes")
    return 0
