"""Tries whether tests notice wrong code: ``python scripts/mutate.py [--results FILE] [words ...]``.

The changes of ``scripts/mutation_list.py`` (those whose file or text has one of the words, if words are given) are made
one at a time in a copy of the working tree, what they touch is compiled anew, and their tests run until one fails,
which has to pass without the change. A line for each says whether it was noticed; the exit status is 1 if one was not.
With ``--results``, a line for each is added to a file, and a run that was stopped goes on: what the file has as noticed
is not tried again. FASTNN_BUILD_ISA=avx2 and CC="ccache gcc" make it faster.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutation_list import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 1800  # for the tests of one change; a test that does not end has noticed it
NO_TESTS = 5  # the exit status of pytest if it has found none


def run(tree: Path, *command: str) -> bool:
    """Run a command in a tree as CI would, for at most `SECONDS`; return whether it succeeded."""
    environment = os.environ | {"PYTHONPATH": str(tree), "FASTNN_REQUIRE_NATIVE": "1", "CI": "1"}
    environment["HYPOTHESIS_PROFILE"] = "unshrunk"
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


def passes(tree: Path, mutation: Mutation, *options: str) -> bool:
    """Whether the tests of a change pass on a tree as it is, up to the first that does not."""
    chosen = ["-k", mutation.only] if mutation.only else []
    return run(tree, "-m", "pytest", "-q", "-x", *options, *chosen, *mutation.tests.split())


def attempt(tree: Path, mutation: Mutation) -> str:
    """Make a change and take it back; return in a word whether the compiler or a test noticed it."""
    path, failed = tree / mutation.file, tree / ".pytest_cache"
    before = path.read_text()
    path.write_text(before.replace(mutation.before, mutation.after))
    shutil.rmtree(failed, ignore_errors=True)
    try:
        compiles = build(tree)
        survived = compiles and passes(tree, mutation)
    finally:
        path.write_text(before)
    if survived:
        return "SURVIVED"
    if path.suffix != ".py" and not build(tree):
        raise RuntimeError(f"{mutation.file} as it was does not compile")
    # the test that failed; all of them if the process ended before it could name one
    return "noticed" if not compiles or passes(tree, mutation, "--last-failed") else "FAILS UNCHANGED"


def already_noticed(results: Path | None) -> set[Mutation]:
    """The changes that an earlier run has noted as noticed."""
    if results is None or not results.exists():
        return set()
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    return {Mutation(*line["mutation"]) for line in lines if line["result"] == "noticed"}


def main() -> int:
    """Try the changes; return the exit status."""
    parser = argparse.ArgumentParser(description="Try whether tests notice wrong code.")
    parser.add_argument("words", nargs="*", help="of the files or texts of the changes to try; default: all")
    parser.add_argument("--results", type=Path, help="a file to add each result to, and to go on from")
    given = parser.parse_args()
    chosen = [m for m in MUTATIONS if not given.words or any(word in f"{m.file} {m.before}" for word in given.words)]
    before = already_noticed(given.results)
    left = [mutation for mutation in chosen if mutation not in before]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="fastnn-mutate-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "build"), symlinks=True)
        if not build(tree):
            raise RuntimeError("the tree does not compile")
        for mutation in left:
            started = time.perf_counter()
            word = attempt(tree, mutation)
            missed += word != "noticed"
            seconds = round(time.perf_counter() - started)
            print(f"{word:<8} {seconds:5} s  {mutation.file}: {mutation.after!r:.60}", flush=True)
            if given.results is not None:
                line = json.dumps({"mutation": mutation, "result": word, "seconds": seconds})
                with given.results.open("a") as results:
                    results.write(f"{line}\n")
    print(f"{len(chosen) - missed} of {len(chosen)} changes were noticed")
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
