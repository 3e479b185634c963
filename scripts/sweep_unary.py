"""Computes every activation of every float32: ``python scripts/sweep_unary.py [--every N] [activation ...]``.

Each result is compared with that of the tests' oracle in float64. A line for each activation has the worst error in
units in the last place and the input that has it; the exit status is 1 if an error is above the bound of the tests
(four units, and more for the gated activations far below zero) or a special value is wrong. With N, every N-th number.
FASTNN_ISA chooses the instruction set. All activations of all numbers take some hours.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("FASTNN_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests" / folder) for folder in ("", "kernels")]

import numpy as np  # noqa: E402
from kernel_oracles import activation, activation_bound  # noqa: E402

from fastnn import kernels  # noqa: E402
from fastnn.kernels import Activation  # noqa: E402

ALPHAS = {Activation.LEAKY_RELU: 0.01, Activation.ELU: 1.0, Activation.SOFTSHRINK: 0.5}
NUMBERS, CHUNK = 1 << 32, 1 << 20


def compare(kind: Activation, first: int, every: int) -> tuple[float, float, int]:
    """The worst error in units in the last place, its input, and how many results are wrong, of one chunk."""
    bits = np.arange(first, min(first + CHUNK * every, NUMBERS), every, dtype=np.uint64).astype(np.uint32)
    x = bits.view(np.float32)
    out, alpha = np.empty_like(x), ALPHAS.get(kind, 0.0)
    kernels.get("activation_forward", "native")(x, out, int(kind), alpha)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        value = activation(wide, kind, np.float64(np.float32(alpha)))
        bound = activation_bound(wide, value, kind, np.float32)
        rounded = value.astype(np.float32)
        same = (out == rounded) | (np.isnan(out) & np.isnan(rounded))
        error = np.where(same, 0, np.abs(out - value))
        units = np.where(same, 0, error / np.spacing(np.abs(rounded)))
        wrong = ~same & ~(error <= bound)
    worst = int(np.nanargmax(units))
    return float(units[worst]), float(x[worst]), int(wrong.sum())


def main() -> int:
    """Print a line for each activation; return whether a result was wrong."""
    parser = argparse.ArgumentParser(description="Compute every activation of every float32.")
    parser.add_argument("activations", nargs="*", help="names such as tanh; default: all")
    parser.add_argument("--every", type=int, default=1, help="of so many numbers, one")
    given = parser.parse_args()
    chosen = [Activation[name.upper()] for name in given.activations] or list(Activation)
    failed = 0
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for kind in chosen:
            began = time.perf_counter()
            firsts = range(0, NUMBERS, CHUNK * given.every)
            results = list(pool.map(compare, *zip(*((kind, f, given.every) for f in firsts), strict=True), chunksize=8))
            units, at, _ = max(results)
            wrong = sum(result[2] for result in results)
            failed += wrong > 0
            seconds = time.perf_counter() - began
            print(f"{kind.name.lower():<14} {units:6.2f} ulp at {at!r:<24} {wrong} wrong  {seconds:.0f} s", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
