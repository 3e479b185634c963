"""The sdist and the wheel have the right files, and installing works without a compiler. Builds make this slow."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fastnn.kernels import _native

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
# one instruction set, the simplest: a third of the work, and the sources are the same text for all of them
QUICK = {"FASTNN_BUILD_ISA": list(_native.isa_tables())[-1]}
LEFT_OUT = shutil.ignore_patterns(
    ".*", "build", "dist", "*.egg-info", "*.so", "*.pyc", "__pycache__", "_native.c", "fastnn-run*"
)


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the variables of `environment` added."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "FASTNN_REQUIRE_NATIVE")}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=inherited | environment, capture_output=True, text=True
    )


def checked(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    done = run(*command, cwd=cwd, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree without anything built."""
    folder = tmp_path_factory.mktemp("tree") / "fastnn-cpu"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    return folder


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    out = tmp_path_factory.mktemp("sdist")
    checked(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", out, cwd=tree)
    return next(out.glob("fastnn_cpu-*.tar.gz"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the sdist contains."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the sdist builds, with its native module."""
    out = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out)
    checked(*command, cwd=unpacked, FASTNN_REQUIRE_NATIVE="1", **QUICK)
    return next(out.glob("fastnn_cpu-*.whl"))


def install(what: Path, folder: Path, **environment: str) -> None:
    """Install into `folder` without dependencies."""
    options = ("--no-deps", "--no-build-isolation", "--no-cache-dir", "--disable-pip-version-check")
    checked(sys.executable, "-m", "pip", "install", *options, "--target", folder, what, cwd=folder, **environment)


USE = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastnn
assert fastnn.__file__.startswith(sys.argv[1]), fastnn.__file__
images, labels = fastnn.data.glyphs(500, seed=0)
model = fastnn.architecture.parse("mlp:784-32-10", input_scale=1 / 255)
history = fastnn.Trainer(model, optimizer="adam", epochs=5).fit(images, labels)
assert history.epochs[-1]["accuracy"] > 0.6
print(fastnn.kernels.current_backend(), len(caught))
for warning in caught:
    print(warning.message)
""".replace("import fastnn\n", "import fastnn, fastnn.architecture\n", 1)


def used(folder: Path, cwd: Path) -> str:
    """Train with the fastnn in `folder`; return backend and warnings."""
    return checked(sys.executable, "-c", USE, folder, cwd=cwd).stdout


def test_the_sdist_has_what_builds_tests_and_benchmarks_need(unpacked: Path) -> None:
    source = {str(path.relative_to(ROOT)) for kind in ("c", "h") for path in (ROOT / "csrc").rglob(f"*.{kind}")}
    tests = {str(path.relative_to(ROOT)) for top in ("tests", "bench") for path in (ROOT / top).rglob("*.py")}
    single = {
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "fastnn/kernels/_native.pyx",
        "fastnn/kernels/_program.pxi",
    }
    single |= {"fastnn/py.typed", "tests/deep.sh", "tests/backends.sh"}
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert len(source) > 10
    assert (source | tests | single) - found == set()
    assert [name for name in found if name.endswith((".so", ".pyc", ".o", "_native.c"))] == []


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
        entry_points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    source = {str(path.relative_to(ROOT)) for path in (ROOT / "fastnn").rglob("*.py")}
    source |= {str(path.relative_to(ROOT)) for path in (ROOT / "fastnn" / "data").glob("*.npz")}
    assert (source | {"fastnn/py.typed", "fastnn/kernels/_native.pyi"}) - set(names) == set()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"fastnn", "fastnn_cpu"}
    assert len([name for name in names if name.endswith(".so")]) == 1
    assert [name for name in names if name.endswith((".c", ".h", ".pyx", ".pxi", ".o"))] == []
    assert "\nName: fastnn-cpu\n" in metadata
    assert "\nLicense-Expression: BSD-3-Clause\n" in metadata
    assert "fastnn = fastnn.cli:main" in entry_points


def test_the_wheel_runs_native(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(wheel, tmp_path / "site")
    assert used(tmp_path / "site", tmp_path) == "native 0\n"


def test_without_a_compiler_the_install_succeeds_and_says_what_is_missing(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(tree, tmp_path / "site", CC="/bin/false")
    backend, count, *rest = used(tmp_path / "site", tmp_path).split(maxsplit=2)
    assert backend in ("numba", "reference")
    assert count == "1"
    assert "python3-dev" in rest[0]
    assert "pip install --no-cache-dir --force-reinstall" in rest[0]


def test_a_required_native_module_that_cannot_be_built_is_an_error(tree: Path, tmp_path: Path) -> None:
    command = (
        sys.executable,
        "setup.py",
        "build_ext",
        "--build-temp",
        tmp_path / "t",
        "--build-lib",
        tmp_path / "l",
    )
    broken = run(*command, cwd=tree, CC="/bin/false", FASTNN_REQUIRE_NATIVE="1")
    assert broken.returncode != 0
    told = run(*command, cwd=tree, CC="/bin/false")
    assert told.returncode == 0
    assert "WITHOUT its compiled kernels" in told.stderr


def test_an_install_to_be_edited_compiles_what_has_changed_and_no_more(tree: Path, tmp_path: Path) -> None:
    """What ``pip install -e .`` asks of setuptools, twice; then again with a changed source."""
    script = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    made = f"build/temp.*/{QUICK['FASTNN_BUILD_ISA']}_f32/csrc/*/*.o"

    def built() -> dict[str, int]:
        checked(sys.executable, "-c", script, tmp_path, cwd=tree, **QUICK)
        return {str(path.relative_to(path.parents[1])): path.stat().st_mtime_ns for path in tree.glob(made)}

    first = built()
    assert built() == first
    (tree / "csrc" / "loss" / "loss.c").touch()
    again = built()
    assert len(first) > 50
    assert {name for name in first if again[name] != first[name]} == {"loss/loss.o"}


def test_a_changed_source_is_compiled_again(tree: Path, tmp_path: Path) -> None:
    """A second build must not ship the objects of the first."""
    command = (
        sys.executable,
        "setup.py",
        "build_ext",
        "--build-temp",
        tmp_path / "t",
        "--build-lib",
        tmp_path / "l",
    )
    checked(*command, cwd=tree, FASTNN_REQUIRE_NATIVE="1", **QUICK)
    module = next((tmp_path / "l").rglob("_native*.so"))
    before = module.read_bytes()
    source = tree / "csrc" / "loss" / "loss.c"
    original = source.read_text()
    marker = "a line that was not there before"
    source.write_text(f'{original}\n__attribute__((used)) static const char changed[] = "{marker}";\n')
    try:
        checked(*command, cwd=tree, FASTNN_REQUIRE_NATIVE="1", **QUICK)
    finally:
        source.write_text(original)
    assert marker.encode() not in before
    assert marker.encode() in module.read_bytes()
