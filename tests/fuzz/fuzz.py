"""Fuzzes readers, guided by what of their code runs: ``python tests/fuzz/fuzz.py [--seconds N] [target ...]``.

Each target (``tests/fuzz/targets.py``) runs for N seconds (20 minutes, if not said otherwise) in a process of its own,
from its own seeds and from what earlier runs left in the folder that ``--corpus`` names. Content that fails is kept in
``tests/fuzz/found``, where a test (``tests/fuzz/test_targets.py``) reads it again. Needs ``pip install atheris``.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOUND = HERE / "found"
LONGEST, MEBIBYTES, SECONDS_OF_ONE = 4096, 2048, 20
INSTRUMENTED = ("fastnn.data", "fastnn.model", "fastnn.trainer.checkpoint_schema", "fastnn.trainer.snapshot")
INSTRUMENTED += ("fastnn.alexnet", "fastnn.architecture", "fastnn.cli.run_config", "fastnn.schedule_texts")
INSTRUMENTED += ("fastnn.tabular", "fastnn.population", "fastnn.studies.store", "fastnn.layers", "fastnn.decisions")


def folder_of(name: str) -> str:
    """A target's name as that of a folder."""
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def work(name: str, corpus: Path, seconds: int) -> None:
    """Fuzz one target in this process, until the time is over or something is found."""
    import atheris

    sys.path[:0] = [str(HERE), str(HERE.parent / "data"), str(HERE.parent)]
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        from targets import targets
    target = targets()[name]
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    FOUND.mkdir(exist_ok=True)
    longest = max(LONGEST, *(2 * len(seed) for seed in target.seeds))
    options = {
        "max_total_time": seconds,
        "max_len": longest,
        "rss_limit_mb": MEBIBYTES,
        "timeout": SECONDS_OF_ONE,
        "artifact_prefix": f"{FOUND}/{folder_of(name)}.",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    atheris.Setup(["fuzz", *(f"-{key}={value}" for key, value in options.items()), str(corpus)], target.call)
    atheris.Fuzz()


def main() -> int:
    """Fuzz targets in turn; return whether anything was found."""
    parser = argparse.ArgumentParser(description="Fuzz readers of files and texts.")
    parser.add_argument("targets", nargs="*", help="names of targets; default: all")
    parser.add_argument("--seconds", type=int, default=1200, help="of each target")
    parser.add_argument("--corpus", type=Path, help="a folder to begin from and to leave the corpus in")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    corpus = given.corpus or Path(tempfile.mkdtemp(prefix="fastnn-corpus-"))
    if given.work:
        work(given.targets[0], corpus / folder_of(given.targets[0]), given.seconds)
        return 0
    sys.path[:0] = [str(HERE), str(HERE.parent / "data"), str(HERE.parent)]
    from targets import targets

    failed = []
    for name in given.targets or targets():
        command = [sys.executable, __file__, "--work", name, "--corpus", str(corpus), "--seconds", str(given.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        runs = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{name:<32} {runs[0] if runs else '-':>10} runs  {'' if done.returncode == 0 else 'FAILED'}", flush=True)
        if done.returncode != 0:
            failed.append(name)
            print(done.stdout[-2000:], "\n".join(done.stderr.splitlines()[-20:]), flush=True)
    print(f"{len(failed)} of the targets failed" + (f": {', '.join(failed)}" if failed else ""))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
