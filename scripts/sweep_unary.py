"""Computes every activation of every float32: ``python scripts/sweep_unary.py [--every N] [function ...]``.

So it does for exponentials and logarithms (``tests/c/unary.c``). Each result is compared with that of the tests' oracle
in float64. A line for each function has the worst error in units in the last place and the input that has it; the exit
status is 1 if an error is above the bound of the tests (four units, and more for the gated activations far below zero)
or a special value is wrong. With N, every N-th number. FASTNN_ISA chooses the instruction set. Needs a C compiler.

Numbers are taken in runs of neighbours of one sign and exponent. Far from 0 and next to it these functions are constant
or a multiple of x, all but for a part of a unit. Where f, or f(x) / x, is that at both ends of a run and in its middle,
it is so between them, because both are monotonic there: all results of the run have to be that constant, or x or x / 2,
bit by bit, and float64 is left for the other runs.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("FASTNN_NUM_THREADS", "1")
sys.path[:0] = [str(ROOT / folder) for folder in ("tests", "tests/kernels", "csrc")]

import generate_header  # noqa: E402
import kernel_jobs  # noqa: E402
import numpy as np  # noqa: E402
from kernel_oracles import UNARY_ULP, activation, activation_bound, ulps  # noqa: E402

from fastnn import kernels  # noqa: E402
from fastnn.kernels import Activation  # noqa: E402
from fastnn.kernels.backend import native_isa  # noqa: E402

Array = np.ndarray[Any, np.dtype[Any]]
ALPHAS = {Activation.LEAKY_RELU: 0.01, Activation.ELU: 1.0, Activation.SOFTSHRINK: 0.5}
NUMBERS, RUN = 1 << 32, 1 << 16
EXPONENT = np.int64(0x7FF0000000000000)  # of a double
SLOPE = 2.0**-30  # how much f(x) / x may differ from 1 or 1/2 where the function is taken for x or x / 2
LEAST, DIGITS = 2.0**-126, 2.0**23  # of float32: the smallest normal number, and one over its precision


class Function(NamedTuple):
    """What is swept: how it is computed, its value in float64, the bound of its error, and where it is defined."""

    compute: Callable[[Array, Array], object]
    value: Callable[[Array], Array]
    bound: Callable[[Array, Array], Array]
    lowest: float = -np.inf
    highest: float = np.inf


class Worst(NamedTuple):
    """The worst error in units in the last place, its input, and how many results are wrong."""

    units: float
    at: float
    wrong: int


@cache
def library() -> ctypes.CDLL:
    """The functions of tests/c/unary.c, for the instruction set in use."""
    isa = native_isa()
    folder = Path(tempfile.mkdtemp(prefix="fastnn-unary-"))
    generated, made = generate_header.write(folder / "generated"), folder / "unary.so"
    flags = [*kernel_jobs.FLAGS, *kernel_jobs.ISAS[platform.machine().lower()][isa], "-Icsrc", f"-I{generated.parent}"]
    macros = [f"-DFNN_ISA={isa}", "-DREAL_IS_DOUBLE=0"]
    command = [*shlex.split(os.environ.get("CC", "cc")), *flags, *macros, "-shared", "tests/c/unary.c", "-o", str(made)]
    subprocess.run(command, cwd=ROOT, check=True)
    return ctypes.CDLL(str(made))


def in_c(name: str, x: Array, out: Array) -> None:
    """Call a function of the library."""
    library()[name](*(ctypes.c_void_p(array.ctypes.data) for array in (x, out)), ctypes.c_ssize_t(x.size))


def four_units(wide: Array, value: Array) -> Array:
    """The bound of an exponential or a logarithm."""
    return ulps(value, np.float32, UNARY_ULP)


def of_activation(kind: Activation) -> Function:
    """What an activation's kernel computes and should compute."""
    alpha = np.float64(np.float32(ALPHAS.get(kind, 0.0)))
    kernel = kernels.get("activation_forward", "native")
    return Function(
        lambda x, out: kernel(x, out, int(kind), float(alpha)),
        lambda wide: activation(wide, kind, alpha),
        lambda wide, value: activation_bound(wide, value, kind, np.float32),
    )


