"""Many small trainings at the same time, one on each core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from fastnn.kernels.threads import get_num_threads, set_num_threads

T = TypeVar("T")
R = TypeVar("R")


def map_on_cores(
    function: Callable[[T], R], items: Sequence[T], at: Callable[[int, int], None] = lambda done, total: None
) -> list[R]:
    """``[function(item) for item in items]``, with as many items at a time as fastnn has threads, one thread each.

    Parameters
    ----------
    function : callable
        A function that spends most of its time outside Python, as a compiled training does. It is called from
        several threads of this process.
    items : sequence
        The items are started in this order, so those that take longest should come first.
    at : callable
        Called with the number of finished items and the number of all items.

    Returns
    -------
    list
        The results in the order of the items. They do not depend on the number of threads, because those of the
        kernels do not.

    Raises
    ------
    Exception
        The first exception that `function` raises. Items that have not been started then are not run.

    Examples
    --------
    >>> from fastnn.studies.parallel import map_on_cores
    >>> map_on_cores(lambda n: n * n, [1, 2, 3])
    [1, 4, 9]
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
