"""The number of threads of a fit, when many fits run at the same time."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, nullcontext

from joblib.parallel import get_active_backend

from fastnn.environment import NUM_THREADS, OMP_NUM_THREADS
from fastnn.kernels.threads import one_thread


def configured_backend() -> str | None:
    """The name of the class of joblib's backend that somebody configured; None if nobody did."""
    # joblib returns a new default backend at every call, but the same one if it was configured
    first, second = (get_active_backend()[0] for _ in range(2))
    return type(first).__name__ if first is second else None


def on_dask() -> bool:
    """Whether joblib's tasks go to the workers of a Dask cluster."""
    return configured_backend() == "DaskDistributedBackend"


def share_of_threads() -> AbstractContextManager[None]:
    """Return a context in which a fit has one thread, if it runs in a joblib worker without a set number of threads.

    Notes
    -----
    Workers of loky and Dask are started with OMP_NUM_THREADS, which fastnn respects. Workers that are threads of one
    process, or processes of `multiprocessing`, would otherwise each use all processors.
    """
    backend, _ = get_active_backend()
    if not getattr(backend, "nesting_level", 0):
        return nullcontext()
    is_set = os.environ.get(NUM_THREADS) or os.environ.get(OMP_NUM_THREADS)
    in_a_thread = threading.current_thread() is not threading.main_thread()
    return one_thread() if in_a_thread or not is_set else nullcontext()
