"""Many small trainings at once: one a core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from fastnn.kernels.threads import get_num_threads, set_num_threads

T = TypeVar("T")
R = TypeVar("R")


def one_a_core(
    function: Callable[[T], R], items: Sequence[T], at: Callable[[int, int], None] = lambda done, total: None
) -> list[R]:
    """``[function(item) for item in items]`` with as many at once as fastnn uses threads, one thread each.

    Parameters
    ----------
    function : callable
        A compiled training leaves Python for most of its time, so threads of one process do.
    items : sequence
        Taken in order; put the long ones first.
    at : callable
        Called with the number of finished items and of all.

    Raises
    ------
    Exception
        What `function` raised first; items not yet begun are left.

    Notes
    -----
    The results do not depend on the number of threads: no kernel's do.
    """
    cores = get_num_threads()
    with _one_thread(), ThreadPoolExecutor(cores) as pool:
        jobs: list[Future[R]] = [pool.submit(function, item) for item in items]
        waiting = set(jobs)
        try:
            while waiting:
                at(len(jobs) - len(waiting), len(jobs))
                done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for job in done:
                    job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        at(len(jobs), len(jobs))
    return [job.result() for job in jobs]


@contextmanager
def _one_thread() -> Iterator[None]:
    before = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(before)
