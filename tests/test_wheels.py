"""What builds and checks wheels: targets, tags, compiler options, and the workflows of the services that build them."""

import platform
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from fastnn.kernels import _native

ROOT = Path(__file__).resolve().parent.parent
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/wheels.py."""
    pytest.importorskip("lief")
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import wheels

    return wheels


@pytest.fixture
def checks(build: ModuleType) -> ModuleType:
    """scripts/check_wheel.py."""
    import check_wheel

    return check_wheel


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """csrc/kernel_jobs.py."""
    monkeypatch.syspath_prepend(ROOT / "csrc")
    import kernel_jobs

    return kernel_jobs


def test_every_processor_has_an_instruction_set(jobs: ModuleType) -> None:
    assert list(jobs.isas_of("x86_64")) == list(jobs.isas_of("AMD64")) == ["baseline", "avx2", "avx512"]
    assert list(jobs.isas_of("aarch64")) == list(jobs.isas_of("arm64")) == ["neon"]
    assert list(jobs.isas_of("riscv64")) == list(jobs.isas_of("ppc64le")) == ["plain"]
    for isa in ("baseline", "avx2", "avx512", "neon", "plain"):
        assert f"#ifdef FNN_WITH_{isa}\n" in (ROOT / "csrc/runtime/isa.c").read_text()


def test_windows_gets_no_option_that_it_does_not_know(jobs: ModuleType) -> None:
    assert set(jobs.flags_for("linux")) - set(jobs.flags_for("win32")) == set(jobs.NOT_ON_WINDOWS)
    assert jobs.flags_for("darwin") == [*jobs.FLAGS, "-D_DARWIN_C_SOURCE"]


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux alone lists what the processor has")
def test_the_sets_found_are_those_of_the_processor(jobs: ModuleType) -> None:
    """A library built by another compiler once found none but the oldest."""
    flags = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text()))
    found = list(_native.isa_tables())
    for isa, needed in {"avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl"}}.items():
        assert (isa in found) <= (needed <= flags)
        assert isa in found or not needed <= flags or len(found) < len(jobs.isas_of("x86_64"))


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "target"), [("x86_64", "x86_64-windows-gnu"), ("aarch64", "aarch64-macos.11.0")])
def test_clang_reads_every_source(
    jobs: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str, target: str
) -> None:
    """What GCC alone understands would be found on macOS and Windows only, where it is compiled by clang."""
    pytest.importorskip("ziglang")
    monkeypatch.syspath_prepend(ROOT / "csrc")
    import generate_header

    folders = ["-Icsrc", f"-I{generate_header.write(tmp_path).parent}"]
    best = list(jobs.isas_of(machine))[-1]
    for job in jobs.jobs(machine, [best], jobs.flags_for("win32" if "windows" in target else "darwin")):
        if ("REAL_IS_DOUBLE", "1") in job.macros:
            continue  # the same text; wheels are built of both
        macros = [f"-D{name}={value}" for name, value in job.macros]
        command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *folders, *macros, *job.flags]
        made = ["-O0", "-c", job.source, "-o", str(tmp_path / "made.o")]
        done = subprocess.run([*command, *made], cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()


def test_every_target_has_a_tag_that_is_understood(build: ModuleType, checks: ModuleType) -> None:
    for name, target in build.TARGETS.items():
        for tag in target.tag.split("."):
            if not tag.startswith("manylinux2014"):
                _, _, processor = checks.parts(tag)
                assert checks.PROCESSORS[processor] == checks.PROCESSORS[name.split("-")[1]]
    with pytest.raises(SystemExit, match="no platform that wheels are built for"):
        checks.parts("linux_x86_64")


def fake_wheel(folder: Path, tags: str, module: str, content: bytes, *others: str) -> Path:
    """A wheel of a package that is its native module and little else."""
    path = folder / f"fastnn_cpu-0-{tags}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"fastnn/kernels/{module}", content)
        for name in ("fastnn/py.typed", *others):
            archive.writestr(name, b"")
    return path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the module at hand is for Linux")
def test_a_wheel_that_is_not_what_its_name_says_is_refused(checks: ModuleType, tmp_path: Path) -> None:
    """The module at hand, under names that are wrong for it, and with files that do not belong there."""
    module = Path(_native.__file__).read_bytes()
    wrong_system = fake_wheel(tmp_path, "cp311-abi3-musllinux_1_2_x86_64", "_native.abi3.so", module)
    with pytest.raises(SystemExit, match=r"its tag says musl|loads .*libc\.so\.6"):
        checks.check(wrong_system)
    wrong_processor = fake_wheel(tmp_path, "cp311-abi3-manylinux_2_99_riscv64", "_native.abi3.so", module)
    with pytest.raises(SystemExit, match=r"is for .*, its tag says riscv64"):
        checks.check(wrong_processor)
    too_old = fake_wheel(tmp_path, "cp311-abi3-manylinux_2_1_x86_64", "_native.abi3.so", module)
    with pytest.raises(SystemExit, match=r"asks for glibc \(2, \d+\), its tag says \(2, 1\)"):
        checks.check(too_old)
    for_one = fake_wheel(tmp_path, "cp311-abi3-manylinux_2_99_x86_64", Path(_native.__file__).name, module)
    with pytest.raises(SystemExit, match="is named for one Python alone"):
        checks.check(for_one)
    with_source = fake_wheel(tmp_path, "cp311-cp311-manylinux_2_99_x86_64", "_native.so", module, "fastnn/a.c")
    with pytest.raises(SystemExit, match="sources in it"):
        checks.check(with_source)
    two = fake_wheel(tmp_path, "cp312-cp312-manylinux_2_99_x86_64", "_native.so", module, "fastnn/other.so")
    with pytest.raises(SystemExit, match="expected one native module"):
        checks.check(two)


@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("cc") is None, reason="makes an ELF module")
def test_a_module_for_musl_may_load_what_zig_names_libc_so(checks: ModuleType, tmp_path: Path) -> None:
    """The first wheel for musl was refused: auditwheel took a file of glibc's for the library of that name."""
    libc, module = tmp_path / "libc.so", tmp_path / "_native.so"
    make = ["cc", "-shared", "-nostdlib", "-fPIC", "-x", "c", "-"]
    subprocess.run([*make, f"-Wl,-soname,{libc.name}", "-o", libc], input=b"int called(void) { return 0; }", check=True)
    entry = b"int called(void); int PyInit__native(void) { return called(); }"
    subprocess.run([*make, "-Wl,--no-as-needed", "-o", module, "-x", "none", libc], input=entry, check=True)
    wheel = fake_wheel(tmp_path, f"cp311-cp311-musllinux_1_2_{platform.machine()}", module.name, module.read_bytes())
    (line,) = checks.check(wheel)
    assert "tags hold" in line


