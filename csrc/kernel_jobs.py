"""What is compiled of csrc, and with which options: for setup.py, and for tests/c/selftest.py, which needs no Python.

Every kernel source is compiled once for each pair of instruction set and type; a few sources are common to all.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent  # all paths are relative to it

# options of each instruction set of a family of processors
ISAS = {
    "x86_64": {
        "baseline": ["-O2"],  # for processors older than 2013; -O3 makes its library and its compile a fifth larger
        "avx2": ["-mavx2", "-mfma"],
        "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
    },
    "aarch64": {"neon": []},
}
ISAS["amd64"], ISAS["arm64"] = ISAS["x86_64"], ISAS["aarch64"]
PLAIN = {"plain": []}  # of any other processor: vectors of 16 bytes as its compiler makes them of what it has

# -g0: Python's own flags ask for debug information, which doubles the time to compile and makes 49 MB of 5
FLAGS = [
    "-std=c11", "-O3", "-g0", "-fPIC", "-pthread", "-fvisibility=hidden",
    "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
]  # fmt: skip
# Windows finds a program's code anywhere, has threads without an option, and no shared symbols to hide
NOT_ON_WINDOWS = ("-fPIC", "-pthread", "-fvisibility=hidden")

# independent of the instruction set and of the type
COMMON = [
    f"csrc/runtime/{name}.c"
    for name in (
        "amx",
        "custom",
        "file_rows",
        "input_prefetch",
        "interruption",
        "isa",
        "replay",
        "thread_pool",
        "thread_team",
    )
]
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*.c"))
HEADERS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*.h"))
KERNELS = [source for source in SOURCES if source not in COMMON]
# those with the most instances, which take longest, come first: so that no processor has one left when the others end
LONGEST = [f"csrc/{name}.c" for name in ("gemm/microkernel", "dense/weight_grad_rank_k", "population/layers")]


def isas_of(machine: str) -> dict[str, list[str]]:
    """The instruction sets of a processor, as `platform.machine` names it, with the options of each."""
    return ISAS.get(machine.lower(), PLAIN)


def flags_for(system: str) -> list[str]:
    """The options of every kernel on a system, as `sys.platform` names it."""
    # macOS hides what it has beyond POSIX, such as the number of processors, where a source asks for POSIX
    beyond_posix = ["-D_DARWIN_C_SOURCE"] if system == "darwin" else []
    return [flag for flag in FLAGS if not (system == "win32" and flag in NOT_ON_WINDOWS)] + beyond_posix


class Job(NamedTuple):
    """A source to compile into a folder of objects."""

    source: str
    folder: str
    flags: list[str]
    macros: list[tuple[str, str]]
    first_header: Path | None = None  # to be included before anything else


def jobs(machine: str, isas: list[str], flags: list[str], suffix: str = "") -> list[Job]:
    """All that is compiled for these instruction sets, the longest first; `suffix` ends the names of the folders."""
    present = [(f"FNN_WITH_{isa}", "1") for isa in isas]
    made = [Job(source, f"common_{'_'.join(isas)}{suffix}", flags, present) for source in COMMON]
    for isa in isas:
        for is_double in (0, 1):
            macros = [("FNN_ISA", isa), ("REAL_IS_DOUBLE", str(is_double))]
            folder = f"{isa}_f{64 if is_double else 32}{suffix}"
            made += [Job(source, folder, [*flags, *isas_of(machine)[isa]], macros) for source in KERNELS]
    return sorted(made, key=lambda job: job.source not in LONGEST)
