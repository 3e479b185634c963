"""Tries whether tests notice wrong code: ``python scripts/mutate.py [words ...]``.

The changes of ``scripts/mutation_list.py`` (those whose file or text has one of the words, if words are given) are made
one at a time in a copy of the working tree, what they touch is compiled anew, and their tests run until one fails. A
line for each says whether it was noticed; the exit status is 1 if one was not. FASTNN_BUILD_ISA=avx2 and
CC="ccache gcc" make it faster.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutation_list import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 600  # for the tests of one change; a test that does not end has noticed it
NO_TESTS = 5  # the exit status of pytest if it has found none


def run(tree: Path, *command: str) -> bool:
    """Run a command in a tree, for at most `SECONDS`; return whether it succeeded."""
    environment = os.environ | {"PYTHONPATH": str(tree), "FASTNN_REQUIRE_NATIVE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *command], cwd=tree, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"not done after {SECONDS} s, which may be the machine:", *command, flush=True)
        return False
    if "pytest" in command and done.returncode == NO_TESTS:
        raise RuntimeError(f"there is no such test: {command}")
    return done.returncode == 0


def build(tree: Path) -> bool:
    """Compile what has changed in a tree."""
    return run(tree, "setup.py", "-q", "build_ext", "--inplace")


def noticed(tree: Path, mutation: Mutation) -> bool:
    """Whether the compiler or a test notices a change."""
    path = tree / mutation.file
    before = path.read_text()
    path.write_text(before.replace(mutation.before, mutation.after))
    compiled = path.suffix in (".c", ".h", ".pyx")
    try:
        if compiled and not build(tree):
            return True
        chosen = ["-k", mutation.only] if mutation.only else []
        return not run(tree, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *chosen, *mutation.tests.split())
    finally:
        path.write_text(before)
        if compiled and not build(tree):
            raise RuntimeError(f"{mutation.file} as it was does not compile")


def main(words: list[str]) -> int:
    """Try the changes; return the exit status."""
    chosen = [m for m in MUTATIONS if not words or any(word in f"{m.file} {m.before}" for word in words)]
    survived = 0
    with tempfile.TemporaryDirectory(prefix="fastnn-mutate-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "build"), symlinks=True)
        if not build(tree):
            raise RuntimeError("the tree does not compile")
        for mutation in chosen:
            started = time.perf_counter()
            found = noticed(tree, mutation)
            survived += not found
            word = "noticed " if found else "SURVIVED"
            print(f"{word} {time.perf_counter() - started:5.0f} s  {mutation.file}: {mutation.after!r:.60}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} changes were noticed")
    return int(survived > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
