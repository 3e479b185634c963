"""One side of a race in a process of its own: prepares a workload, then times runs on request.

Started by `bench.side`; speaks JSON lines, requests on stdin, replies on what was stdout.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG, SIGKILL = 1, 9


def _die_with_parent() -> None:
    # A stopped process would otherwise outlive a parent that was killed.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)


def _reply_channel() -> TextIO:
    """What was stdout; from now on prints of libraries go to stderr."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return channel


def serve(runner: Any, requests: TextIO, replies: TextIO) -> None:
    """Answer requests until stdin ends: {"steps": n, "warm": m} gives steps done and seconds."""
    for line in requests:
        request = json.loads(line)
        if request["warm"]:
            runner.warm(request["warm"])
        start = time.perf_counter()
        steps = runner.run(request["steps"])
        seconds = time.perf_counter() - start
        print(json.dumps({"steps": steps, "seconds": seconds}), file=replies)


def main() -> None:
    """Prepare the side that the first argument describes, then serve."""
    _die_with_parent()
    order = json.loads(sys.argv[1])
    # Before any library is imported: thread pools are sized by it.
    os.sched_setaffinity(0, order["cores"])
    replies = _reply_channel()
    # Last, so that an installed fastnn wins over the source tree; and no module of bench/ hides
    # one of the same name that a framework imports.
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT / "bench"]
    sys.path.append(str(ROOT))
    from bench import peers, workloads
    from bench.peers.base import Setting

    workload = workloads.find(order["workload"])
    setting = Setting(**order["setting"])
    runner = peers.load(order["side"]).prepare(workload, setting)
    print(json.dumps({"check": runner.check()}), file=replies)
    serve(runner, sys.stdin, replies)


if __name__ == "__main__":
    main()
