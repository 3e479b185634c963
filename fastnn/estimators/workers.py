"""Many fits at once: each on its share of the machine."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, nullcontext

from joblib.parallel import get_active_backend

from fastnn.environment import NUM_THREADS, OMP_NUM_THREADS
from fastnn.kernels.threads import one_thread


def share_of_threads() -> AbstractContextManager[None]:
    """What a fit computes in: one thread inside a worker of joblib that has not been told how many.

    Notes
    -----
    A loky worker and one of Dask have OMP_NUM_THREADS from their maker, which fastnn heeds. Workers that are threads of
    one process, or processes of `multiprocessing`, would else all use every processor.
    """
    backend, _ = get_active_backend()
    if not getattr(backend, "nesting_level", 0):
        return nullcontext()
    told = os.environ.get(NUM_THREADS) or os.environ.get(OMP_NUM_THREADS)
    in_a_thread = threading.current_thread() is not threading.main_thread()
    return one_thread() if in_a_thread or not told else nullcontext()
