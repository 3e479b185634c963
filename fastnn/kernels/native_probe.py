"""What this machine can do at most, measured: multiply-adds and memory traffic."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from fastnn.kernels.backend import native_isa
from fastnn.kernels.threads import get_num_threads

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


def _probe(name: str) -> Any:
    isa = native_isa()
    assert isa is not None  # the callers have looked for the native module
    return _native.isa_tables(probes=True)[isa][name]


@cache
def _peak(dtype: np.dtype[Any], threads: int) -> float:
    best = 0.0
    for _ in range(5):  # others may use the cores in some of them
        rates = np.full(threads, 0.02)  # in: seconds to measure; out: operations a second of each thread
        _probe("probe_fma")(np.zeros(1, dtype), rates)
        best = max(best, float(rates.sum()))
    return best


def fma_peak(dtype: np.dtype[Any]) -> float:
    """Floating-point operations a second that the threads in use reach on multiply-adds alone (0.0: unknown)."""
    return 0.0 if _native is None else _peak(dtype, get_num_threads())


def memory_bandwidth(*, update: bool = False, megabytes: int = 256) -> float:
    """Bytes a second of reading (or of updating in place: read and written) an array larger than the caches."""
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
    """Measured limits: GFLOP/s of both types and GB/s of reading and updating, with the threads in use."""
    return {
        "float32_gflops": fma_peak(np.dtype(np.float32)) / 1e9,
        "float64_gflops": fma_peak(np.dtype(np.float64)) / 1e9,
        "read_gbs": memory_bandwidth() / 1e9,
        "update_gbs": memory_bandwidth(update=True) / 1e9,
        "threads": float(get_num_threads()),
    }
