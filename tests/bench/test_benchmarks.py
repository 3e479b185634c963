"""The benchmarks of kernels and steps run without errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BRIEF = ("--benchmark-min-time=1e-9", "--benchmark-warmup=off", "--benchmark-quiet")


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "bench").glob("bench_*.py")), ids=lambda path: path.stem)
def test_every_benchmark_runs(path):
    pytest.importorskip("pytest_benchmark")
    # a worker of pytest-xdist leaves its number there, and benchmarks do not run in such
    left_out = ("OPENBLAS_", "PYTEST_XDIST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", path, "--benchmark-only", "-q", "-k", "not reference", *BRIEF],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "SKIPPED" not in done.stdout  # a line for each kernel that a backend lacks would hide the table
