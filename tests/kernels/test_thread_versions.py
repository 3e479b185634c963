"""A thread that is late finds no tasks of a call that is over; each computes in the mode of its caller."""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "csrc"))


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the flags are those of gcc and clang")


def said_by(name: str, folder: Path) -> str:
    """What a program of tests/c, which has the threads of the pool to itself, prints when it ends well."""
    import generate_header
    from kernel_jobs import FLAGS

    generated = generate_header.write(folder / "generated")
    compiler = shlex.split(sysconfig.get_config_var("CC"))
    sources = [f"tests/c/{name}.c", "csrc/runtime/input_prefetch.c", "csrc/runtime/interruption.c"]
    options = [*FLAGS, "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-Icsrc", f"-I{generated.parent}"]
    subprocess.run([*compiler, *options, *sources, "-lm", "-o", folder / name], cwd=ROOT, check=True)
    done = subprocess.run([folder / name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_call_that_is_over_has_no_tasks_left(tmp_path):
    """The versions of calls begin anew after many; the program calls around that."""
    assert "version 0x10000018: 0 failed" in said_by("thread_versions", tmp_path)


def test_each_thread_takes_subnormal_numbers_as_its_caller_does(tmp_path):
    assert said_by("thread_modes", tmp_path) == "0 failed\n"
