"""Measures what this machine can do at most: multiply-adds and memory traffic."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from fastnn.kernels.backend import native_table
from fastnn.kernels.threads import get_num_threads

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


def _probe(name: str) -> Any:
    return native_table("probes")[name]


@cache
def _peak(dtype: np.dtype[Any], threads: int) -> float:
    best = 0.0
    for _ in range(5):  # other processes may use the cores in some of the runs
        rates = np.full(threads, 0.02)  # seconds to measure, then operations per second of each thread
        _probe("probe_fma")(np.zeros(1, dtype), rates)
        best = max(best, float(rates.sum()))
    return best


def fma_peak(dtype: np.dtype[Any]) -> float:
    """Floating-point operations per second of the threads in use, on multiply-adds alone; 0.0 if unknown."""
    return 0.0 if _native is None else _peak(dtype, get_num_threads())


def memory_bandwidth(*, update: bool = False, megabytes: int = 256) -> float:
    """Bytes per second of reading an array larger than the caches, or of updating it in place (read and written)."""
    if _native is None:
        return 0.0
    array = np.ones(megabytes * 2**20 // 8)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        _probe("probe_memory")(array, float(update))
        best = min(best, time.perf_counter() - start)
    return array.nbytes * (2 if update else 1) / best


def probe() -> dict[str, float]:
    """The measured limits: GFLOP/s of both dtypes, and GB/s of reading and updating, with the threads in use."""
    return {
        "float32_gflops": fma_peak(np.dtype(np.float32)) / 1e9,
        "float64_gflops": fma_peak(np.dtype(np.float64)) / 1e9,
        "read_gbs": memory_bandwidth() / 1e9,
        "update_gbs": memory_bandwidth(update=True) / 1e9,
        "threads": float(get_num_threads()),
    }
