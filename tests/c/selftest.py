r"""Builds tests/c/selftest.c with csrc and runs it, with any compiler, for any processor and system.

``python tests/c/selftest.py`` tests this machine. For another one, name its compiler and what runs its programs:

    python tests/c/selftest.py --cc "python -m ziglang cc -target x86_64-windows-gnu" --run wine
    python tests/c/selftest.py --cc "python -m ziglang cc -target aarch64-linux-musl" \
        --machine aarch64 --run qemu-aarch64

``--build`` compiles and links, and runs nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "csrc"))
import generate_header
from kernel_jobs import ROOT, Job, flags_for, isas_of, jobs

WARNINGS = ["-Wall", "-Wextra", "-Werror"]


def build(compiler: list[str], machine: str, isas: list[str], folder: Path, optimise: str, workers: int) -> Path:
    """Compile everything into a folder; return the program."""
    generated = generate_header.write(folder / "generated")
    windows = any("windows" in word for word in compiler)
    flags = flags_for("win32" if windows else "posix")

    def compile_one(job: Job) -> str:
        made = folder / job.folder / Path(job.source).with_suffix(".o")
        made.parent.mkdir(parents=True, exist_ok=True)
        macros = [f"-D{name}={value}" for name, value in job.macros]
        folders = ["-Icsrc", f"-I{generated.parent}"]
        command = [*compiler, *folders, *macros, *job.flags, *WARNINGS, optimise, "-c", job.source, "-o", str(made)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return str(made)

    listed = [*jobs(machine, isas, flags), Job("tests/c/selftest.c", "test", flags, [])]
    with ThreadPoolExecutor(workers) as pool:
        objects = list(pool.map(compile_one, listed))
    program = folder / ("selftest.exe" if windows else "selftest")
    libraries = [] if windows else ["-lm", "-pthread"]
    subprocess.run([*compiler, *objects, *libraries, "-o", str(program)], check=True)
    return program


def main() -> int:
    """Run the command line; return the exit status of the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"), help="the compiler, with its target")
    parser.add_argument("--machine", default=platform.machine().lower())
    parser.add_argument("--isa", action="append", help="only this instruction set; may be given several times")
    parser.add_argument("--run", default="", help="what runs the program, such as wine")
    parser.add_argument("--build", action="store_true", help="run nothing")
    parser.add_argument("--folder", type=Path, help="where to build; else a temporary folder")
    parser.add_argument(
        "--optimise", default="-O3", help="--optimise=-O1 takes half the time; GCC 12 has a bug there and needs -O2"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        isas = options.isa or list(isas_of(options.machine))
        program = build(shlex.split(options.cc), options.machine, isas, folder, options.optimise, workers=options.jobs)
        if options.build:
            print(f"{program}: {program.stat().st_size} bytes")
            return 0
        return subprocess.run([*shlex.split(options.run), str(program)]).returncode


if __name__ == "__main__":
    sys.exit(main())
