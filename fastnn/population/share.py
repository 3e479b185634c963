"""Shares work on members out to threads, each of which does a member's work by itself."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context

from fastnn.kernels.backend import current_backend
from fastnn.kernels.threads import one_thread, threads_here

Stopped = Callable[[], bool]


def workers() -> int:
    """How many threads `share_out` uses at most: those of the kernels, without which Python runs one at a time."""
    return threads_here() if current_backend() == "native" else 1


def share_out(do: Callable[[int, int, Stopped], None], count: int) -> None:
    """Do something `count` times, on all threads.

    Few that would be left after equal shares for all threads are done one after the other, and may use all of them.

    Parameters
    ----------
    do : callable
        ``do(i, worker, stopped)`` does part i on thread number `worker` (0 is this one). Where it takes longer it asks
        ``stopped()`` now and then, and returns if that is true: there was an error, or Ctrl-C.
    count : int
    """
    threads = workers()
    rest = count % threads
    together = 0 if threads == 1 else count - (rest if 2 * rest <= threads else 0)
    parts, stop, errors = deque(range(together)), threading.Event(), list[BaseException]()

    def work(worker: int) -> None:
        with one_thread():
            while not stop.is_set():
                try:
                    part = parts.popleft()
                except IndexError:
                    return
                do(part, worker, stop.is_set)

    def help_with(worker: int) -> None:
        try:
            work(worker)
        except BaseException as error:
            stop.set()
            errors.append(error)

    helpers = [
        threading.Thread(target=copy_context().run, args=(help_with, worker), name=f"fastnn-members-{worker}")
        for worker in range(1, min(threads, together))
    ]
    for helper in helpers:
        helper.start()
    try:
        if together:
            work(0)
    except BaseException:
        stop.set()
        raise
    finally:
        for helper in helpers:
            helper.join()
    if errors:
        raise errors[0]
    for part in range(together, count):
        do(part, 0, stop.is_set)
