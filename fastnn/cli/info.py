"""``fastnn info``: show what is installed and active."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn.cli.options import HelpFormatter
from fastnn.config import show_config
from fastnn.kernels.native_probe import probe

_EPILOG = """\
environment variables:
  FASTNN_NUM_THREADS  number of threads (default: OMP_NUM_THREADS, else the processors available to the process)
  FASTNN_BACKEND      native, numba or reference (default: the first of these that is installed)
  FASTNN_ISA          baseline, avx2, avx512, amx, neon or plain (default: the best that the processor supports)
  FASTNN_DATA         the folder that holds the named data sets, in mnist/ and so on (default: the user's cache)

examples:
  fastnn info
  fastnn info --probe
  FASTNN_NUM_THREADS=1 fastnn info --probe
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "info",
        help="show versions, instruction set, threads and backends",
        description="Show versions, instruction set, threads and backends. Please paste the output into bug reports.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--probe", action="store_true", help="also measure the peak performance of this machine (about a second)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the configuration and return the exit status."""
    show_config()
    if options.probe:
        print(_limits(probe()))
    return 0


def _limits(measured: dict[str, float]) -> str:
    if not measured["float32_gflops"]:
        return "measured limits  none: the native module is not installed"
    threads = int(measured["threads"])
    return (
        f"measured limits  {measured['float32_gflops']:.0f} GFLOP/s in float32, "
        f"{measured['float64_gflops']:.0f} in float64; {measured['read_gbs']:.1f} GB/s read, "
        f"{measured['update_gbs']:.1f} read and written ({threads} thread{'s' if threads > 1 else ''})"
    )
