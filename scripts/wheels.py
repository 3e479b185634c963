"""Builds the wheels of every target on one machine, with Zig's C compiler, and checks what is in them.

    nox -s wheels                                             # every target
    nox -s wheels -- linux-x86_64 win32-amd64 --out dist
    nox -s wheels -- linux-x86_64 --headers 3.14t=/opt/python3.14t/include/python3.14t

A wheel's native module uses Python's limited interface, so that one wheel serves Python 3.11 and all later ones. The
free-threaded builds have no such interface: ``--headers`` names the folder of ``Python.h`` of one for which a wheel is
wanted as well. NumPy's headers come from its wheel for the target. scripts/check_wheel.py says what is checked. With
FASTNN_BUILD_ISA=avx2 a try takes a third of the time; its wheel is not one to give to others.

.github/workflows/wheels.yml has services build the same wheels on machines of each kind.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

from check_wheel import check

ROOT = Path(__file__).resolve().parent.parent
ZIG = [sys.executable, "-m", "ziglang"]


class Target(NamedTuple):
    """A system and a processor for which there is a wheel."""

    zig: str  # as Zig names it, with the oldest system that the module is to run on
    tag: str  # as wheels name it
    numpy: tuple[str, ...]  # the platforms of NumPy's own wheels for it
    suffix: str  # of a native module for one Python alone; {} is its version


TARGETS = {
    "linux-x86_64": Target(
        "x86_64-linux-gnu.2.17",
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64"),
        ".cpython-{}-x86_64-linux-gnu.so",
    ),
    "linux-aarch64": Target(
        "aarch64-linux-gnu.2.17",
        "manylinux_2_17_aarch64.manylinux2014_aarch64",
        ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64"),
        ".cpython-{}-aarch64-linux-gnu.so",
    ),
    "musl-x86_64": Target(
        "x86_64-linux-musl", "musllinux_1_2_x86_64", ("musllinux_1_2_x86_64",), ".cpython-{}-x86_64-linux-musl.so"
    ),
    "musl-aarch64": Target(
        "aarch64-linux-musl", "musllinux_1_2_aarch64", ("musllinux_1_2_aarch64",), ".cpython-{}-aarch64-linux-musl.so"
    ),
    "darwin-arm64": Target(
        "aarch64-macos.11.0", "macosx_11_0_arm64", ("macosx_14_0_arm64", "macosx_11_0_arm64"), ".cpython-{}-darwin.so"
    ),
    "darwin-x86_64": Target(
        "x86_64-macos.10.13",
        "macosx_10_13_x86_64",
        ("macosx_14_0_x86_64", "macosx_10_15_x86_64", "macosx_10_13_x86_64", "macosx_10_9_x86_64"),
        ".cpython-{}-darwin.so",
    ),
    "win32-amd64": Target("x86_64-windows-gnu", "win_amd64", ("win_amd64",), ".cp{}-win_amd64.pyd"),
}

# What Python's headers ask of the system. Those of this machine, which is a Linux or macOS of 64 bits, hold for every
# other; for Windows, where a long has 4 bytes, this is in their place.
WINDOWS_PYCONFIG = """
#define MS_WINDOWS
#define MS_WIN32
#define MS_WIN64
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED
#define NT_THREADS
#define WITH_THREAD 1
#define PLATFORM "win32"
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_TIME_T 8
#define SIZEOF_FPOS_T 8
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_DOUBLE 8
#define SIZEOF_FLOAT 4
#define SIZEOF_WCHAR_T 2
#define HAVE_WCHAR_H 1
#define HAVE_STDDEF_H 1
#define HAVE_STDINT_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#include <io.h>
typedef __int64 Py_ssize_t;
#define HAVE_PY_SSIZE_T 1
#define PY_SSIZE_T_MAX LLONG_MAX
"""


def run(*command: str, **environment: str) -> str:
    """Run a command in the root of the source; return what it printed. End with its output if it fails."""
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"wheels: {shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def numpy_headers(target: Target, python: str, folder: Path) -> Path:
    """The headers of NumPy for a target and a Python such as 3.11 or 3.14t, from its wheel."""
    headers = folder / "numpy" / "_core" / "include"
    if not headers.exists():
        version = python.rstrip("t").replace(".", "")
        platforms = [word for platform in target.numpy for word in ("--platform", platform)]
        abi = ["--python-version", version, "--abi", f"cp{python.replace('.', '')}"]
        options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder))
        run(sys.executable, "-m", "pip", "download", *options, *platforms, *abi, "numpy>=2")
        with zipfile.ZipFile(next(folder.glob("numpy-*.whl"))) as wheel:
            wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith("numpy/_core/include/")])
    return headers


def python_headers(name: str, python: str, given: Path | None, folder: Path) -> Path:
    """A folder with the headers of Python for a target."""
    source = given or Path(sysconfig.get_path("include"))
    headers = folder / "include"
    shutil.copytree(source, headers, dirs_exist_ok=True)
    own = headers / "pyconfig.h"
    text = own.read_text() if not name.startswith("win32") else WINDOWS_PYCONFIG
    if python.endswith("t") and "\n#define Py_GIL_DISABLED" not in text:
        text += "\n#define Py_GIL_DISABLED 1\n"
    own.write_text(text)
    return headers


def windows_library(headers: Path, library: str, folder: Path) -> Path:
    """A library that tells the linker which names Python's `library`.dll has: those that its headers declare."""
    lines = set()
    for header in headers.rglob("*.h"):
        text = header.read_text()
        lines |= {f"{name} DATA" for name in re.findall(r"PyAPI_DATA\([^)]*\)\s*\**(\w+)", text)}
        lines |= set(re.findall(r"PyAPI_FUNC\([^)]*\)\s*\**(\w+)\s*\(", text))
    described = folder / f"{library}.def"
    described.write_text("\n".join([f"LIBRARY {library}.dll", "EXPORTS", *sorted(lines)]))
    made = folder / f"lib{library}.a"
    run(*ZIG, "dlltool", "-m", "i386:x86-64", "-D", f"{library}.dll", "-d", str(described), "-l", str(made))
    return made


