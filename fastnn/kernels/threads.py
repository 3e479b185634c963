"""How many threads the native kernels use."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastnn.checks import whole
from fastnn.environment import NUM_THREADS, OMP_NUM_THREADS
from fastnn.kernels.control_group import control_groups
from fastnn.kernels.limits import MAX_THREADS

try:
    from fastnn.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]


SYSTEM = Path("/sys/devices/system/cpu")  # where Linux tells about its processors
UNEVEN = 1.25  # times as fast; cores of one kind may differ by a few per cent in their highest clock


def _from_environment(variable: str, strict: bool) -> int | None:
    text = os.environ.get(variable, "").split(",")[0].strip()
    if not text:
        return None
    if text.isdecimal() and len(text) < 10 and int(text) > 0:  # "²" is a digit, and no number
        return int(text)
    if strict:
        raise ValueError(f"{variable}: expected a positive whole number, got {text!r}")
    return None


def _cgroup_quota() -> float | None:
    """How many processors' time the control groups grant; None if they set no limit."""
    limits = []
    for folder in control_groups("cpu"):
        try:
            if (folder / "cpu.max").is_file():
                quota, period = (folder / "cpu.max").read_text().split()
            elif (folder / "cpu.cfs_quota_us").is_file():
                quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
            else:
                continue
            if quota not in ("max", "-1"):
                limits.append(int(quota) / int(period))
        except (OSError, ValueError):
            continue
    return min(limits, default=None)


def default_num_threads() -> int:
    """FASTNN_NUM_THREADS, else OMP_NUM_THREADS, else as many as affinity mask and cgroup quota allow, one a core."""
    asked = _from_environment(NUM_THREADS, strict=True) or _from_environment(OMP_NUM_THREADS, strict=False)
    if asked:
        return asked
    return _granted(len(cores(_allowed())))


def granted_processors() -> int:
    """How many processors the affinity mask and the cgroup quota grant this process."""
    return _granted(len(_allowed()))


def _allowed() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _granted(count: int) -> int:
    quota = _cgroup_quota()
    return max(1, count if quota is None else min(count, int(quota)))


def cores(processors: set[int], system: Path = SYSTEM) -> list[set[int]]:
    """The processors by core: those of one core share its arithmetic. Where the system does not say, each is a core."""
    found: dict[str, set[int]] = {}
    for processor in sorted(processors):
        try:
            core = (system / f"cpu{processor}" / "topology" / "thread_siblings_list").read_text().strip()
        except OSError:
            core = f"processor {processor}"
        found.setdefault(core, set()).add(processor)
    return list(found.values())


def are_uneven(processors: set[int], system: Path = SYSTEM) -> bool:
    """Whether some of the processors are slower than others by their nature, as in many laptops and telephones."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        try:
            speeds = [int((system / f"cpu{processor}" / name).read_text()) for processor in processors]
        except (OSError, ValueError):
            continue
        return bool(speeds) and max(speeds) > UNEVEN * min(speeds)
    return sys.platform == "darwin" and platform.machine() == "arm64"


def get_num_threads() -> int:
    """The number of threads that the native kernels use; 1 without the native module."""
    return 1 if _native is None else _native.get_num_threads()


def threads_here() -> int:
    """The number of threads that kernels of this Python thread use: 1 inside `one_thread`."""
    if _native is None:
        return 1
    single = _native.set_single_threaded(True)
    _native.set_single_threaded(single)
    return 1 if single else _native.get_num_threads()


def set_num_threads(count: int) -> None:
    """Use `count` threads in the native kernels, but at most four a processor; results do not depend on it.

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
    count = whole("set_num_threads", "count", count, at_least=1, at_most=MAX_THREADS)
    if _native is not None:
        _native.set_num_threads(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside the ``with`` block, kernels of this Python thread use one thread, whatever `set_num_threads` says.

    Other Python threads are not affected. This is for work whose parts run at the same time; results do not depend on
    it.

    Examples
    --------
    >>> import fastnn
    >>> with fastnn.one_thread():
    ...     classes = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,)).predict([[1, 2, 3]])
    """
    before = _native is not None and _native.set_single_threaded(True)
    try:
        yield
    finally:
        if _native is not None:
            _native.set_single_threaded(before)


if _native is not None:
    _native.set_uneven(are_uneven(_allowed()))
    _native.set_num_threads(min(default_num_threads(), MAX_THREADS))