@cache
def functions() -> dict[str, Function]:
    """All that can be swept, by name."""
    return {
        "exp": Function(partial(in_c, "run_exp"), np.exp, four_units),
        "exp_nonpositive": Function(partial(in_c, "run_exp_nonpositive"), np.exp, four_units, highest=0),
        "expm1_nonpositive": Function(partial(in_c, "run_expm1_nonpositive"), np.expm1, four_units, highest=0),
        "log": Function(partial(in_c, "run_log"), np.log, four_units),
        "log1p_unit": Function(partial(in_c, "run_log1p_unit"), np.log1p, four_units, 0, 1),
        **{kind.name.lower(): of_activation(kind) for kind in Activation},
    }


def errors_in_units(out: Array, value: Array) -> Array:
    """The errors in units in the last place of float32 at each value; NaN or infinite where one is not finite."""
    error = np.abs(out - value)
    power = (value.view(np.int64) & EXPONENT).view(np.float64)
    error *= DIGITS
    error /= np.maximum(power, LEAST)
    return error


def worst_of_tail(function: Function, x: Array, out: Array) -> float | None:
    """The worst error of a run in units in the last place, if two multiples of x or a constant enclose all of it."""
    some = x[[0, x.size // 2, -1]].astype(np.float64)
    value = function.value(some)
    rounded = value.astype(np.float32)
    if np.isnan(value).all():
        return 0.0 if np.isnan(out).all() else None
    if (rounded == rounded[0]).all() and out.min() == rounded[0] == out.max():
        return float(errors_in_units(rounded, value).max()) if np.isfinite(rounded[0]) else 0.0
    factor = value / some
    for whole in (1, 0.5):
        error = float(np.abs(factor / whole - 1).max())
        if error <= SLOPE and np.abs(some).min() >= 2 * LEAST and np.array_equal(out, x * np.float32(whole)):
            return error * 2 * DIGITS
    return None


def compare(name: str, first: int, every: int) -> Worst:
    """Compare one run of numbers, all of one sign and exponent if none is left out."""
    bits = np.arange(first, min(first + RUN * every, NUMBERS), every, dtype=np.uint32)
    x, function = bits.view(np.float32), functions()[name]
    inside = (x >= function.lowest) & (x <= function.highest) | np.isnan(x)
    if not inside.all():
        x = x[inside]
    if x.size == 0:
        return Worst(0, 0, 0)
    out = np.empty_like(x)
    function.compute(x, out)
    with np.errstate(all="ignore"):
        of_tail = worst_of_tail(function, x, out) if every == 1 else None
        if of_tail is not None:
            return Worst(of_tail, float(x[0]), 0)
        wide = x.astype(np.float64)
        value = function.value(wide)
        units, wrong = errors_in_units(out, value), 0
        if not units.max() <= UNARY_ULP:
            rounded = value.astype(np.float32)
            same = (out == rounded) | (np.isnan(out) & np.isnan(rounded))
            wrong = int((~same & ~(np.abs(out - value) <= function.bound(wide, value))).sum())
            units = np.where(np.isfinite(units) & np.isfinite(rounded), units, 0)
    worst = int(units.argmax())
    return Worst(float(units[worst]), float(x[worst]), wrong)


def compare_many(name: str, firsts: range, every: int) -> Worst:
    """Compare some runs of numbers."""
    results = [compare(name, first, every) for first in firsts]
    return max(results)._replace(wrong=sum(result.wrong for result in results))


def main() -> int:
    """Print a line for each function; return whether a result was wrong."""
    parser = argparse.ArgumentParser(description="Compute functions of every float32.")
    parser.add_argument("functions", nargs="*", help=f"default: all of {', '.join(functions())}")
    parser.add_argument("--every", type=int, default=1, help="of so many numbers, one")
    given = parser.parse_args()
    unknown = set(given.functions) - set(functions())
    if unknown:
        parser.error(f"unknown functions: {', '.join(sorted(unknown))}")
    failed = 0
    library()  # before there are processes
    step = RUN * given.every
    parts = [range(first, min(first + 64 * step, NUMBERS), step) for first in range(0, NUMBERS, 64 * step)]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("fork")) as pool:
        for name in given.functions or functions():
            began = time.perf_counter()
            results = list(pool.map(partial(compare_many, name, every=given.every), parts))
            worst, wrong = max(results), sum(result.wrong for result in results)
            failed += wrong > 0
            seconds = time.perf_counter() - began
            print(f"{name:<18} {worst.units:6.2f} ulp at {worst.at!r:<24} {wrong} wrong  {seconds:.0f} s", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
