"""Builds the one extension: every C source once per (instruction set, type), chosen at load.

Without a C compiler or Python's headers the install still succeeds, without the extension; set
FASTNN_REQUIRE_NATIVE=1 to make that an error. FASTNN_BUILD_ISA=avx2,baseline builds these instruction sets only, which
takes less time while one works on the kernels. FASTNN_SANITIZE=address|thread|undefined adds a sanitizer.
"""

import os
import platform
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, "csrc")
import generate_header

REQUIRED = bool(os.environ.get("FASTNN_REQUIRE_NATIVE"))
MACHINE = platform.machine().lower()

ISAS = {
    "x86_64": {
        "baseline": ["-O2"],  # for processors older than 2013; -O3 makes its library and its compile a fifth larger
        "avx2": ["-mavx2", "-mfma"],
        "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
    },
    "aarch64": {"neon": []},
}
ISAS["amd64"], ISAS["arm64"] = ISAS["x86_64"], ISAS["aarch64"]
CHOSEN = [isa for isa in os.environ.get("FASTNN_BUILD_ISA", "").split(",") if isa] or list(ISAS.get(MACHINE, ()))

# -g0: Python's own flags ask for debug information, which doubles the time to compile and makes 49 MB of 5
FLAGS = [
    "-std=c11", "-O3", "-g0", "-fPIC", "-pthread", "-fvisibility=hidden",
    "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
]  # fmt: skip
WARNINGS = ["-Wall", "-Wextra", "-Werror"] if REQUIRED else []
SANITIZE = os.environ.get("FASTNN_SANITIZE", "")
# -O1: above it the checks take twice as long to compile, and the optimiser removes some of what they would find;
# but with ThreadSanitizer GCC 12 fails there on a vector comparison
CHECKED = [] if SANITIZE == "thread" else ["-O1"]
SANITIZER = [f"-fsanitize={SANITIZE}", *CHECKED, "-g", "-fno-omit-frame-pointer"] if SANITIZE else []

# independent of the instruction set and of the type
COMMON = [
    f"csrc/runtime/{name}.c" for name in ("custom", "file_rows", "input_prefetch", "isa", "replay", "thread_pool")
]
SOURCES = sorted(str(path) for path in Path("csrc").rglob("*.c"))
HEADERS = sorted(str(path) for path in Path("csrc").rglob("*.h"))
DESCRIPTIONS = [os.path.relpath(path) for path in generate_header.sources()]
KERNELS = [source for source in SOURCES if source not in COMMON]

FALLBACK = """
fastnn was installed WITHOUT its compiled kernels: {reason}
It will run on numba, if that is installed, else on plain NumPy: the same results, many times slower.
To get the native module: install a C compiler and Python's headers (Debian/Ubuntu: apt install gcc python3-dev),
then  pip install --no-cache-dir --force-reinstall <what you installed>
"""


def changed(source: Path, include_dirs: list[str]) -> float:
    """When the youngest of a C file and the headers that it includes was changed."""
    included = re.findall(r'#include "(.+)"', source.read_text())
    found = [Path(folder) / name for name in included for folder in include_dirs if (Path(folder) / name).exists()]
    return max([source.stat().st_mtime, *(changed(path, include_dirs) for path in found)])


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class BuildNative(build_ext):
    """Compiles each kernel source for every (instruction set, type) before the extension is linked."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            if REQUIRED:
                raise
            self._say_fallback(error)

    def build_extension(self, ext: Extension) -> None:
        try:
            generated = generate_header.write(Path(self.build_temp) / "generated")
            ext.include_dirs = [*ext.include_dirs, str(generated.parent)]
            objects = self._compile_kernels(["csrc", str(generated.parent)])
            ext.extra_objects = [*ext.extra_objects, *objects]
            self.force = self.force or self._has_other_objects(ext, objects)
            super().build_extension(ext)
        except Exception as error:
            if REQUIRED:
                raise
            self._say_fallback(error)

    def _compile_kernels(self, include_dirs: list[str]) -> list[str]:
        unknown = set(CHOSEN) - set(ISAS[MACHINE])
        if unknown:
            raise SystemExit(
                f"FASTNN_BUILD_ISA: expected some of {', '.join(ISAS[MACHINE])}, got {', '.join(sorted(unknown))}"
            )
        present = [(f"FNN_WITH_{isa}", "1") for isa in CHOSEN]
        jobs = [(source, f"common_{'_'.join(CHOSEN)}{SANITIZE}", [], present) for source in COMMON]
        for isa, flags in ((isa, ISAS[MACHINE][isa]) for isa in CHOSEN):
            for is_double in (0, 1):
                macros = [("FNN_ISA", isa), ("REAL_IS_DOUBLE", str(is_double))]
                folder = f"{isa}_f{64 if is_double else 32}{SANITIZE}"
                jobs += [(source, folder, flags, macros) for source in KERNELS]

        def compile_one(job: tuple[str, str, list[str], list[tuple[str, str]]]) -> list[str]:
            source, folder, flags, macros = job
            made = Path(self.build_temp) / folder / Path(source).with_suffix(".o")
            if made.exists() and made.stat().st_mtime > max(
                changed(Path(source), include_dirs), Path("setup.py").stat().st_mtime
            ):
                return [str(made)]
            return self.compiler.compile(
                [source],
                output_dir=str(Path(self.build_temp) / folder),
                macros=macros,
                include_dirs=include_dirs,
                extra_postargs=[*FLAGS, *flags, *WARNINGS, *SANITIZER],
            )

        with ThreadPoolExecutor(processors()) as pool:
            return [obj for objects in pool.map(compile_one, jobs) for obj in objects]

    def _has_other_objects(self, ext: Extension, objects: list[str]) -> bool:
        """Whether the module there was linked of other objects: it is linked again only if this says so."""
        linked, module = Path(self.build_temp) / "linked_objects", Path(self.get_ext_fullpath(ext.name))
        listed, same = "\n".join(objects), linked.exists() and module.exists()
        same = same and linked.read_text() == listed
        same = same and max(Path(name).stat().st_mtime for name in objects) < module.stat().st_mtime
        linked.write_text(listed)
        return not same

    def _say_fallback(self, error: Exception) -> None:
        print(FALLBACK.format(reason=error), file=sys.stderr)


def extensions() -> list[Extension]:
    if MACHINE not in ISAS or sys.platform == "win32":
        if REQUIRED:
            raise SystemExit(f"no native kernels for {sys.platform} on {MACHINE}")
        print(FALLBACK.format(reason=f"no native kernels for {sys.platform} on {MACHINE}"), file=sys.stderr)
        return []
    import numpy

    return [
        Extension(
            "fastnn.kernels._native",
            ["fastnn/kernels/_native.pyx"],
            include_dirs=["csrc", numpy.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
            depends=[
                *("setup.py", "fastnn/kernels/_native.pxd", "fastnn/kernels/_program.pxi"),
                *(*SOURCES, *HEADERS, *DESCRIPTIONS),
            ],
            extra_compile_args=["-O2", "-g0", "-std=c11", "-pthread", *SANITIZER],
            extra_link_args=["-pthread", *SANITIZER],
            libraries=["m"],
            optional=not REQUIRED,
        )
    ]


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildNative})
