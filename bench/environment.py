"""The process environment that a fair comparison of two sides needs."""

from __future__ import annotations

import os
from collections.abc import Mapping

# Both make OpenBLAS choose kernels or block sizes for another machine. NumPy then runs at about half its speed, and
# every ratio against it is too good.
HANDICAPS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "FASTNN_NUM_THREADS",
)


def handicaps(environ: Mapping[str, str]) -> list[str]:
    """The names of the variables that are set and slow NumPy down, in a fixed order."""
    return [name for name in HANDICAPS if name in environ]


def without_handicaps(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of `environ` without the variables that slow NumPy down."""
    return {name: value for name, value in environ.items() if name not in HANDICAPS}


def refuse_handicaps(environ: Mapping[str, str]) -> None:
    """Raise ValueError if a comparison under `environ` would be unfair to NumPy."""
    found = handicaps(environ)
    if found:
        names = " and ".join(found)
        raise ValueError(
            f"bench: expected an environment in which NumPy runs at full speed, but {names} "
            f"{'is' if len(found) == 1 else 'are'} set (unset: env -u {' -u '.join(found)} ...)"
        )


def worker_environment(environ: Mapping[str, str], threads: int, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of one side: the number of threads in all variables that libraries read, and its settings."""
    env = without_handicaps(environ)
    for name in THREAD_VARIABLES:
        env[name] = str(threads)
    # If fewer cores than threads are free, a spinning idle OpenMP thread takes the core from other threads of its own
    # side. (Sides that are not being timed are stopped by a signal.)
    env.pop("OMP_WAIT_POLICY", None)
    env["TF_CPP_MIN_LOG_LEVEL"] = "3"
    env["JAX_PLATFORMS"] = "cpu"
    env["CUDA_VISIBLE_DEVICES"] = ""
    env.update(extra)
    return env


def cores(threads: int) -> list[int]:
    """The cores to which a side with `threads` threads is pinned: the first ones that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if threads < 1 or threads > len(allowed):
        raise ValueError(f"bench: expected 1 to {len(allowed)} threads (the cores of this process), but {threads} came")
    return allowed[:threads]
