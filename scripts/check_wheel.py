"""Checks that what a wheel's name promises is true of its native module.

    python scripts/check_wheel.py dist/*.whl

The module is for the processor of the tag, asks for no younger system than the tag says (symbol versions of glibc, the
least macOS), is signed where the system asks for that, loads no library besides the system's own and Python's, lets
nothing but its entry be seen, and, where the tag is abi3, uses the limited interface of Python only. The package's
files are there, sources and tests are not.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import lief

PROCESSORS = {
    "x86_64": ("X86_64", "AMD64"),
    "amd64": ("X86_64", "AMD64"),
    "aarch64": ("AARCH64", "ARM64"),
    "arm64": ("AARCH64", "ARM64"),
}
# libraries that each system has of itself, or that come with Python
OWN_LIBRARIES = {
    "manylinux": r"lib(c|m|pthread|dl|rt)\.so\.\d|ld-linux-.*",
    "musllinux": r"libc\.so|libc\.musl-.*",
    "macosx": r"/usr/lib/libSystem\.B\.dylib|@rpath/_native",  # the last is its own name
    "win": r"(?i)python3\d*t?\.dll|kernel32\.dll|api-ms-win-crt-.*|ucrtbase\.dll|ntdll\.dll",
}
# the entry and what linkers add of themselves
ENTRY = re.compile(r"_?PyInit__native|_?__pyx_module_is_main_\w+|_init|_fini|__mh_dylib_header|___dso_handle")


def parts(tag: str) -> tuple[str, tuple[int, ...], str]:
    """System, its least version and processor of a platform tag such as manylinux_2_17_x86_64."""
    found = re.fullmatch(r"(manylinux|musllinux|macosx|win)((?:_\d+)*)_(\w+)", tag)
    if found is None:
        raise SystemExit(f"check_wheel: no platform that wheels are built for: {tag}")
    system, version, processor = found.groups()
    return system, tuple(int(number) for number in version.split("_")[1:]), processor


def newest_glibc(module: lief.ELF.Binary) -> tuple[int, ...]:
    """The newest version of glibc that a module asks for; (0,) if it asks for none."""
    names = [symbol.name for need in module.symbols_version_requirement for symbol in need.get_auxiliary_symbols()]
    versions = [re.fullmatch(r"GLIBC_([\d.]+)", name) for name in names]
    return max([tuple(map(int, version[1].split("."))) for version in versions if version], default=(0,))


def elf(module: lief.ELF.Binary, system: str, version: tuple[int, ...]) -> Iterator[str]:
    """What is wrong with a module for Linux."""
    asked = newest_glibc(module)
    if system == "manylinux" and asked > version:
        yield f"asks for glibc {asked}, its tag says {version}"
    if system == "musllinux" and asked > (0,):
        yield "asks for glibc, its tag says musl"
    if module.has(lief.ELF.DynamicEntry.TAG.TEXTREL):
        yield "is changed when it is loaded (text relocations)"


def macho(module: lief.MachO.Binary, version: tuple[int, ...], processor: str) -> Iterator[str]:
    """What is wrong with a module for macOS."""
    if processor == "arm64" and not module.has_code_signature:
        yield "has no signature, without which macOS runs nothing on arm64"
    least = tuple((module.build_version.minos if module.has_build_version else module.version_min.version)[:2])
    if least > version:
        yield f"asks for macOS {least}, its tag says {version}"


def module_of(wheel: Path, folder: Path) -> Path:
    """Unpack the native module of a wheel; check its files."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        modules = [name for name in names if name.endswith((".so", ".pyd", ".dylib", ".dll"))]
        if len(modules) != 1:
            raise SystemExit(f"{wheel.name}: expected one native module, got {modules}")
        strangers = [name for name in names if name.endswith((".c", ".h", ".pyx", ".pxi", ".o")) or "tests/" in name]
        if strangers or "fastnn/py.typed" not in names:
            raise SystemExit(f"{wheel.name}: sources in it, or no package: {strangers}")
        return Path(archive.extract(modules[0], folder))


def wrong(path: Path, abi: str, platform: str) -> Iterator[str]:
    """What is wrong with a native module, for the tags of its wheel."""
    system, version, processor = parts(platform)
    module = lief.parse(path)
    if isinstance(module, lief.ELF.Binary):
        machine, libraries = module.header.machine_type.name, list(module.libraries)
        exported = [symbol.name for symbol in module.exported_symbols]
        yield from elf(module, system, version)
    elif isinstance(module, lief.PE.Binary):
        machine, libraries = module.header.machine.name, [imported.name for imported in module.imports]
        exported = []  # every name of an object is exported beside those that ask for it
    else:
        assert isinstance(module, lief.MachO.Binary)
        machine, libraries = module.header.cpu_type.name, [library.name for library in module.libraries]
        exported = [symbol.name for symbol in module.exported_symbols]
        yield from macho(module, version, processor)
    if machine not in PROCESSORS.get(processor, ()):
        yield f"is for {machine}, its tag says {processor}"
    foreign = [name for name in libraries if not re.fullmatch(OWN_LIBRARIES[system], name)]
    if foreign:
        yield f"loads {', '.join(foreign)}"
    seen = [name for name in exported if not ENTRY.fullmatch(str(name))]
    if seen:
        yield f"shows {', '.join(map(str, seen[:5]))}"
    if "PyInit__native" not in "".join(str(symbol.name) for symbol in module.exported_functions):
        yield "has no entry PyInit__native"
    if abi == "abi3" and not (path.name.endswith(".abi3.so") or path.suffix == ".pyd"):
        yield f"is named for one Python alone: {path.name}"


def check(wheel: Path) -> list[str]:
    """Check a wheel; return lines that say what is in it.

    Raises
    ------
    SystemExit
        If something in it is not what its name says.
    """
    _, _, _, abi, platforms = wheel.name.removesuffix(".whl").split("-")
    with tempfile.TemporaryDirectory() as folder:
        path = module_of(wheel, Path(folder))
        problems = [
            f"{platform}: {problem}"
            for platform in platforms.split(".")
            if platform[:5] != "manyl" or "_2_" in platform
            for problem in wrong(path, abi, platform)
        ]
        size = path.stat().st_size
        lines = [f"{path.name}: {size / 1e6:.1f} MB; tags hold: {abi}, {platforms}"]
        if problems:
            raise SystemExit("\n".join([wheel.name, *problems]))
    if abi == "abi3":
        audited = subprocess.run(
            [sys.executable, "-m", "abi3audit", "--strict", str(wheel)], capture_output=True, text=True
        )
        if audited.returncode != 0:
            raise SystemExit(f"{wheel.name}: {audited.stdout}{audited.stderr}")
        lines.append("abi3audit: names of the limited interface only")
    # Zig's musl is named libc.so, which musl's loader takes for itself on every system; auditwheel knows it by Alpine's
    # name alone, and reads glibc's file of that name where it is there
    if "manylinux" in platforms:
        shown = subprocess.run([sys.executable, "-m", "auditwheel", "show", str(wheel)], capture_output=True, text=True)
        said = " ".join(shown.stdout.split())
        found = re.search(r'consistent with the following platform tag: "(\w+)"', said)
        lines.append(f"auditwheel: {found[1] if found else said or shown.stderr.strip()}")
        if found is None or found[1] not in platforms.split("."):
            raise SystemExit(f"{wheel.name}: {lines[-1]}")
    return lines


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for line in check(Path(argument)):
            print(f"{Path(argument).name}: {line}")
