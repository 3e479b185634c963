"""How long the products of a step take on 1 to 64 threads, by counting what threads exchange.

    python -m bench.pool_model --transfer 100          the dense rows of the race, in microseconds

Machines with many cores are not at hand for every change, and the number of transfers can be counted. A cache line that
one core has written goes to the next that wants it in a time that fastnn measures on the machine, 50 to 500 ns. The
count is that of csrc/runtime/thread_team.c on its longest way: the caller writes a line for each group of threads,
whose members read it in turn and count their finished tasks on another in turn, which the caller reads again. How many
threads a call gets is asked of the library itself. That every thread does its share in the same time is assumed, and
that what has no products takes as long on any number of threads.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable

from bench.floor import Call
from bench.peers import fastnn_peer
from bench.workloads import WORKLOADS, Workload
from fastnn.kernels.limits import THREAD_GROUP, THREAD_SPEED

MOST = 64


def transfers(threads: int) -> int:
    """The transfers of lines, one after the other, of a call with that many threads."""
    if threads == 1:
        return 0
    groups = -(-threads // THREAD_GROUP)
    readers = threads - 1 if groups == 1 else THREAD_GROUP
    return groups + readers + min(threads, THREAD_GROUP) + groups


def transfers_without_groups(threads: int) -> int:
    """The same if one line is read by all, every thread's share is written by the caller and read by every other."""
    return 0 if threads == 1 else 1 + threads + (threads - 1) + threads + threads


def step(work: Iterable[Call], threads: int, transfer: float) -> float:
    """Nanoseconds of a step on at most that many threads, if a transfer takes `transfer` of them."""
    from fastnn.kernels._native import threads_worth

    cost = (transfers(THREAD_GROUP) - transfers(2)) / (THREAD_GROUP - 2) * transfer  # as the library measures it
    total = 0.0
    for call in work:
        if call.multiply_adds:
            worth = threads_worth(threads, call.multiply_adds, cost * 1e-9)
            total += call.times * (call.multiply_adds / THREAD_SPEED / worth + transfers(worth) * transfer)
    return total


def dense_rows() -> list[Workload]:
    """The rows of the race without images, of float32."""
    kinds = ("train", "predict")
    return [w for w in WORKLOADS if w.kind in kinds and w.data == "random" and w.precision == "float32"]


def work_of(workload: Workload) -> list[Call]:
    """The kernel calls of a step."""
    small = dataclasses.replace(workload, rows=max(workload.batch, 2))
    work: list[Call] = fastnn_peer.prepare(small, fastnn_peer.settings(small, 1)[0]).work()
    return work


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfer", type=float, default=100.0, help="nanoseconds of a transfer (default 100)")
    transfer = parser.parse_args().transfer
    counts = (1, 2, 4, 8, 16, 32, 38, 64)
    print("| µs of products on threads | " + " | ".join(map(str, counts)) + " |")
    print("|---|" + "---|" * len(counts))
    for workload in dense_rows():
        work = work_of(workload)
        times = [f"{step(work, count, transfer) / 1e3:,.1f}" for count in counts]
        print(f"| {workload.title} | " + " | ".join(times) + " |", flush=True)
    both = ((transfers(count), transfers_without_groups(count)) for count in counts)
    print("| transfers of a call; without groups | " + " | ".join(f"{one}; {other}" for one, other in both) + " |")


if __name__ == "__main__":
    main()
