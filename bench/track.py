"""Track the speed of the kernels against NumPy: store the ratios of this processor, or compare with the stored ones.

    python bench/track.py store      runs the benchmarks and writes bench/baselines/PROCESSOR.json
    python bench/track.py check      runs them and fails if a ratio has fallen by more than 15 % in two of three runs

A ratio is the median time of another backend divided by that of the native kernel, both measured in the same run on the
same arrays. It moves far less than a time does when the machine is busy, and means the same on every processor, but not
the same number: every kind of processor has a file of its own. What seems to have fallen is measured twice more, on its
own. Arguments after ``--`` go to pytest: ``python bench/track.py check -- bench/bench_conv.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench" / "baselines"
LEAST = 0.85  # of the stored ratio
RUNS, NEEDED = 3, 2  # a ratio has fallen if it has in so many of so many runs

Ratios = dict[str, dict[str, float]]  # by benchmark, then by the backend that native is compared with
Run = Callable[[Sequence[str]], dict[str, Any]]  # pytest's arguments to its report


def benchmark_name(entry: Mapping[str, Any]) -> str:
    """A benchmark's name without the backend: the entries of all backends share it."""
    name = re.sub(rf"\b{re.escape(entry['params']['backend'])}\b-?", "", entry["fullname"])
    return name.removeprefix("bench/").replace("-]", "]")


def ratios(report: Mapping[str, Any]) -> Ratios:
    """How many times longer each other backend takes than native, by pytest-benchmark's report."""
    medians: dict[str, dict[str, float]] = {}
    for entry in report["benchmarks"]:
        medians.setdefault(benchmark_name(entry), {})[entry["params"]["backend"]] = entry["stats"]["median"]
    return {
        name: {other: round(seconds / found["native"], 2) for other, seconds in found.items() if other != "native"}
        for name, found in medians.items()
        if "native" in found
    }


def fallen(stored: Ratios, found: Ratios) -> dict[str, str]:
    """What has fallen below the share `LEAST` of what is stored, with both numbers in words."""
    return {
        name: f"{other} ÷ native {then:.2f} -> {found[name][other]:.2f}"
        for name, ratios_then in stored.items()
        for other, then in ratios_then.items()
        if found.get(name, {}).get(other, then) < LEAST * then
    }


def node_ids(report: Mapping[str, Any], names: set[str]) -> list[str]:
    """What to give to pytest to run these benchmarks on all backends."""
    return [entry["fullname"] for entry in report["benchmarks"] if benchmark_name(entry) in names]


def compare(stored: Ratios, run: Run, arguments: Sequence[str]) -> dict[str, str]:
    """The benchmarks whose ratio has fallen in `NEEDED` of `RUNS` runs; the later runs are of the suspects alone."""
    report = run(arguments)
    found = fallen(stored, ratios(report))
    counts = dict.fromkeys(found, 1)
    for _ in range(1, RUNS):
        suspects = {name for name, count in counts.items() if count < NEEDED}
        if suspects:
            again = fallen(stored, ratios(run(node_ids(report, suspects))))
            for name in suspects & set(again):
                counts[name] += 1
    return {name: words for name, words in found.items() if counts[name] >= NEEDED}


def run_pytest(arguments: Sequence[str]) -> dict[str, Any]:
    """Run benchmarks and return pytest-benchmark's report."""
    from bench.environment import without_handicaps

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--benchmark-only", "-q", "-p", "no:cacheprovider",
             f"--benchmark-json={report}", *(arguments or ["bench"])],
            cwd=ROOT, env=without_handicaps(os.environ), stdout=sys.stderr, check=False,
        )  # fmt: skip
        if done.returncode or not report.exists():
            raise SystemExit(f"track: the benchmarks ended with status {done.returncode}")
        found: dict[str, Any] = json.loads(report.read_text())
    return found


def baseline_file(processor: str, threads: int) -> Path:
    """Where the ratios of a kind of processor are kept."""
    from bench.probe import kind_of

    return FOLDER / f"{kind_of(processor, threads)}.json"


def main(arguments: Sequence[str] | None = None, run: Run = run_pytest) -> int:
    """Run the command line and return the exit status: 1 if a ratio has fallen."""
    from bench.command import versions
    from bench.probe import processor
    from fastnn import get_num_threads
    from fastnn.files import write_whole

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["store", "check"])
    parser.add_argument("pytest", nargs="*", help="what to run, by default all benchmarks of typical sizes")
    options = parser.parse_args(arguments)
    file = baseline_file(processor(), get_num_threads())
    if options.command == "store":
        report = run(options.pytest)
        known: Ratios = json.loads(file.read_text())["ratios"] if file.exists() else {}
        content = {
            "processor": processor(),
            "threads": get_num_threads(),
            "date": report["datetime"][:10],
            "versions": versions(["fastnn", "numpy", "numba"]),
            "command": "python bench/track.py store",
            "ratios": dict(sorted((known | ratios(report)).items())),
        }
        FOLDER.mkdir(exist_ok=True)
        write_whole(file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        print(f"{len(content['ratios'])} benchmarks in {file.relative_to(ROOT)}")
        return 0
    if not file.exists():
        raise SystemExit(
            f"track: check: nothing is stored for this kind of processor; expected {file.relative_to(ROOT)}"
        )
    stored: Ratios = json.loads(file.read_text())["ratios"]
    found = compare(stored, run, options.pytest)
    for name, words in found.items():
        print(f"{name}: {words}")
    print(f"{len(found)} of {len(stored)} benchmarks have fallen by more than {1 - LEAST:.0%}")
    return 1 if found else 0


if __name__ == "__main__":
    # It comes last, so that an installed fastnn takes precedence over the source tree.
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT / "bench"]
    sys.path.append(str(ROOT))
    sys.exit(main())
