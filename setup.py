"""Builds the one extension: every C source once per (instruction set, type), chosen at load.

Without a C compiler or Python's headers the install still succeeds, without the extension; set
FASTNN_REQUIRE_NATIVE=1 to make that an error. FASTNN_BUILD_ISA=avx2,baseline builds these instruction sets only, and
FASTNN_BUILD_ISA=native the best one of this processor, which takes less time. FASTNN_BUILD_ABI3=1 builds a module for
this Python and all later ones, and FASTNN_BUILD_TARGET=linux-aarch64 one for another system and processor, with the
compiler of CC; scripts/wheels.py uses both. FASTNN_SANITIZE=address|thread|undefined adds a sanitizer.
"""

import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext, new_compiler

sys.path.insert(0, "csrc")
import generate_header
from kernel_jobs import HEADERS, SOURCES, Job, flags_for, isas_of, jobs

REQUIRED = bool(os.environ.get("FASTNN_REQUIRE_NATIVE"))
# what is built for: a system as sys.platform names it, and a processor as platform.machine does
TARGET = os.environ.get("FASTNN_BUILD_TARGET") or f"{sys.platform}-{platform.machine().lower()}"
SYSTEM, _, MACHINE = TARGET.partition("-")
WINDOWS = SYSTEM == "win32"
ABI3 = bool(os.environ.get("FASTNN_BUILD_ABI3"))  # Python's limited interface, of the oldest Python that we support
OLDEST_PYTHON = (3, 11)

WARNINGS = ["-Wall", "-Wextra", "-Werror"] if REQUIRED else []
SANITIZE = os.environ.get("FASTNN_SANITIZE", "")
# -O1: above it the checks take twice as long to compile, and the optimiser removes some of what they would find;
# but with ThreadSanitizer GCC 12 fails there on a vector comparison
CHECKED = [] if SANITIZE == "thread" else ["-O1"]
SANITIZER = [f"-fsanitize={SANITIZE}", *CHECKED, "-g", "-fno-omit-frame-pointer"] if SANITIZE else []
COMPILED = [*flags_for(SYSTEM), *WARNINGS, *SANITIZER]
THREADS = [] if WINDOWS else ["-pthread"]

DESCRIPTIONS = [os.path.relpath(path) for path in generate_header.sources()]
BINDING = [f"fastnn/kernels/_{name}" for name in ("native.pyx", "native.pxd", "batch.pxi", "program.pxi")]
SCRIPTS = ("setup.py", "csrc/kernel_jobs.py")
FIRST_HEADER = "runtime/kernel.h"  # what every kernel includes, with the compiler's long header of intrinsics

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