def build(name: str, python: str, given: Path | None, work: Path, out: Path) -> Path:
    """Build the wheel of a target for the limited interface of a Python, or for a free-threaded one alone."""
    target, limited = TARGETS[name], not python.endswith("t")
    digits = python.replace(".", "")
    folder = work / name / f"python{digits}"
    folder.mkdir(parents=True, exist_ok=True)
    headers = python_headers(name, python, given, folder)
    compiler = [*ZIG, "cc", "-target", target.zig]
    linker = [*compiler, "-shared"]
    if name.startswith("win32"):
        linker.append(str(windows_library(headers, "python3" if limited else f"python{digits}", folder)))
    if name.startswith("darwin"):
        # Python's own names are found when the module is loaded; its own name would be the path where it was built
        linker += ["-Wl,-undefined,dynamic_lookup", "-Wl,-install_name,@rpath/_native"]
    environment = {
        "CC": shlex.join(compiler),
        "LDSHARED": shlex.join(linker),
        "CFLAGS": f"-I{headers} -I{numpy_headers(target, python, folder)}",
        "FASTNN_BUILD_TARGET": name.replace("musl-", "linux-"),
        "FASTNN_BUILD_ABI3": "1" if limited else "",
        "FASTNN_REQUIRE_NATIVE": "1",
        "FASTNN_SANITIZE": "",
    }
    if not limited:
        environment["SETUPTOOLS_EXT_SUFFIX"] = target.suffix.format(digits)
    raw = folder / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    # the kernels know nothing of Python: all wheels of a target share their objects
    base = ("build", "--build-base", str(folder / "build"), "--build-temp", str(work / name / "objects"))
    wheel = ("bdist_wheel", "--skip-build", "--plat-name", "any", "--dist-dir", str(raw))
    run(sys.executable, "setup.py", "-q", *base, *wheel, **environment)
    tags = ["--platform-tag", target.tag]
    if not limited:
        tags += ["--python-tag", f"cp{digits[:-1]}", "--abi-tag", f"cp{digits}"]
    printed = run(sys.executable, "-m", "wheel", "tags", "--remove", *tags, str(next(raw.glob("*.whl"))))
    out.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(raw / printed.split()[-1], out / printed.split()[-1]))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"some of {', '.join(TARGETS)}; else all")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the wheels go (default: dist)")
    parser.add_argument("--work", type=Path, default=ROOT / "build/wheels", help="where objects are kept")
    parser.add_argument(
        "--headers", action="append", default=[], metavar="3.14t=FOLDER", help="of a free-threaded Python"
    )
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        raise SystemExit(f"wheels: expected some of {', '.join(TARGETS)}, got {', '.join(sorted(unknown))}")
    pythons: list[tuple[str, Path | None]] = [("3.11", None)]
    pythons += [(version, Path(folder)) for version, _, folder in (text.partition("=") for text in options.headers)]
    for name in options.targets or TARGETS:
        for python, given in pythons:
            start = time.perf_counter()
            wheel = build(name, python, given, options.work, options.out)
            seconds = time.perf_counter() - start
            print(f"{name}: {wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB in {seconds:.0f} s", flush=True)
            for line in check(wheel):
                print(f"    {line}", flush=True)


if __name__ == "__main__":
    main()
