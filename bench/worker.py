"""One side of a race, in a process of its own, which prepares a workload and times runs on request.

`bench.side` starts it. Requests on stdin and replies on the original stdout are JSON lines.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG, SIGKILL = 1, 9


def _die_with_parent() -> None:
    # Otherwise a stopped process would outlive a parent that is killed.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)


def _reply_channel() -> TextIO:
    """Return the original stdout; from now on, what libraries print goes to stderr."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return channel


def serve(runner: Any, requests: TextIO, replies: TextIO) -> None:
    """Answer requests {"steps": n, "warm": m} by the steps done and the seconds, until stdin ends."""
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
    # This comes before any library is imported, because it determines the size of thread pools.
    os.sched_setaffinity(0, order["cores"])
    replies = _reply_channel()
    # It comes last, so that an installed fastnn takes precedence over the source tree, and no module of bench/ hides
    # one of the same name that a framework imports.
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT / "bench"]
    sys.path.append(str(ROOT))
    from bench import peers, workloads
    from bench.peers.base import Setting

    workload = workloads.find(order["workload"])
    setting = Setting(**order["setting"])
    runner = peers.load(order["side"]).prepare(workload, setting)
    check = runner.check()
    print(json.dumps({"check": check, "work": [asdict(call) for call in runner.work()]}), file=replies)
    serve(runner, sys.stdin, replies)


if __name__ == "__main__":
    main()