def is_fresh(made: Path, youngest_source: float) -> bool:
    """Whether a file was made after its sources and what says how to make it were changed."""
    scripts = (Path(name).stat().st_mtime for name in SCRIPTS)
    return made.exists() and made.stat().st_mtime > max(youngest_source, *scripts)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def predefined(compiler: list[str], *options: str) -> set[str]:
    """The macros that a compiler defines of itself with some options."""
    command = [*compiler, *options, "-dM", "-E", "-x", "c", os.devnull]
    return set(re.findall(r"#define (\w+)", subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def best_isa(compiler: list[str]) -> str:
    """The best instruction set of this processor, by the compiler's own knowledge of it."""
    if len(isas_of(MACHINE)) == 1:
        return next(iter(isas_of(MACHINE)))
    macros = predefined(compiler, "-march=native")
    if {"__AVX512F__", "__AVX512BW__", "__AVX512DQ__", "__AVX512VL__", "__FMA__"} <= macros:
        return "avx512"
    return "avx2" if {"__AVX2__", "__FMA__"} <= macros else "baseline"


def chosen_isas(compiler: list[str]) -> list[str]:
    """The instruction sets to build, as FASTNN_BUILD_ISA says."""
    named = [isa for isa in os.environ.get("FASTNN_BUILD_ISA", "").split(",") if isa]
    unknown = set(named) - set(isas_of(MACHINE)) - {"native"}
    if unknown:
        known = ", ".join([*isas_of(MACHINE), "native"])
        raise SystemExit(f"FASTNN_BUILD_ISA: expected some of {known}, got {', '.join(sorted(unknown))}")
    chosen = dict.fromkeys(best_isa(compiler) if isa == "native" else isa for isa in named)
    return list(chosen or isas_of(MACHINE))


def gnu_compiler() -> list[str]:
    """The compiler on Windows, where Python's own choice, Microsoft's, has no vector types: CC, or else Zig's clang."""
    # without a target, Zig would compile for the very processor that it runs on
    target = f"{'aarch64' if MACHINE == 'arm64' else 'x86_64'}-windows-gnu"
    given = shlex.split(os.environ.get("CC", "").replace("\\", "/"))
    return given or [sys.executable, "-m", "ziglang", "cc", "-target", target]


class BuildNative(build_ext):
    """Compiles each kernel source for every (instruction set, type) before the extension is linked."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.editable_mode:  # pip's own folder is a new one every time, so that everything would be compiled again
            self.build_temp = str(Path("build", f"temp.{self.plat_name}-{sys.implementation.cache_tag}"))

    def build_extensions(self) -> None:
        if os.name == "nt":
            command = gnu_compiler()
            made = new_compiler(compiler="unix")
            made.set_executables(compiler=command, compiler_so=command, linker_so=[*command, "-shared"])
            made.shared_lib_extension = ".pyd"
            made.set_include_dirs(self.compiler.include_dirs)
            made.set_library_dirs(self.compiler.library_dirs)
            self.compiler = made
        super().build_extensions()

    def get_libraries(self, ext: Extension) -> list[str]:
        """The library of Python itself as well, which a module for Windows names."""
        return [*ext.libraries, "python3"] if os.name == "nt" and ABI3 else super().get_libraries(ext)

    def get_ext_filename(self, fullname: str) -> str:
        """The file of the module; Windows has no name of its own for one of the limited interface."""
        name = super().get_ext_filename(fullname)
        return name.replace(".abi3.so", ".pyd") if WINDOWS else name

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
            include_dirs = ["csrc", str(generated.parent)]
            ext.include_dirs = [*ext.include_dirs, str(generated.parent)]
            with ThreadPoolExecutor(processors()) as pool:
                binding = pool.submit(self._compile_binding, ext)
                kernels = self._compile_kernels(pool, include_dirs)
                objects = [binding.result(), *(kernel.result() for kernel in kernels)]
            ext.sources, ext.extra_objects = [], [*ext.extra_objects, *objects]
            self.force = self.force or self._has_other_objects(ext, objects)
            super().build_extension(ext)
        except Exception as error:
            if REQUIRED:
                raise
            self._say_fallback(error)

    def _compile_binding(self, ext: Extension) -> str:
        """The object of the Cython module."""
        from Cython.Build import cythonize

        written = [source for module in cythonize([ext], quiet=True) for source in module.sources]
        return self._compile(
            Job(written[0], f"binding{'_abi3' * ABI3}{SANITIZE}", ext.extra_compile_args, ext.define_macros),
            ext.include_dirs,
            BINDING,
        )

    def _compile_kernels(self, pool: ThreadPoolExecutor, include_dirs: list[str]) -> list[Future[str]]:
        """The objects of the kernels, as they become ready."""
        compiler = self.compiler.compiler_so
        listed = jobs(MACHINE, chosen_isas(compiler), COMPILED, SANITIZE)
        first = {}
        for job in listed:
            if job.folder not in first:
                first[job.folder] = self._precompile(job, include_dirs)
        with_headers = [job._replace(first_header=first[job.folder]) for job in listed]
        return [pool.submit(self._compile, job, include_dirs) for job in with_headers]

    def _precompile(self, job: Job, include_dirs: list[str]) -> Path | None:
        """The header of all kernels as GCC reads it fastest, for the folder of this job.

        None if it has no kernels, or the compiler is another: ccache does without.
        """
        compiler = self.compiler.compiler_so
        if not any(name == "FNN_ISA" for name, _ in job.macros):
            return None
        if "ccache" in Path(compiler[0]).name or {"__clang__", "__INTEL_COMPILER"} & predefined(compiler):
            return None
        header = Path(self.build_temp) / job.folder / "first.h"
        made = header.with_suffix(".h.gch")
        if not is_fresh(made, changed(Path("csrc") / FIRST_HEADER, include_dirs)):
            header.parent.mkdir(parents=True, exist_ok=True)
            header.write_text(f'#include "{FIRST_HEADER}"\n')
            macros = [f"-D{name}={value}" for name, value in job.macros]
            folders = [f"-I{folder}" for folder in include_dirs]
            self.spawn([*compiler, *macros, *folders, *job.flags, "-x", "c-header", str(header), "-o", str(made)])
        return header

    def _compile(self, job: Job, include_dirs: list[str], depends: Sequence[str] = ()) -> str:
        made = Path(self.build_temp) / job.folder / Path(job.source).with_suffix(".o")
        youngest = max([changed(Path(job.source), include_dirs), *(Path(name).stat().st_mtime for name in depends)])
        if not is_fresh(made, youngest):
            first = [] if job.first_header is None else ["-include", str(job.first_header)]
            self.compiler.compile(
                [job.source],
                output_dir=str(Path(self.build_temp) / job.folder),
                macros=job.macros,
                include_dirs=include_dirs,
                extra_postargs=[*job.flags, *first],
            )
        return str(made)

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
    import numpy

    limited = [("Py_LIMITED_API", f"0x{OLDEST_PYTHON[0]:02X}{OLDEST_PYTHON[1]:02X}0000")] if ABI3 else []
    return [
        Extension(
            "fastnn.kernels._native",
            BINDING[:1],
            include_dirs=["csrc", numpy.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"), *limited],
            depends=[*SCRIPTS, *BINDING, *SOURCES, *HEADERS, *DESCRIPTIONS],
            extra_compile_args=["-O2", "-g0", "-std=c11", *THREADS, *SANITIZER],
            extra_link_args=[*THREADS, *SANITIZER],
            libraries=[] if WINDOWS else ["m"],
            py_limited_api=ABI3,
            optional=not REQUIRED,
        )
    ]


LIMITED = {"bdist_wheel": {"py_limited_api": "cp{}{}".format(*OLDEST_PYTHON)}} if ABI3 else {}
setup(ext_modules=extensions(), cmdclass={"build_ext": BuildNative}, options=LIMITED)