def test_the_import_library_has_functions_and_data_of_the_headers(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    headers = tmp_path / "include"
    headers.mkdir()
    (headers / "object.h").write_text(
        "PyAPI_FUNC(PyObject *) PyLong_FromLong(long);\nPyAPI_DATA(PyTypeObject) PyLong_Type;\n"
        "PyAPI_FUNC(void)\n_Py_Dealloc(PyObject *);\nPyAPI_DATA(PyObject *) PyExc_ValueError;\n"
    )
    monkeypatch.setattr(build, "run", lambda *command, **_: "")
    build.windows_library(headers, "python3", tmp_path)
    described = (tmp_path / "python3.def").read_text().split("\n")
    assert described[:2] == ["LIBRARY python3.dll", "EXPORTS"]
    assert described[2:] == ["PyExc_ValueError DATA", "PyLong_FromLong", "PyLong_Type DATA", "_Py_Dealloc"]


def test_there_are_workflows_and_their_actions_are_pinned() -> None:
    """An action's tag can be moved to other code; a commit cannot."""
    assert {path.stem for path in WORKFLOWS} == {"docs", "release", "tests", "wheels"}
    for path in WORKFLOWS:
        for used in re.findall(r"uses: (.+)", path.read_text()):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml", used), (
                used
            )


def test_workflows_have_no_more_rights_than_they_need() -> None:
    yaml = pytest.importorskip("yaml")
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        for name, job in workflow["jobs"].items():
            assert "uses" in job or job["timeout-minutes"] <= 90, f"{path.name}: {name} may run for hours"
            rights = set(job.get("permissions", {}))
            assert rights <= {"id-token", "pages"}
            assert not rights or name == "publish"
        assert "secrets." not in path.read_text()


def test_the_services_build_for_the_limited_interface() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    assert options["build"] == ["cp311-*", "cp314t-*"]
    (limited,) = options["overrides"]
    assert (limited["select"], limited["environment"]) == ("cp311-*", {"FASTNN_BUILD_ABI3": "1"})
    oldest = re.search(r"OLDEST_PYTHON = \((\d), (\d+)\)", (ROOT / "setup.py").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert oldest is not None
    assert project["requires-python"] == ">={}.{}".format(*oldest.groups())
