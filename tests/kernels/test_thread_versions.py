"""A thread that is late finds no tasks of a call that is over, also where the versions of calls begin anew."""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "csrc"))


@pytest.mark.skipif(sys.platform == "win32", reason="the flags are those of gcc and clang")
def test_a_call_that_is_over_has_no_tasks_left(tmp_path):
    import generate_header
    from kernel_jobs import FLAGS

    generated = generate_header.write(tmp_path / "generated")
    compiler = shlex.split(sysconfig.get_config_var("CC"))
    sources = ["tests/c/thread_versions.c", "csrc/runtime/input_prefetch.c", "csrc/runtime/interruption.c"]
    program = tmp_path / "thread_versions"
    command = [*compiler, *FLAGS, "-O1", "-Wall", "-Wextra", "-Werror", "-Icsrc", f"-I{generated.parent}", *sources]
    subprocess.run([*command, "-lm", "-o", program], cwd=ROOT, check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "version 0x10000018: 0 failed" in done.stdout
