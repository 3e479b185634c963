"""How long ``import fastnn`` takes, compared with ``import numpy`` alone, in new processes that alternate.

python bench/import_time.py [rounds]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

_CODE = (
    "import sys; sys.path[:] = [p for p in sys.path if p]; import time; start = time.perf_counter(); "
    "import {module}; print(time.perf_counter() - start)"
)


def seconds(module: str) -> float:
    """The seconds that importing `module` takes in a process of its own."""
    # with bytecode, as in an installed package; the round that warms the cache writes it if it is missing
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = _CODE.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout)


def medians(rounds: int) -> tuple[float, float]:
    """The median seconds of importing numpy and fastnn, after one round that warms the file cache."""
    times: dict[str, list[float]] = {"numpy": [], "fastnn": []}
    for number in range(rounds + 1):
        for module, found in times.items():
            taken = seconds(module)
            if number:
                found.append(taken)
    return statistics.median(times["numpy"]), statistics.median(times["fastnn"])


if __name__ == "__main__":
    numpy, fastnn = medians(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
    print(f"import numpy {numpy * 1e3:.1f} ms, import fastnn {fastnn * 1e3:.1f} ms, ratio {fastnn / numpy:.2f}")
