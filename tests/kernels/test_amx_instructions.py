"""The instructions of AMX compute what the functions that stand for them do, also where no processor has them."""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from fastnn.kernels import _native

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "csrc"))


@pytest.mark.skipif("avx512" not in _native.isa_tables() or sys.platform != "linux", reason="no AVX-512 on Linux")
def test_the_instructions_compute_what_the_functions_do(tmp_path):
    import generate_header
    from kernel_jobs import FLAGS, ISAS

    generated = generate_header.write(tmp_path / "generated")
    compiler = shlex.split(sysconfig.get_config_var("CC"))
    macros = ["-DFNN_ISA=avx512", "-DREAL_IS_DOUBLE=0"]
    folders = ["-Icsrc", f"-I{generated.parent}"]
    sources = ["tests/c/amx_instructions.c", "csrc/gemm/gemm_tiles.c", "csrc/gemm/tile_block.c"]
    flags = [*FLAGS, "-O1", "-Wall", "-Wextra", "-Werror", *ISAS["x86_64"]["avx512"]]
    program = tmp_path / "amx_instructions"
    subprocess.run([*compiler, *flags, *macros, *folders, *sources, "-lm", "-o", program], cwd=ROOT, check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "24 products" in done.stdout
    assert "0 failed" in done.stdout
