"""A task for each habit: ``nox -l`` lists them, ``nox -s lint test`` runs some, ``nox`` runs all checks.

They run in the environment that nox itself is installed in, because a rebuild of the native module takes minutes:
``pip install -e '.[dev]'`` makes that environment. Arguments after ``--`` go to the tool, for instance
``nox -s test -- tests/layers -x``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]

BIN = Path(sys.executable).parent
INSTALLED = {"PYTHONSAFEPATH": "1"}  # the fastnn that is installed, not the folder of that name beside this file


def module(session: nox.Session, name: str, *arguments: str) -> None:
    """Run a module of the current environment."""
    session.run(sys.executable, "-m", name, *arguments, env=INSTALLED)


def clang_format(session: nox.Session, *options: str) -> None:
    """Run clang-format on every C file."""
    files = sorted(str(path) for folder in ("csrc", "tests/c") for path in Path(folder).rglob("*.[ch]"))
    session.run(str(BIN / "clang-format"), *options, *files)


@nox.session
def format(session: nox.Session) -> None:
    """Rewrite Python and C in the project's style."""
    module(session, "ruff", "check", "--fix", ".")
    module(session, "ruff", "format", ".")
    clang_format(session, "-i")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of Python and C."""
    module(session, "ruff", "check", ".")
    module(session, "ruff", "format", "--check", ".")
    clang_format(session, "--dry-run", "-Werror")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, strictly."""
    module(session, "mypy", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests and the examples of README and docstrings: all of them, or the paths after ``--``."""
    module(session, "pytest", "-n", "auto", "--dist", "loadfile", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Check documents and examples, and build the site into build/docs; ``-- -E`` builds it anew."""
    documents = ["README.md", "tests/test_documents.py", "tests/test_docstrings.py", "tests/test_site.py"]
    module(session, "pytest", *documents)
    module(session, "sphinx", "-b", "html", "-j", "2", "-W", "--keep-going", *session.posargs, "docs", "build/docs")


@nox.session
def backends(session: nox.Session) -> None:
    """Run some tests on numba and on the reference; ``nox -s deep -- backends`` runs all of them there."""
    session.run("bash", "tests/backends.sh", env={"PYTHON": sys.executable})


@nox.session
def deep(session: nox.Session) -> None:
    """Run the long tests: every instruction set and backend, more examples; ``-- slow asan`` runs those parts alone."""
    session.run("bash", "tests/deep.sh", *session.posargs, env={"PYTHON": sys.executable})


@nox.session
def selftest(session: nox.Session) -> None:
    """Test the C code by itself, without Python; ``-- --cc COMPILER --run EMULATOR`` does so for another machine."""
    session.run(sys.executable, "tests/c/selftest.py", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build and check the wheels of every target with Zig's compiler, or of those after ``--``; needs ``.[wheels]``."""
    session.run(sys.executable, "scripts/wheels.py", *session.posargs)


@nox.session
def campaign(session: nox.Session) -> None:
    """Try hard to break the code: long tests, sanitizers, damaged files, wrong changes; ``-- mutations`` runs those."""
    session.run("bash", "tests/campaign.sh", *session.posargs, env={"PYTHON": sys.executable})


@nox.session
def coverage(session: nox.Session) -> None:
    """Say what share of Python and of C the tests run; ``-- python`` or ``-- c`` does one of them."""
    session.run("bash", "tests/coverage.sh", *session.posargs, env={"PYTHON": sys.executable})


@nox.session
def bench(session: nox.Session) -> None:
    """Time kernels and steps beside their NumPy reference; ``-- bench/bench_pool.py`` times some."""
    module(session, "pytest", "--benchmark-only", *(session.posargs or ["bench"]))


@nox.session
def track(session: nox.Session) -> None:
    """Compare the speed against NumPy with what is stored for this processor; ``-- store`` stores it anew."""
    session.run(sys.executable, "bench/track.py", *(session.posargs or ["check"]))


@nox.session
def digest(session: nox.Session) -> None:
    """Write the digest of all results to a file: ``nox -s digest -- before.txt``; see scripts/digest_results.py."""
    if len(session.posargs) != 1:
        session.error("digest: expected one file name, as in: nox -s digest -- before.txt")
    session.run(sys.executable, "scripts/digest_results.py", "write", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Run everything that has to pass before a change is merged; .ci/run does so in a new environment."""
    if session.posargs:
        session.error("check: runs everything; for a part of the tests: nox -s test -- PATH")
    lint(session)
    types(session)
    session.log("the first command of the README")
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        module(session, "fastnn", "train", "--quiet")
    test(session)
    backends(session)
