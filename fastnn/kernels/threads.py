"""How many threads the native kernels use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


def _from_environment(variable: str, strict: bool) -> int | None:
    text = os.environ.get(variable, "").split(",")[0].strip()
    if not text:
        return None
    if text.isdigit() and int(text) > 0:
        return int(text)
    if strict:
        raise ValueError(f"{variable}: expected a positive whole number, got {text!r}")
    return None


def _cgroup_quota() -> float | None:
    """Processors' worth of time that the control group grants, None where it sets no limit."""
    try:
        own = next(line[3:].strip() for line in Path("/proc/self/cgroup").read_text().splitlines() if line[:3] == "0::")
        folders = [Path("/sys/fs/cgroup" + own), *Path("/sys/fs/cgroup" + own).parents]
        limits = []
        for folder in folders:
            file = folder / "cpu.max"
            if file.is_file():
                quota, period = file.read_text().split()
                if quota != "max":
                    limits.append(int(quota) / int(period))
        if limits:
            return min(limits)
    except (OSError, ValueError, StopIteration):
        pass
    try:
        old = Path("/sys/fs/cgroup/cpu")
        quota_us = int((old / "cpu.cfs_quota_us").read_text())
        return quota_us / int((old / "cpu.cfs_period_us").read_text()) if quota_us > 0 else None
    except (OSError, ValueError):
        return None


def default_num_threads() -> int:
    """FASTNN_NUM_THREADS, else OMP_NUM_THREADS, else what affinity mask and cgroup quota allow."""
    asked = _from_environment("FASTNN_NUM_THREADS", strict=True) or _from_environment("OMP_NUM_THREADS", strict=False)
    if asked:
        return asked
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota()
    return max(1, processors if quota is None else min(processors, int(quota)))


def get_num_threads() -> int:
    """Threads that the native kernels use (1 without the native module)."""
    return 1 if _native is None else _native.get_num_threads()


def set_num_threads(count: int) -> None:
    """Use `count` threads in the native kernels; results do not depend on it.

    Parameters
    ----------
    count : int
        At least 1. Without the native module the call does nothing.

    Raises
    ------
    ValueError, TypeError
        If `count` is not a whole number in range.

    Examples
    --------
    >>> import fastnn
    >>> before = fastnn.get_num_threads()
    >>> fastnn.set_num_threads(1)
    >>> fastnn.set_num_threads(before)
    """
    if isinstance(count, bool) or not hasattr(count, "__index__"):
        raise TypeError(f"set_num_threads: count must be an int, got {type(count).__name__}")
    limit = 256 if _native is None else _native.MAX_THREADS
    if not 1 <= count <= limit:
        raise ValueError(f"set_num_threads: count must be 1 to {limit}, got {count}")
    if _native is not None:
        _native.set_num_threads(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """The calling Python thread computes by itself, whatever `set_num_threads` said; others go on as they were.

    For work of which several parts run at the same time; results do not depend on it.

    Examples
    --------
    >>> import fastnn
    >>> with fastnn.one_thread():
    ...     classes = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,)).predict([[1, 2, 3]])
    """
    before = _native is not None and _native.stay_alone(True)
    try:
        yield
    finally:
        if _native is not None:
            _native.stay_alone(before)


if _native is not None:
    _native.set_num_threads(min(default_num_threads(), _native.MAX_THREADS))
