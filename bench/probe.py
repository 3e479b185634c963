"""Measures what the machine can do: the FMA peak and the memory bandwidth, by number of threads.

`python bench/probe.py --threads 2` prints one measurement as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ATTEMPTS = 3


@dataclass(frozen=True)
class Probe:
    """One measurement: GFLOP/s of float32 FMA, and GB/s of reading and of updating in place."""

    threads: int
    fma_gflops: float
    read_gbs: float
    update_gbs: float
    source: str


def processor() -> str:
    """The name of the processor and those of its vector extensions that matter here."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = [line.partition(":") for line in text.splitlines()]
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    flags = fields.get("flags", fields.get("Features", "")).split()
    vector = [f for f in ("avx2", "fma", "avx512f", "avx512_fp16", "amx_tile", "asimd") if f in flags]
    name = fields.get("model name", platform.machine())
    family = f"family {fields['cpu family']}, model {fields['model']}" if "cpu family" in fields else ""
    return ", ".join(part for part in (name, family, " ".join(vector)) if part)


def halves(name: str) -> bool:
    """Whether the processor of that name has AVX-512 in units of half its width: AMD's family 25, which is Zen 4."""
    return "avx512f" in name and "family 25," in name


def kind_of(name: str, threads: int) -> str:
    """The name of a file about processors of that kind and so many threads, without its ending."""
    kind = re.sub(r"[^a-z0-9]+", "-", name.lower().replace("(r)", "").replace("processor", "")).strip("-")
    return f"{kind}-{threads}-threads"


def caches(threads: int) -> int:
    """The bytes that the second- and third-level caches of the first `threads` cores of this process hold together."""
    from bench.environment import cores

    sizes = {}
    for core in cores(threads):
        for folder in Path(f"/sys/devices/system/cpu/cpu{core}/cache").glob("index*"):
            level, kind, size, shared = (
                (folder / name).read_text().strip() for name in ("level", "type", "size", "shared_cpu_list")
            )
            if int(level) >= 2 and kind != "Instruction":
                sizes[level, shared] = int(size.removesuffix("K")) * 1024
    return sum(sizes.values())


def measure(threads: int, seconds: float = 0.2) -> Probe:
    """Measure on the cores of this process, with fastnn's native loops or, if there are none, with NumPy."""
    try:
        import fastnn
        from fastnn.kernels.native_probe import probe as native_probe
    except ImportError:
        return _estimate(threads, seconds)
    fastnn.set_num_threads(threads)
    found = native_probe()
    if not found["float32_gflops"]:  # fastnn is installed without its native module
        return _estimate(threads, seconds)
    return Probe(threads, found["float32_gflops"], found["read_gbs"], found["update_gbs"], "fastnn's probe")


def _rate(work: float, seconds: float, call: Callable[[], object]) -> float:
    """The best rate of the runs that fit into `seconds`, in units of 1e9 per second."""
    best, stop = float("inf"), time.perf_counter() + seconds
    call()
    while time.perf_counter() < stop or best == float("inf"):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return work / best / 1e9


def _estimate(threads: int, seconds: float) -> Probe:
    """What NumPy reaches, which is a lower bound of the peak and the bandwidth of one thread."""
    import numpy as np

    n = 1536
    a = np.ones((n, n), dtype=np.float32)
    out = np.empty_like(a)
    long = np.ones(1 << 27, dtype=np.float32)
    return Probe(
        threads,
        _rate(2.0 * n**3, seconds, lambda: np.dot(a, a, out=out)),
        _rate(long.nbytes, seconds, lambda: np.maximum.reduce(long)),
        _rate(2.0 * long.nbytes, seconds, lambda: np.negative(long, out=long)),
        "NumPy matmul (an estimate: the peak is at least this, the bandwidth one thread's)",
    )


def best_of(found: Sequence[Probe]) -> Probe:
    """The largest value of each limit, because others may have used the cores during some measurements."""
    limits = ("fma_gflops", "read_gbs", "update_gbs")
    return replace(found[0], **{name: max(getattr(p, name) for p in found) for name in limits})


def in_process(threads: int, extra: dict[str, str] | None = None, attempts: int = ATTEMPTS) -> Probe:
    """The best of some measurements, each in a process of its own that is pinned to its cores."""
    return best_of([_in_process(threads, extra or {}) for _ in range(attempts)])


def _in_process(threads: int, extra: dict[str, str]) -> Probe:
    from bench.environment import worker_environment

    done = subprocess.run(
        [sys.executable, __file__, "--threads", str(threads)],
        env=worker_environment(os.environ, threads, extra),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"probe: measurement with {threads} threads failed:\n{done.stderr}")
    return Probe(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure in this process and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.2)
    options = parser.parse_args()
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT / "bench"]
    sys.path.append(str(ROOT))
    from bench.environment import cores

    os.sched_setaffinity(0, cores(options.threads))
    print(json.dumps(asdict(measure(options.threads, options.seconds))))


if __name__ == "__main__":
    main()
