"""The C code passes its own test, which needs no Python and runs on other systems too. Its build makes this slow."""

import subprocess
import sys
from pathlib import Path

import pytest

from fastnn.kernels import _native

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_the_c_code_passes_its_own_test() -> None:
    isa = next(iter(_native.isa_tables()))
    command = [sys.executable, ROOT / "tests" / "c" / "selftest.py", "--isa", isa, "--optimise=-O1", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{isa} float64: done" in done.stdout
    assert "checks, 0 failed" in done.stdout
