"""The command line of the race and what it prints."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import peers as sides
from bench import results
from bench.environment import cores, handicaps, without_handicaps
from bench.heat import Plan, race_row
from bench.peers import mnist
from bench.probe import in_process, kind_of, processor
from bench.table import Row, row_table, settings_list
from bench.workloads import REAL, WORKLOADS, Workload, select

RACE = Path(__file__).resolve().parent / "race.py"
DESCRIPTION = """Race fastnn against the other frameworks, side by side on this machine.

Every side runs in a process of its own, pinned to the same cores, and is stopped while another is timed. First the
settings of each framework are tried; the fastest one is timed in rounds in which all frameworks alternate. A step
includes gathering its rows from the data set. The results are medians over the rounds."""
GROUPS = tuple(dict.fromkeys(w.group for w in WORKLOADS))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rows", default=",".join(GROUPS), help="groups or single rows, by comma (--list shows them)")
    add("--peers", default=",".join(sides.PEERS), help="frameworks, by comma; those missing are left out")
    add("--repeats", type=int, default=15, help="alternating rounds (default 15)")
    add("--threads", type=int, default=2, help="cores every side may use (default 2)")
    add("--isa", help="FASTNN_ISA for our side: avx2, avx512, baseline, neon")
    add(
        "--store",
        nargs="?",
        type=Path,
        const=results.FOLDER,
        metavar="FILE",
        help="keep each row as soon as it is raced, by default in bench/results with others of this processor",
    )
    add("--resume", action="store_true", help="with --store: leave out the rows that were stored at this commit")
    add("--mnist", type=Path, help="the folder of MNIST's gzipped files; without it rows of real images are left out")
    add("--settings", type=Path, help="a file of --store: run its best settings, try no others")
    add("--peers-only", action="store_true", help="measure the peers without fastnn")
    add("--list", action="store_true", help="list the rows and the installed frameworks")
    return parser.parse_args(arguments)


def clean_environment(arguments: list[str]) -> None:
    """Start again without the variables that slow NumPy down, if any are set."""
    found = handicaps(os.environ)
    if found:
        names = " and ".join(found)
        print(f"race: {names} would hold NumPy back; starting again without", file=sys.stderr, flush=True)
        command = [sys.executable, str(RACE), *arguments]
        os.execve(sys.executable, command, without_handicaps(os.environ))


def versions(names: list[str]) -> dict[str, str]:
    """The installed versions of the frameworks."""
    distributions = {
        "fastnn": ("fastnn-cpu",), "tensorflow": ("tensorflow", "tensorflow-cpu"), "sklearn": ("scikit-learn",),
    }  # fmt: skip
    found = {"python": platform.python_version()}
    for name in names:
        for distribution in distributions.get(name, (name,)):
            try:
                found[name] = importlib.metadata.version(distribution)
                break
            except importlib.metadata.PackageNotFoundError:
                continue
    return found


def earlier_settings(path: Path) -> dict[tuple[str, str], str]:
    """The settings that were best in an earlier race, by workload and side; also for the rows with real images."""
    return {
        (row["key"] + suffix, entry["side"]): entry["setting"]
        for suffix in (REAL, "")
        for row in results.load(path)["rows"].values()
        for entry in row["peers"]
    }


def commit() -> str:
    """The short name of the commit that is checked out, with a plus if files have changed since; empty without git."""
    parts = []
    for arguments in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "-uno")):
        try:
            done = subprocess.run(["git", *arguments], cwd=results.ROOT, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return ""
        parts.append(done.stdout.strip())
    changed = [line for line in parts[1].splitlines() if not line.endswith(("bench/RESULTS.md", ".json"))]
    return parts[0] + ("+" if changed else "")


def heading(name: str, found: dict[str, str], options: argparse.Namespace) -> str:
    """The machine, its measured limits, the versions, and what the numbers are."""
    limits = []
    for threads in sorted({1, options.threads}):
        p = in_process(threads)
        limits.append(
            f"{p.fma_gflops:.0f} GFLOP/s of multiply-adds, {p.read_gbs:.0f} GB/s of reading and {p.update_gbs:.0f} of "
            f"updating memory on {threads} thread{'s' * (threads > 1)}"
        )
    versions_text = ", ".join(f"{library} {version}" for library, version in found.items() if library != "fastnn")
    return (
        f"{name}; {options.threads} threads; {platform.system()} {platform.release()}; {versions_text}. "
        f"Measured limits: {'; '.join(limits)}."
    )


def race_all(
    wanted: list[Workload], plan: Plan, made: dict[str, Any], keep: Callable[[Row], None] | None
) -> Iterator[Row]:
    """Race the workloads one after the other, and keep each when it is done."""

    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    for workload in wanted:
        row = race_row(workload, plan, say)
        row.made = made
        say(f"{workload.title}: {row.verdict()}")
        if keep is not None:
            keep(row)
        yield row


def main(arguments: list[str] | None = None) -> int:
    """Race and print; return 1 if a row falls short of its required ratios."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
    try:
        wanted = select([name for name in options.rows.split(",") if name])
        asked = [name for name in options.peers.split(",") if name]
        present = [name for name in asked if sides.installed(name)]
        cores(options.threads)
        if options.repeats < 1:
            raise ValueError(f"race: expected at least 1 round, but --repeats {options.repeats} came")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.mnist is not None:
        os.environ[mnist.VARIABLE] = str(options.mnist.resolve())
    if options.list:
        for w in wanted:
            print(f"{w.key:16} {w.group:8} {w.title}")
        print("frameworks:", ", ".join(n for n in ("fastnn", *present) if sides.installed(n)))
        return 0
    clean_environment(given)
    if not options.peers_only and not sides.installed("fastnn"):
        print("race: fastnn is not installed here (pip install .), or use --peers-only", file=sys.stderr)
        return 2
    for name in set(asked) - set(present):
        print(f"race: {name} is not installed and left out", file=sys.stderr)

    if mnist.folder() is None and any(w.data == "mnist" for w in wanted):
        print("race: no MNIST files (--mnist FOLDER), so that rows of real images are left out", file=sys.stderr)
        wanted = [w for w in wanted if w.data != "mnist"]
    plan = Plan(
        tuple(present), options.threads, options.repeats, options.isa, not options.peers_only,
        earlier_settings(options.settings) if options.settings else None,
    )  # fmt: skip

    found = versions([*([] if options.peers_only else ["fastnn"]), *present])
    made = {"commit": commit(), "date": datetime.date.today().isoformat(), "versions": found}
    file = options.store
    if file == results.FOLDER:
        file = results.FOLDER / f"{kind_of(processor(), options.threads)}.json"
    if options.resume and file is not None:
        done = {name for name, row in results.load(file)["rows"].items() if row.get("commit") == made["commit"]}
        wanted = [workload for workload in wanted if Row(workload, options.isa).name not in done]
    machine = {"processor": processor(), "threads": options.threads, "machine": heading(processor(), found, options)}
    print(machine["machine"], flush=True)
    rows: list[Row] = []
    try:
        keep = None if file is None else lambda row: results.merge(file, machine, row)
        for row in race_all(wanted, plan, made, keep):
            rows.append(row)
    except KeyboardInterrupt:
        print("race: interrupted; the rows that were done:", file=sys.stderr)
    if rows:
        print("\n" + row_table(rows))
        print("\nFloors, and all peers at their best settings:\n\n" + settings_list(rows))
    return 1 if any(row.verdict().startswith("short") for row in rows) else 0
